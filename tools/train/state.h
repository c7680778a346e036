/* What a run has learnt: what the engine holds, the average of that, and the best there was; and
 * how records keep it.
 *
 * Law: a checkpoint has all of it, so that each goes by itself: a run goes on from one without
 * looking for others. What --keep best keeps is therefore in each checkpoint, unless it is that
 * checkpoint's own (a run that validates seldom or often has no checkpoint where it was best).
 */
#ifndef PSWEEP_STATE_H
#define PSWEEP_STATE_H

#include "average.h"
#include "nn/engine.h"
#include "record.h"
#include "write.h"

struct state {
    const struct net *net;
    struct engine *engine;
    struct averaging averaging;

    /* float[net->parameters] each. */
    float *parameters, *momentum; /* of the engine, when they were read */
    float *second;                /* likewise, with Adam; else NULL */
    float *average;               /* NULL: none */
    float *best;                  /* weights or average; NULL: they are not kept */
};

/* The engine has its initial values, with which the average begins. */
int state_open(struct state *state, struct engine *engine, const struct net *net,
               const struct averaging *averaging, int keeps_best);
void state_close(struct state *state);

/* After a step that average_is_due() names, and that is told. */
int state_average(struct state *state, uint64_t iteration);

/* Puts the average into the engine where there is one, and takes it out again: between these the
 * engine tests. */
int state_begin_test(struct state *state);
int state_end_test(struct state *state);

/* The weights, or the average, are the best so far. */
int state_keep_best(struct state *state);

/* What the model has, the best there was or what the run has now: float[net->parameters], borrowed
 * until the next call. NULL with a sentence. */
const float *state_model(struct state *state, int the_best);

/* Reads the engine; then packs the lists of a checkpoint's tensors. with_best: the best there was
 * is not what the run has now. */
int state_fetch(struct state *state);
void state_pack(const struct state *state, struct writer *writer, int with_best);
/* Takes them from such a record, into the engine too. */
int state_read(struct state *state, const struct record *record, int with_best);

#endif
