/* What psfetch will send: every image of every source gets an id, a label and a split, and --limit
 * chooses among them. */
#ifndef PSWEEP_PLAN_H
#define PSWEEP_PLAN_H

#include "image.h"
#include "sources/source.h"

struct planned {
    size_t item; /* place in its source */
    uint64_t id; /* place in the listing of all sources, one after the other */
    uint32_t label;
    enum split split;
};

struct plan_options {
    double split; /* the share of each class that is for training; NAN: all */
    int random;   /* choose that share at random, by seed, instead of taking the first */
    uint64_t seed;
    int as;              /* the split of all images, or -1 */
    uint64_t limit;      /* at most so many images in all; OPTION_UNSET: all */
    const char *classes; /* file with the names of the classes; NULL: those that the images have */
};

struct plan {
    struct classes classes; /* as table.h orders them */
    size_t count;
    struct planned *image; /* in order of id */
};

/* Plans for count sources. 0, or -1 with a sentence when there is no class for an image. */
int plan_make(struct plan *plan, const struct source *source, size_t count,
              const struct plan_options *options);
void plan_free(struct plan *plan);

#endif
