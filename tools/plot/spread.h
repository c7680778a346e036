/* Labels beside the ends of lines, moved apart so that none covers another. */
#ifndef PSPLOT_SPREAD_H
#define PSPLOT_SPREAD_H

#include <stddef.h>

/* place: where count labels would like to stand, falling down the page (rising values); each is
 * moved to within [first, last] and at least step from its neighbours, no farther than it must. The
 * number of labels that have room; places beyond are not touched. */
size_t spread(double *place, size_t count, double first, double last, double step);

#endif
