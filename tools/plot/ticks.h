/* What axes and labels are, for pictures and for text: round numbers for an axis, and labels beside
 * the ends of lines.
 *
 * A step is 1, 2 or 5 times a power of ten, so that a reader can divide by it at sight. Ticks are
 * the multiples of the step that lie between the ends of the axis, ends included.
 */
#ifndef PSPLOT_TICKS_H
#define PSPLOT_TICKS_H

#include <stddef.h>

struct ticks {
    double first, step;
    int count;
    int decimals; /* that a label needs to show the step */
};

/* A label of an axis that has its own. */
struct axis_mark {
    double at;
    const char *text;
};

/* What an axis shows. */
struct axis {
    double low, high;
    double smallest;              /* step of its ticks; see ticks_make() */
    const char *name;             /* NULL: none */
    int bare;                     /* no labels: those of the plot below hold for it */
    const struct axis_mark *mark; /* [marks] in place of round numbers, rising; NULL: those */
    size_t marks;
    int words; /* the labels, at steps of 1, are words: one that is too wide is cut */
};

/* Ticks for an axis from low to high, at most most (>= 2) of them; step is never below smallest: 1
 * for an axis that counts, 0 where any step will do. An axis without length or with ends that are
 * no numbers gets one tick, or none. */
struct ticks ticks_make(double low, double high, int most, double smallest);

static inline double tick_value(const struct ticks *ticks, int i)
{
    return ticks->first + i * ticks->step;
}

/* The label of a value at one of these ticks: "0.25", "20000", "1.5e30". */
void tick_text(const struct ticks *ticks, double value, char *text, size_t size);

/* Moves the ends outwards to multiples of the step that at most most ticks need. */
void ticks_widen(double *low, double *high, int most);

/* Moves labels apart so that none covers another. place: where count of them would like to stand,
 * falling down the page (rising values); each is moved to within [first, last] and at least step
 * from its neighbours, no farther than it must. The number of labels that have room; places beyond
 * are not touched. */
size_t labels_spread(double *place, size_t count, double first, double last, double step);

#endif
