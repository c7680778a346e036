/* What a run is to be: the options of the command line, and what follows from them. */
#ifndef PSWEEP_TRAINING_OPTIONS_H
#define PSWEEP_TRAINING_OPTIONS_H

#include "average.h"
#include "nn/engine.h"
#include "options.h"
#include "schedule.h"

struct training_options {
    struct engine_options engine; /* batch size, momentum and so on are those of the command line */
    uint64_t depth, filters;      /* OPTION_UNSET beside a network's text */
    uint64_t epochs, seed, data_seed;
    uint64_t checkpoint_every;     /* OPTION_UNSET: as training_complete() sees fit */
    uint64_t patience;             /* OPTION_UNSET: none */
    double rate;                   /* NAN: as training_complete() sees fit */
    double l2, weight_decay;       /* NAN: none, or that of AdamW */
    uint64_t horizon, drop_period; /* epochs; a horizon that is OPTION_UNSET: all of them */
    double drop_factor;
    const char *mean, *deviation;         /* lists of numbers; NULL: those of the training set */
    const char *network, *warm_up;        /* NULL: none */
    const char *average, *validate_every; /* likewise */
    const char *initializer, *schedule, *optimizer, *last_batch, *keep, *metric;
    const char *device, *progress_path, *name, *points;
    int selftest;
    struct option_list earlier; /* runs to go on from */

    /* What follows (complete.h). */
    enum initial initial;
    struct schedule course; /* of the rate */
    int has_course;         /* the rate is more than one number: records tell it */
    struct averaging averaging;
    uint64_t epoch_iterations, epoch_images; /* that are trained on */
    uint64_t validate_iterations;            /* there is a validation after each so many */
    int keeps_best, by_accuracy;
};

/* There is one, for the table of options holds its addresses. */
extern struct training_options options;
extern const struct program training_program;

#endif
