/* One training run: the loop over mini-batches and the records that it writes. */
#ifndef PSWEEP_TRAINING_H
#define PSWEEP_TRAINING_H

#include "loader.h"
#include "nn/engine.h"
#include "progress.h"
#include "state.h"
#include "training_options.h"
#include "validations.h"
#include "write.h"

struct training {
    const struct training_options *options;
    const struct net *net;
    struct engine *engine;
    struct loader *loader;
    struct writer *writer;
    struct progress *progress; /* NULL: nobody watches */
    struct state state;
    uint64_t epochs; /* to train */

    /* Where the run is. */
    uint64_t epoch, iteration;             /* finished so far, and told */
    uint64_t begun;                        /* steps, those that are not told yet among them */
    uint64_t saved;                        /* iteration of the last checkpoint */
    uint64_t skip_iterations, skip_epochs; /* of the input, that an earlier run has learnt from */
    struct validations validations;
    int diverged;      /* the loss is no number any more, and that has been told */
    double first_step; /* seconds, for the pace */
    uint64_t images;   /* trained on since then */
};

/* Mini-batches of an epoch. */
uint64_t training_epoch_iterations(const struct training *training);
/* Training images that so many iterations have: the last mini-batch of an epoch may be smaller. */
uint64_t training_images(const struct training *training, uint64_t iterations);
/* Whether a checkpoint is due at the end of an epoch. The last has one always, so that the run can
 * go on one day. */
int training_saves_at(const struct training *training, uint64_t epoch);

/* Lets the run go on after an epoch and an iteration that an earlier run has had: so much of the
 * input is then passed over. -1 with a sentence when the input begins with a later epoch. */
int training_go_on(struct training *training, uint64_t epoch, uint64_t iteration);

/* Writes the progress record of an iteration (1, 2, …) of an epoch (1, 2, …): its mini-batch had so
 * many images, with this mean loss and this fraction right, and its step this rate, NAN where that
 * is not told. */
int training_write_progress(struct writer *writer, uint64_t iteration, uint64_t epoch,
                            uint64_t images, double loss, double accuracy, double rate);

/* Whether the rule of patience ends the run. */
int training_is_out_of_patience(const struct training *training);
/* Whether a checkpoint has to hold the best weights beside its own. */
int training_best_is_past(const struct training *training);

/* Trains until the epochs are done, patience is at its end, the input ends, or a signal asks for
 * the end; then writes the model. 0 when the model reached its epochs or a rule ended it; STOPPED
 * when a signal ended it (checkpoint and model are written); -1 with a sentence else. */
int training_run(struct training *training);

#endif
