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
    uint64_t patience;         /* validations in a row without a smaller loss; UINT64_MAX: any */

    /* Where the run is. */
    uint64_t epoch, iteration;             /* finished so far, and told */
    uint64_t saved;                        /* iteration of the last checkpoint */
    uint64_t skip_iterations, skip_epochs; /* of the input, that an earlier run has learnt from */
    double least;                 /* the smallest validation loss; INFINITY before the first */
    uint64_t in_vain;             /* validations since then */
    int diverged;                 /* the loss is no number any more, and that has been told */
    double first_step;            /* seconds, for the pace */
    uint64_t images;              /* trained on since then */
    float *parameters, *momentum; /* scratch for checkpoints, float[net->parameters] each */
};

/* Mini-batches of an epoch. */
uint64_t run_epoch_iterations(const struct run *run);
/* Training images that so many iterations have: the last mini-batch of an epoch may be smaller. */
uint64_t run_images(const struct run *run, uint64_t iterations);
/* Whether a checkpoint is due at the end of an epoch. The last has one always, so that the run can
 * go on one day. */
int run_saves_at(const struct run *run, uint64_t epoch);

/* Lets the run go on after an epoch and an iteration that an earlier run has had: so much of the
 * input is then passed over. -1 with a sentence when the input begins with a later epoch. */
int run_go_on(struct run *run, uint64_t epoch, uint64_t iteration);

/* Writes the progress record of an iteration (1, 2, …) of an epoch (1, 2, …): its mini-batch had so
 * many images, with this mean loss and this fraction right. */
int run_write_progress(struct writer *writer, uint64_t iteration, uint64_t epoch, uint64_t images,
                       double loss, double accuracy);

/* Takes note of a validation, and whether the rule of patience ends the run after it. */
void run_validated(struct run *run, double loss);
int run_is_out_of_patience(const struct run *run);

/* Trains until the epochs are done, patience is at its end, the input ends, or a signal asks for
 * the end; then writes the model. 0 when the model reached its epochs or a rule ended it; STOPPED
 * when a signal ended it (checkpoint and model are written); -1 with a sentence else. */
int run_train(struct run *run);

#endif
