/* The lines of an overlay: validation accuracy against epochs, a line a run, or, where runs differ
 * in their seeds only, one for the mean of such a group. Where no run was validated it is the
 * accuracy on the training images.
 */
#ifndef PSPLOT_OVERLAY_H
#define PSPLOT_OVERLAY_H

#include "reading/curve.h"
#include "runs/summary.h"

struct series {
    char *name;        /* of the run; "depth 3" of a group */
    struct line line;  /* epochs against percent; of a group the mean */
    struct line *part; /* [parts] a group's runs; none where it is one run */
    size_t parts;
    double last;        /* percent, at the line's end */
    struct merit merit; /* what it is judged by; of a group the means */
    char figure[RANK_ROOM];
    int ink; /* of the palette; -1: grey, for it is one of too many */
};

struct overlay {
    struct series *series; /* [count], the best first (rank.h) */
    size_t count;
    int training;   /* of the training images */
    int means;      /* some are the means of groups */
    size_t without; /* runs that have no validation records, where others have */
};

struct overlay overlay_make(const struct history *history);
void overlay_free(struct overlay *overlay);

/* Those of the first most series that end at a number, the highest first: a name beside each is in
 * the order of the lines. Free the list of count places with free(). */
size_t *overlay_by_end(const struct overlay *overlay, size_t most, size_t *count);

#endif
