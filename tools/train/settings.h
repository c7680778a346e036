/* What a run is to be: the options of the command line, what follows from them and from the images,
 * and the header that tells both. */
#ifndef PSWEEP_SETTINGS_H
#define PSWEEP_SETTINGS_H

#include "images.h"
#include "nn/engine.h"
#include "options.h"

struct settings {
    uint64_t depth, filters, epochs, batch, seed, data_seed, threads, gpu;
    uint64_t checkpoint_every; /* OPTION_UNSET: as settings_complete() sees fit */
    uint64_t patience;         /* OPTION_UNSET: none */
    double rate;               /* NAN: likewise */
    double momentum, weight_decay;
    const char *mean, *deviation; /* lists of numbers; NULL: those of the training set */
    const char *device, *isa, *precision, *progress_path, *name, *points;
    int no_cuda_graph, selftest;
    struct option_list earlier; /* runs to go on from */
};

/* There is one, for the table of options holds its addresses. */
extern struct settings settings;
extern const struct program settings_about;

/* When the images are known: puts the means and deviations that were asked for in place of theirs,
 * lays out the network, and fills in the settings that depend on it. -1 with a sentence. */
int settings_complete(uint32_t classes, struct images_about *images, struct net *net);

/* What an engine is opened with. */
struct engine_options settings_engine(const struct images_about *images);

/* Writes the header of the run. engine: its engine_name(). */
int settings_write(struct writer *writer, const struct images *input,
                   const struct images_about *images, const char *engine, const struct net *net);

#endif
