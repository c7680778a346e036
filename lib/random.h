/* Counter-based randomness: every random choice is a pure function of what it is for.
 *
 * philox(seed, epoch, id, purpose) is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011) with the seed as key and (epoch, purpose, id) as counter.
 * There is no state: any number of workers, in any order, from any resume point, draw the same.
 */
#ifndef PSWEEP_RANDOM_H
#define PSWEEP_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a choice is for; a new purpose gets a new number, an old number never changes its meaning.
 */
enum purpose {
    PURPOSE_SHUFFLE =
        1, /* psaug, pstrain: place of an image in an epoch; words 0,1 are the sort key */
    PURPOSE_VIEW =
        2, /* psaug: word 0 row shift or crop row, 1 column, 2 flip, 3 flip upside down */
    PURPOSE_SPLIT = 3, /* psfetch --split with --seed: words 0,1 are the sort key within a class */
    PURPOSE_WEIGHTS =
        4,             /* pstrain: initial weight number id of the parameter tensor number epoch */
    PURPOSE_SYNTH = 5, /* psfetch synth: image number id; epoch counts the blocks of four words */
    PURPOSE_DROPOUT = 6,  /* engines: epoch is the step; id and words: nn/engine.h */
    PURPOSE_SAMPLE = 7,   /* sweep --samples: point number id; epoch: the option's name, FNV-1a */
    PURPOSE_MAP = 8,      /* psaug: word 0 rotation, 1 scale, 2 shear */
    PURPOSE_COLOUR = 9,   /* psaug: word 0 brightness, 1 contrast, 2 saturation, 3 hue */
    PURPOSE_CUTOUT = 10,  /* psaug: word 0 row of the middle, 1 column */
    PURPOSE_BALANCE = 11, /* psaug: words 0,1 are the sort key in a class; epoch is its pass */
};

struct random {
    uint32_t word[4];
};

struct random philox(uint64_t seed, uint32_t epoch, uint64_t id, enum purpose purpose);

/* A number in 0 … n-1 from one random word; the bias is at most n / 2^32. n >= 1. */
static inline uint32_t random_below(uint32_t word, uint32_t n)
{
    return (uint32_t)(((uint64_t)word * n) >> 32);
}

/* A number in [0, 1) from one random word: 2^24 steps, so that it is exact as float and as double.
 */
static inline double random_unit(uint32_t word)
{
    return (double)(word >> 8) * 0x1p-24;
}

/* The order of the images in an epoch: writes into order[count] the places 0 … count-1 sorted by
 * the 64-bit key philox(seed, epoch, id[place], purpose), ties by id: a permutation that depends on
 * the ids alone, not on the order they stand in. */
void shuffle(uint64_t seed, uint32_t epoch, enum purpose purpose, const uint64_t *id, size_t count,
             size_t *order);

/* Stands in the header of every run: to be raised whenever the same images and options give other
 * bits than before, of the views (psaug) or behind the header of the run. A run that an earlier
 * version began is gone on from, and has the same name, where this number is the same; a new field
 * that pstrain --resume can fill in is no reason to raise it. */
enum { NUMERICS = 2 };

#endif
