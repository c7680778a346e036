/* One training run: the loop over mini-batches and the records that it writes. */
#ifndef PSWEEP_RUN_H
#define PSWEEP_RUN_H

#include "feed.h"
#include "nn/engine.h"
#include "progress.h"
#include "write.h"

struct run {
    const struct net *net;
    struct engine *engine;
    struct feed *feed;
    struct writer *writer;
    struct progress *progress; /* NULL: nobody watches */
    uint32_t batch;
    double rate;
    uint64_t epochs;           /* to train */
    int epochs_asked;          /* the user named that number: an input with fewer is a failure */
    uint64_t checkpoint_every; /* epochs */

    /* Where the run is. */
    uint64_t epoch, iteration;    /* finished so far */
    uint64_t saved;               /* iteration of the last checkpoint */
    double first_step;            /* seconds, for the pace */
    uint64_t images;              /* trained on so far */
    float *parameters, *momentum; /* scratch for checkpoints, float[net->parameters] each */
};

/* Trains until the epochs are done, the input ends, or a signal asks for the end; then writes the
 * model. 0 when the model reached its epochs; STOPPED when a signal ended it (checkpoint and model
 * are written); -1 with a sentence else. */
int run_train(struct run *run);

#endif
