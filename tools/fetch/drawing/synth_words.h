/* The random words of one image of synth:shapes, taken one after another. */
#ifndef PSWEEP_SYNTH_WORDS_H
#define PSWEEP_SYNTH_WORDS_H

#include "random.h"

#include <math.h>

struct words {
    uint64_t set, id; /* whose words: the seed and the image number of philox() */
    uint32_t block;   /* the next block of four */
    uint32_t left;    /* how many of drawn are still to be used, from its end; 0 at first */
    struct random drawn;
};

struct direction {
    double x, y; /* of length 1 */
};

static inline uint32_t next_word(struct words *words)
{
    if (words->left == 0) {
        words->drawn = philox(words->set, words->block++, words->id, PURPOSE_SYNTH);
        words->left = 4;
    }
    return words->drawn.word[--words->left];
}

static inline uint32_t any_below(struct words *words, uint32_t n)
{
    return random_below(next_word(words), n);
}

static inline double between(struct words *words, double low, double high)
{
    return low + (high - low) * random_unit(next_word(words));
}

/* Any direction, all equally likely: a point of the unit disc, moved out to its rim. */
static inline struct direction any_direction(struct words *words)
{
    for (;;) {
        double x = between(words, -1, 1), y = between(words, -1, 1), square = x * x + y * y;
        if (square > 0.01 && square <= 1)
            return (struct direction){x / sqrt(square), y / sqrt(square)};
    }
}

#endif
