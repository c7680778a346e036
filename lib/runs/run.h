/* One run: what its records told of it.
 *
 * Accuracies are fractions, 0 to 1; losses are natural logarithms. A figure that is not known is
 * NAN when it is real and 0 or -1, as stated, when it is whole.
 */
#ifndef PSWEEP_RUN_H
#define PSWEEP_RUN_H

#include "points.h"
#include "settings.h"

enum run_state {
    RUN_OPEN,    /* more may come */
    RUN_DONE,    /* it reached its last epoch, or a rule ended it before */
    RUN_STOPPED, /* a signal ended it before; what there is is whole */
    RUN_FAILED,  /* it said so itself */
    RUN_LOST,    /* its records end without an end */
};

struct run {
    char *name;          /* that of its file, where this has one */
    char *title;         /* the same, or what it differs in from the others, for charts */
    char *brief;         /* the title in fewer words: "d3-s0, rate 0.05" */
    char *given;         /* the name that the progress channel gave; NULL for a stream's run */
    const char *stem;    /* of the input it came from, borrowed from the feed */
    const char *path;    /* the same input in full, likewise */
    int ordinal;         /* 1, 2, … among the runs of that input */
    int64_t depth, seed; /* -1: not known */
    uint64_t batch;      /* images in a mini-batch, but for the last of an epoch; 0: not known */
    uint64_t train;      /* images in an epoch; 0: not known */
    struct settings settings;
    struct points progress; /* per iteration */
    struct points validation;
    uint64_t epoch;              /* the last that was seen */
    uint64_t epochs, iterations; /* asked for; 0: not known */
    uint64_t lost;               /* progress records that the channel had no room for */
    double heard;                /* Unix seconds: when its last record came; NAN: not known */
    uint64_t epoch_told;         /* the last epoch that --follow has printed a line about */
    int end_told;                /* and whether it has told the end */
    enum run_state state;
};

/* Says how many epochs it is to get, where its records do not. */
void run_ask(struct run *run, uint64_t epochs);

/* Images in a mini-batch whose record does not tell, for the last one of an epoch has what is left;
 * 0: not known. */
uint64_t run_batch_images(const struct run *run, uint64_t iteration);

void run_free(struct run *run);

#endif
