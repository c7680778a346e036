/* What a run is to be: the options of the command line, what follows from them and from the images,
 * and the header that tells both. */
#ifndef PSWEEP_TRAINING_OPTIONS_H
#define PSWEEP_TRAINING_OPTIONS_H

#include "images.h"
#include "nn/engine.h"
#include "options.h"

struct training_options {
    struct engine_options engine; /* batch size, momentum and so on are those of the command line */
    uint64_t depth, filters, epochs, seed, data_seed;
    uint64_t checkpoint_every;    /* OPTION_UNSET: as training_complete() sees fit */
    uint64_t patience;            /* OPTION_UNSET: none */
    double rate;                  /* NAN: likewise */
    const char *mean, *deviation; /* lists of numbers; NULL: those of the training set */
    const char *device, *progress_path, *name, *points;
    int selftest;
    struct option_list earlier; /* runs to go on from */
};

/* There is one, for the table of options holds its addresses. */
extern struct training_options options;
extern const struct program training_program;

/* When the images are known: puts the means and deviations that were asked for in place of theirs,
 * lays out the network, and fills in the options that depend on it. -1 with a sentence. */
int training_complete(uint32_t classes, struct images_about *images, struct net *net);

/* Writes the header of the run. engine: its engine_name(). */
int training_write_header(struct writer *writer, const struct images *input,
                          const struct images_about *images, const char *engine,
                          const struct net *net);

/* What of a run's header decides the run's bytes behind it: the XXH3 of all but the versions of the
 * programs, for which NUMERICS stands (random.h), and options that were not given and have no
 * default, so that later programs may have more of them. -1 with a sentence when it is no record.
 */
int training_identity(const uint8_t *header, size_t size, uint64_t *digest);

#endif
