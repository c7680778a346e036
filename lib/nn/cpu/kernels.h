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

/* Winograd's space (kernels/winograd.h): TILE × TILE results come from 6 × 6 pixels by PLACES
 * products. A tensor there is float[PLACES][channels][tiles][LANES], with an odd number of 64 bytes
 * from a place to the next, or all places would compete for the same few lines of a cache. */
enum { TILE = 4, PLACES = 36 };

static inline size_t place_floats(int channels, int tiles)
{
    return ((size_t)channels * (size_t)tiles | 1) * LANES;
}
/* Transformed weights are float[PLACES][channels][weights_next(filters)]; places as if of tiles. */
static inline size_t weights_next(int filters)
{
    return (size_t)(filters + LANES - 1) / LANES * LANES;
}
static inline size_t weights_place(int filters, int channels)
{
    return place_floats(channels, (filters + LANES - 1) / LANES);
}

/* products[place][filter][tile] = Σ over channels of weights[place][channel][filter] ·
 * pixels[place][channel][tile] */
struct product {
    const float *pixels, *weights;
    float *products;
    size_t pixels_place, weights_place, products_place; /* floats from a place to the next */
    size_t weights_next;                                /* from a channel to the next */
    int channels, filters, tiles;
};

/* gradients[place][filter][tile], pixels[place][channel][tile] */
struct correlation {
    const float *gradients, *pixels;
    size_t gradients_place, pixels_place;
    int filters, channels, tiles;
};
/* Pairs of a filter and a channel, filled up to whole vectors. */
static inline size_t correlation_pairs(int filters, int channels)
{
    return ((size_t)filters * (size_t)channels + LANES - 1) / LANES * LANES;
}

struct kernels {
    const char *name;

    /* A strip is a band of one channel, TILE rows and a width that is a multiple of TILE. spread()
     * takes its pixels with their border to Winograd's space, tile after tile, place floats from a
     * place to the next; what was in the strip is lost. spread_gradient() takes results, without
     * the border. */
    void (*spread)(const struct band *strip, float *to, size_t place);
    void (*spread_gradient)(const struct band *strip, float *to, size_t place);

    /* One channel of weights, next floats from a filter to the next, to
     * to[place][filters filled up to LANES]; flip: taps in reverse, for the data gradient. */
    void (*spread_weights)(const float *weights, size_t next, int flip, int filters, float *to,
                           size_t place);

    void (*multiply)(const struct product *product);

    /* Products of one filter and a row of tiles to out[rows][columns][LANES] + bias; rows ≤ TILE.
     * sums, unless NULL: [3][LANES], the first value v that first began with, Σ (out - v) and Σ
     * (out - v)² so far: in each tile each column from the top, then columns in pairs. ahead: from
     * out to what the next call will write, which is fetched meanwhile. */
    void (*gather)(const float *products, size_t place, float bias, int rows, int columns,
                   float *out, float *sums, int first, size_t ahead);

    /* to[3][3][pairs] = the weights' gradient of each pair (filter · channels + channel), summed
     * over tiles, then lanes. Memory to work in: unfolded[pairs][LANES], whose end that no pair
     * fills must be finite; folded[PLACES][pairs]. */
    void (*correlate)(const struct correlation *c, float *unfolded, float *folded, float *to);

    /* Fills a band, border included, with the activation, pooled by POOL_NONE or POOL_MAX; its row
     * 0 is row first of the pooled image. Pixels outside the image are 0. This and gradient() fetch
     * the same rows of the channel after the last meanwhile: the memory of a short stretch of rows
     * is too far away for the processor to guess (measured: 17 % of a step). */
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
