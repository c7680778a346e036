/* The order of the images in an epoch. */
#ifndef PSWEEP_SHUFFLE_H
#define PSWEEP_SHUFFLE_H

#include "random.h"

#include <stddef.h>

/* Writes into order[count] the places 0 … count-1 sorted by the 64-bit key philox(seed, epoch,
 * id[place], purpose), ties by id: a permutation that depends on the ids alone, not on the order
 * they stand in. */
void shuffle(uint64_t seed, uint32_t epoch, enum purpose purpose, const uint64_t *id, size_t count,
             size_t *order);

#endif
