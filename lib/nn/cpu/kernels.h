/* The inner loops of the CPU engine, one table of functions per instruction set.
 *
 * Images are the vector lanes: whatever is called "pixel" below is 16 floats, one of each image of
 * a lane group, aligned to 64 bytes. A tensor of one lane group is
 * float[channel][row][column][LANES]. Convolutions read a band: some rows copied into a thread's
 * scratch memory with a border of one pixel around them, so that no kernel knows where an image
 * ends.
 *
 * All tables give the same bits: every sum has one order, stated here, whatever the register
 * blocking. Nothing here allocates, fails or knows of threads.
 */
#ifndef PSWEEP_KERNELS_H
#define PSWEEP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "lanes.h"

/* float[channels][rows + 2][width + 2][LANES] */
struct band {
    float *at;
    int channels, rows, width;
};

/* Floats from a row, or a channel, of a band to the next. */
static inline size_t band_row(const struct band *b)
{
    return (size_t)(b->width + 2) * LANES;
}
static inline size_t band_plane(const struct band *b)
{
    return (size_t)(b->rows + 2) * band_row(b);
}
/* The pixel of the channel in the band's row and column; -1 and rows, -1 and width are the border.
 */
static inline float *band_at(const struct band *b, int channel, int row, int column)
{
    return b->at + (size_t)channel * band_plane(b) + (size_t)(row + 1) * band_row(b) +
           (size_t)(column + 1) * LANES;
}

/* Batch normalisation of one channel as the kernels see it, y being what the convolution made:
 *   forward   z = y·gain + shift, activation = max(z, 0)
 *   backward  dy = dz·gain + (y·slope + level), dz being the gradient of z */
struct normal {
    float gain, shift, slope, level;
    float mean; /* sums for the backward pass are taken about it */
};

/* What the activation goes into: itself, its 2×2 maximum, or its mean over the image. */
enum pool { POOL_NONE, POOL_MAX, POOL_MEAN };

/* A convolution's output in one lane group, with its normalisation and what follows it. The pooled
 * image is height × width, halved by POOL_MAX. */
struct output {
    const float *y;              /* [channels][height][width][LANES] */
    const struct normal *normal; /* [channels] */
    int channels, height, width;
    enum pool pool;
};

struct kernels {
    const char *name;

    /* out[filter][row][column] = bias + Σ over channel, then tap row, then tap column, of
     * weight·pixel. weights: [filters][in->channels][3][3]; bias: [filters], NULL for none; out:
     * plane floats from a filter to the next. sums, unless NULL: [filters][3][LANES], overwritten
     * with the first value v of the band, and Σ (out - v), Σ (out - v)² over its pixels in order of
     * rows and columns. */
    void (*convolve)(const struct band *in, const float *weights, const float *bias, int filters,
                     float *out, size_t plane, float *sums);

    /* partial[filter][channel][3][3] = Σ over rows, columns, then lanes, of out_gradient·pixel.
     * Overwrites. The out_gradient's border is not read. */
    void (*weight_gradient)(const struct band *in, const struct band *out_gradient, float *partial);

    /* Fills a band, border included, with the activation, pooled by POOL_NONE or POOL_MAX; its row
     * 0 is row first of the pooled image. Pixels outside the image are 0. */
    void (*activate)(const struct output *o, int first, struct band *to);

    /* mean[channels][LANES] of the activation over the image (POOL_MEAN). */
    void (*average)(const struct output *o, float *mean);

    /* Backward through pool and ReLU, first half: gradient is that of rows first … first + rows - 1
     * of the pooled image, [channels][pooled height][pooled width][LANES] (POOL_MEAN:
     * [channels][LANES], of the mean divided by its pixels). Sets to 0 what ReLU stops (not for
     * POOL_MEAN), and sums[channels][2][LANES] = Σ dz, Σ dz·(y - mean). */
    void (*gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                          float *sums);

    /* Second half: fills a band, border included, with dy of rows first … of the convolution's
     * output. Lanes from live on, and pixels outside the image, are 0. */
    void (*gradient)(const struct output *o, const float *gradient, int first, uint32_t live,
                     struct band *to);
};

/* The table for an instruction set by name, or the fastest this machine has for "auto" and NULL.
 * NULL, with a sentence, when there is no such table or the machine cannot run it. */
const struct kernels *kernels_choose(const char *isa);

#endif
