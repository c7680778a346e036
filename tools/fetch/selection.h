/* What psfetch is going to send: every image of every source gets an id, a label and a split, and
 * --limit chooses among them.
 *
 * A label is a place in the table of classes. From a file that is the file's lines, in their order,
 * whatever images there are: so sets that lack a class still have the same table. Else it is the
 * names that the images have: sorted by bytes, or, where all are numbers that labels beside the
 * images tell (labels.h), by number.
 */
#ifndef PSWEEP_SELECTION_H
#define PSWEEP_SELECTION_H

#include "fold.h"
#include "image.h"
#include "sources/source.h"

enum { CLASSES_MAX_FILE = 64 << 20 }; /* bytes of a file of names */

struct selected {
    size_t item;            /* of its source */
    uint64_t id;            /* in the listing of all sources, one after the other */
    uint32_t source, label; /* label: NO_CLASS where all are without */
    enum split split;
};

struct selection_options {
    double split;     /* the share of each class that is for training; NAN: all */
    struct fold fold; /* instead of a share; without folds: none */
    int random;       /* choose that share at random, by seed, instead of taking the first */
    uint64_t seed;
    int as;              /* the split of all images, or -1 */
    uint64_t limit;      /* at most so many images in all; OPTION_UNSET: all */
    int unlabelled;      /* nothing has a class: all are limited and divided as one */
    const char *classes; /* file with the names of the classes; NULL: those that the images have */
};

struct selection {
    struct classes classes;
    size_t count;
    struct selected *image; /* in order of id */
};

/* Selects of count sources. 0, or -1 with a sentence when there is no class for an image: a number
 * that was read beside its image is the number of a line of the file, from 0, and so is a folder's
 * name that no line has. */
int selection_make(struct selection *selection, const struct source *source, size_t count,
                   const struct selection_options *options);
void selection_free(struct selection *selection);

#endif
