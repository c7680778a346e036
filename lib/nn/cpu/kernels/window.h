/* Batch normalisation, ReLU and pool of single pixels, forward and backward: what the kernels that
 * read a convolution's output have in common. */
#ifndef PSWEEP_WINDOW_H
#define PSWEEP_WINDOW_H

#include "each.h"

/* One channel's constants (kernels.h, struct normal). */
struct channel {
    lanes gain, shift, mean;
    lanes out_gain, slope, level; /* for dy; 0 in lanes without an image, if there are any */
};

SPECIALISED struct channel channel_begin(const struct normal *n)
{
    return (struct channel){lanes_all(n->gain), lanes_all(n->shift), lanes_all(n->mean),
                            lanes_all(n->gain), lanes_all(n->slope), lanes_all(n->level)};
}

SPECIALISED lanes normalised(const struct channel *c, lanes y)
{
    return lanes_fma(y, c->gain, c->shift);
}

/* dz where ReLU lets it through, else 0 */
SPECIALISED lanes through(lanes z, lanes dz)
{
    return lanes_select(lanes_positive(z), dz, lanes_zero());
}

SPECIALISED lanes out_gradient(const struct channel *c, lanes dz, lanes y)
{
    return lanes_fma(dz, c->out_gain, lanes_fma(y, c->slope, c->level));
}

/* Four pixels that a maximum is taken of, in the order upper left, upper right, lower left, lower
 * right. */
struct window {
    lanes y[4];
    lanes_mask right[2]; /* of a row: its right pixel is the larger; on a tie the left one stays */
    lanes_mask lower;    /* the lower row has the larger; on a tie the upper one stays */
    lanes highest;       /* z of the one chosen */
};

SPECIALISED struct window window_at(const float *y, size_t row, const struct channel *c)
{
    struct window w;
    lanes row_highest[2];
    for (int r = 0; r < 2; r++) {
        w.y[2 * r] = lanes_load(y + (size_t)r * row);
        w.y[2 * r + 1] = lanes_load(y + (size_t)r * row + LANES);
        lanes left = normalised(c, w.y[2 * r]), right = normalised(c, w.y[2 * r + 1]);
        w.right[r] = lanes_beats(right, left);
        row_highest[r] = lanes_select(w.right[r], right, left);
    }
    w.lower = lanes_beats(row_highest[1], row_highest[0]);
    w.highest = lanes_select(w.lower, row_highest[1], row_highest[0]);
    return w;
}

#endif
