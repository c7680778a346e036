/* The points of a curve, in memory, in the order of their iterations. */
#ifndef PSWEEP_POINTS_H
#define PSWEEP_POINTS_H

#include <stddef.h>
#include <stdint.h>

/* One progress record (a mini-batch) or one validation record. */
struct point {
    double iteration, loss, accuracy;
    double time;   /* Unix seconds; NAN when not known */
    double images; /* of the mini-batch; 0 when not known */
    uint64_t epoch;
};

/* What one weighs in a mean: its images, and where nobody tells them as much as any other. */
static inline double points_weight(const struct point *point)
{
    return point->images > 0 ? point->images : 1;
}

struct points {
    struct point *point; /* [count], iterations rising */
    size_t count, room;
};

/* How many are of the epochs up to this one. */
size_t points_up_to(const struct points *points, uint64_t epoch);

/* Means over points, weighted by their images where these are known; NAN where there are none. */
struct mean {
    double loss, accuracy;
    double images; /* in all of them; 0: not known */
    size_t count;  /* of the points */
};
struct mean points_epoch(const struct points *points, uint64_t epoch); /* over those of one epoch */
struct mean points_last(const struct points *points, size_t most);     /* over the last of all */

/* Points of a run that --follow keeps: a view that stays open for days does not grow with them. Of
 * more the older ones are thinned out. */
enum { POINTS_MOST_LIVE = 1 << 17 };

/* Adds one; those that it repeats or that come after it are dropped, for a run that was resumed
 * tells some iterations again. live: keep no more than POINTS_MOST_LIVE. */
void points_add(struct points *points, struct point point, int live);

/* Drops those from an iteration on. */
void points_drop_from(struct points *points, double iteration);

#endif
