#include "state.h"

#include "message.h"
#include "nn/model.h"

#include <stdlib.h>
#include <string.h>

static struct learnt learnt_of(const struct state *state)
{
    return (struct learnt){state->parameters, state->momentum, state->second};
}

int state_fetch(struct state *state)
{
    struct learnt all = learnt_of(state);
    return engine_read(state->engine, &all);
}

static int write_engine(struct state *state)
{
    struct learnt all = learnt_of(state);
    return engine_write(state->engine, &all);
}

static float *new_values(const struct state *state, int wanted)
{
    return wanted ? ealloc(state->net->parameters, sizeof(float)) : NULL;
}

int state_open(struct state *state, struct engine *engine, const struct net *net,
               const struct averaging *averaging, int keeps_best)
{
    *state = (struct state){.net = net, .engine = engine, .averaging = *averaging};
    state->parameters = new_values(state, 1);
    state->momentum = new_values(state, 1);
    state->second = new_values(state, engine->optimizer == OPTIMIZER_ADAM);
    state->average = new_values(state, averaging->kind != AVERAGE_NONE);
    state->best = new_values(state, keeps_best);
    return state->average ? engine_read(engine, &(struct learnt){state->average, NULL, NULL}) : 0;
}

void state_close(struct state *state)
{
    free(state->parameters);
    free(state->momentum);
    free(state->second);
    free(state->average);
    free(state->best);
    *state = (struct state){0};
}

int state_average(struct state *state, uint64_t iteration)
{
    if (state_fetch(state) < 0)
        return -1;
    int moved = average_step(&state->averaging, iteration, state->net->parameters, state->average,
                             state->parameters);
    return moved ? write_engine(state) : 0;
}

int state_begin_test(struct state *state)
{
    if (state->average == NULL)
        return 0;
    return state_fetch(state) < 0
               ? -1
               : engine_write(state->engine, &(struct learnt){state->average, NULL, NULL});
}

int state_end_test(struct state *state)
{
    return state->average ? write_engine(state) : 0;
}

/* What the model would be now, into values. */
static int read_model(struct state *state, float *values)
{
    if (state->average == NULL)
        return engine_read(state->engine, &(struct learnt){values, NULL, NULL});
    memcpy(values, state->average, state->net->parameters * sizeof *values);
    return 0;
}

int state_keep_best(struct state *state)
{
    return state->best ? read_model(state, state->best) : 0;
}

const float *state_model(struct state *state, int the_best)
{
    if (the_best)
        return state->best;
    return read_model(state, state->parameters) < 0 ? NULL : state->parameters;
}

void state_pack(const struct state *state, struct writer *writer, int with_best)
{
    model_pack_tensors(writer, "tensors", state->net, state->parameters, 0);
    model_pack_tensors(writer, "momentum", state->net, state->momentum, 1);
    if (state->second)
        model_pack_tensors(writer, "second", state->net, state->second, 1);
    if (state->average)
        model_pack_tensors(writer, "average", state->net, state->average, 0);
    if (state->best && with_best)
        model_pack_tensors(writer, "best", state->net, state->best, 0);
}

int state_read(struct state *state, const struct record *record, int with_best)
{
    const struct net *net = state->net;
    if (model_read_tensors(record, "tensors", net, state->parameters, 0) < 0 ||
        model_read_tensors(record, "momentum", net, state->momentum, 1) < 0 ||
        (state->second && model_read_tensors(record, "second", net, state->second, 1) < 0) ||
        (state->average && model_read_tensors(record, "average", net, state->average, 0) < 0) ||
        (state->best && with_best && model_read_tensors(record, "best", net, state->best, 0) < 0) ||
        write_engine(state) < 0)
        return -1;
    return state->best && !with_best ? read_model(state, state->best) : 0;
}
