/* The samples of a curve, in memory, in the order of their iterations. */
#ifndef PSWEEP_SAMPLES_H
#define PSWEEP_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* One progress record (a mini-batch) or one validation record. */
struct sample {
    double iteration, loss, accuracy;
    double time;    /* Unix seconds; NAN when not known */
    double images;  /* of the mini-batch; 0 when not known */
    uint64_t epoch; /* in which it is, or at whose end */
    double rate;    /* the learning rate of its step; NAN when not told */
    int inside;     /* a validation before the end of its epoch */
};

/* What one weighs in a mean: its images, and where nobody tells them as much as any other. */
static inline double samples_weight(const struct sample *sample)
{
    return sample->images > 0 ? sample->images : 1;
}

struct samples {
    struct sample *sample; /* [count], iterations rising */
    size_t count, room;
};

/* How many are of the epochs up to this one. */
size_t samples_up_to(const struct samples *samples, uint64_t epoch);

/* Means over samples, weighted by their images where these are known; NAN where there are none. */
struct mean {
    double loss, accuracy;
    double images; /* in all of them; 0: not known */
    size_t count;  /* of the samples */
};
struct mean samples_epoch(const struct samples *samples,
                          uint64_t epoch);                            /* over those of one epoch */
struct mean samples_last(const struct samples *samples, size_t most); /* over the last of all */

/* Points of a run that --follow keeps: a view that stays open for days does not grow with them. Of
 * more the older ones are thinned out. */
enum { SAMPLES_MOST_LIVE = 1 << 17 };

/* Adds one; those that it repeats or that come after it are dropped, for a run that was resumed
 * tells some iterations again. live: keep no more than SAMPLES_MOST_LIVE. */
void samples_add(struct samples *samples, struct sample sample, int live);

/* Drops those from an iteration on. */
void samples_drop_from(struct samples *samples, double iteration);

#endif
