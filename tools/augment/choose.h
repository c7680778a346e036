/* Which view of a training image is taken: a random one.
 *
 * The choice is philox(seed, epoch, image id, PURPOSE_VIEW): the same for any number of programs,
 * in any order, from any point of an endless stream.
 */
#ifndef PSWEEP_CHOOSE_H
#define PSWEEP_CHOOSE_H

#include "view.h"

struct view_options {
    uint64_t seed;
    uint32_t shift; /* at most so many pixels each way, each equally likely; 0: none */
    uint32_t
        crop[2]; /* height and width of a window of the image; {0, 0}: no crop, shift instead */
    double flip; /* probability of a horizontal flip */
};

/* A training image's view in an epoch (1, 2, …). */
struct view view_random(const struct view_options *options, uint32_t epoch,
                        const struct image *image);

#endif
