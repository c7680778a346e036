/* The lines of an overlay: validation accuracy against epochs, a line a run, or, where runs differ
 * in their seeds only, one for the mean of such a group.
 */
#ifndef PSPLOT_STRAND_H
#define PSPLOT_STRAND_H

#include "curve.h"
#include "summary.h"

struct strand {
    char *name;        /* of the run; "depth 3" of a group */
    struct line line;  /* epochs against percent; of a group the mean */
    struct line *part; /* [parts] a group's runs; none where it is one run */
    size_t parts;
    double last; /* percent, at the line's end */
    int ink;     /* of the palette; -1: grey, for it is one of too many */
};

struct strands {
    struct strand *strand; /* [count], the one that ends highest first */
    size_t count;
    size_t without; /* runs that have no validation records */
};

struct strands strands_make(const struct history *history);
void strands_free(struct strands *strands);

#endif
