/* The calls go through an engine's class, which sees no wrong argument. */
#include "engine.h"

#include <float.h>
#include <stdio.h>

#include "message.h"

/* Whether a number is not in low … high; NaN is in no range. */
static int outside(double value, double low, double high)
{
    return !(value >= low && value <= high);
}

/* The options of a step. */
static int check_step(const struct engine_options *o)
{
    int adam = o->optimizer == OPTIMIZER_ADAM;
    if (outside(o->momentum, 0, 1) || (adam && o->momentum == 1))
        return fail("the momentum must be from 0 to 1%s, not %g",
                    adam ? ", but not 1 with Adam" : "", o->momentum);
    if (adam && (outside(o->second, 0, 1) || o->second == 1))
        return fail(
            "what Adam keeps of its second moments must be at least 0 and less than 1, not %g",
            o->second);
    if (adam && outside(o->epsilon, DBL_MIN, DBL_MAX))
        return fail(
            "Adam's epsilon must be greater than 0, not %g: it divides by it where a gradient "
            "is 0",
            o->epsilon);
    if (adam && o->nesterov)
        return fail("Nesterov's momentum is of SGD: Adam has none");
    if (o->nesterov && o->momentum == 0)
        return fail("Nesterov's momentum needs a momentum greater than 0");
    if (outside(o->weight_decay, 0, DBL_MAX))
        return fail("the weight decay must be a number from 0 on, not %g", o->weight_decay);
    if (outside(o->vector_rate, 0, DBL_MAX))
        return fail(
            "the factor of the rate for biases, scales and offsets must be a number greater "
            "than 0, not %g",
            o->vector_rate);
    if (outside(o->offset_rate, 0, DBL_MAX))
        return fail("the factor of the rate for offsets must be a number greater than 0, not %g",
                    o->offset_rate);
    if (outside(o->clip_norm, 0, DBL_MAX))
        return fail(
            "the norm that gradients are clipped to must be a number greater than 0, not %g",
            o->clip_norm);
    if (outside(o->label_smoothing, 0, 1) || o->label_smoothing == 1)
        return fail("label smoothing must be at least 0 and less than 1, not %g",
                    o->label_smoothing);
    if (outside(o->dropout, 0, 1) || o->dropout == 1)
        return fail("dropout must be at least 0 and less than 1, not %g", o->dropout);
    return 0;
}

/* What no engine could do. */
static int check(const struct net *net, const struct engine_options *o)
{
    if (o->batch < 1 || o->batch > 1 << 20)
        return fail("a batch must have from 1 to %d images, not %llu", 1 << 20,
                    (unsigned long long)o->batch);
    if (o->threads > 4096)
        return fail("there can be at most 4096 threads, not %llu (0: as many as the machine has)",
                    (unsigned long long)o->threads);
    for (uint32_t c = 0; c < net->shape.channels; c++)
        if (!(o->deviation[c] > 0) || o->mean[c] != o->mean[c])
            return fail(
                "channel %u has mean %g and deviation %g: the deviation must be greater than 0", c,
                o->mean[c], o->deviation[c]);
    return o->train ? check_step(o) : 0;
}

int engine_open_class(struct engine **engine, const struct engine_class *class,
                      const struct net *net, const struct engine_options *options)
{
    *engine = NULL;
    if (check(net, options) < 0 || class->open(engine, net, options) < 0)
        return -1;
    (*engine)->batch = (uint32_t)options->batch;
    (*engine)->classes = net->shape.classes;
    (*engine)->train = options->train;
    (*engine)->optimizer = options->optimizer;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (engine)
        engine->class->close(engine);
}

const char *engine_name(const struct engine *engine)
{
    return *engine->distrusted ? engine->distrusted : engine->class->name(engine);
}

void engine_distrust(struct engine *engine)
{
    snprintf(engine->distrusted, sizeof engine->distrusted, "%s, failed its self-test",
             engine->class->name(engine));
}

const char *engine_detail(const struct engine *engine)
{
    return engine->class->detail(engine);
}

int engine_write(struct engine *engine, const struct learnt *learnt)
{
    return engine->class->write(engine, learnt);
}

int engine_read(struct engine *engine, const struct learnt *learnt)
{
    if (learnt->momentum && !engine->train)
        return fail("an engine opened for prediction has no momentum");
    if (learnt->second && engine->optimizer != OPTIMIZER_ADAM)
        return fail("an engine without Adam has no second moments");
    return engine->class->read(engine, learnt);
}

int engine_keep(struct engine *engine, const struct kept_images *images)
{
    if (engine->class->keep)
        return engine->class->keep(engine, images);
    fail("the %s engine takes pixels", engine->class->device);
    return 0;
}

/* A batch of views is for an engine that keeps images; another one is not even asked. */
static int check_batch(const struct engine *engine, const struct batch *batch)
{
    if (batch->pixels == NULL && engine->class->keep == NULL)
        return fail("the %s engine takes pixels", engine->class->device);
    if (batch->count < 1 || batch->count > engine->batch)
        return fail("a call with %zu images to an engine for 1 … %u", batch->count, engine->batch);
    for (size_t i = 0; batch->label && i < batch->count; i++)
        if (batch->label[i] >= engine->classes)
            return fail("label %u in a network of %u classes", batch->label[i], engine->classes);
    return 0;
}

int engine_begin_step(struct engine *engine, const struct batch *batch, const struct step *step)
{
    if (!engine->train)
        return fail("an engine opened for prediction cannot train");
    if (step->number < 1)
        return fail("the steps of a training are numbered from 1 on, not from 0");
    if (check_batch(engine, batch) < 0)
        return -1;
    return engine->class->begin(engine, batch, step);
}

int engine_begin_test(struct engine *engine, const struct batch *batch)
{
    if (check_batch(engine, batch) < 0)
        return -1;
    return engine->class->begin(engine, batch, NULL);
}

int engine_outcome(struct engine *engine, int wait, struct outcome *outcome)
{
    return engine->class->outcome(engine, wait, outcome);
}

int engine_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                const struct step *step, struct outcome *outcome)
{
    struct batch batch = {.pixels = images, .label = label, .count = count};
    if (engine_begin_step(engine, &batch, step) < 0)
        return -1;
    return engine_outcome(engine, 1, outcome) < 0 ? -1 : 0;
}

int engine_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                   uint32_t count, float *probability, struct outcome *outcome)
{
    struct batch batch = {.pixels = images, .label = label, .count = count};
    if (check_batch(engine, &batch) < 0)
        return -1;
    return engine->class->predict(engine, images, label, count, probability, outcome);
}

int engine_gradient(struct engine *engine, float *gradient)
{
    if (!engine->train)
        return fail("an engine opened for prediction has no gradient");
    return engine->class->gradient(engine, gradient);
}
