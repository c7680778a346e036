/* The inner loops of the CPU engine, one table of functions per instruction set.
 *
 * Images are the vector lanes: whatever is called "pixel" below is 16 floats, one of each image of
 * a lane group, aligned to 64 bytes. A tensor of one lane group is
 * float[channel][row][column][LANES].
 *
 * All tables give the same bits: every sum has one order, stated here, whatever the register
 * blocking. Nothing here allocates, fails or knows of threads.
 */
#ifndef PSWEEP_KERNELS_H
#define PSWEEP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "lanes.h"
#include "nn/net.h"

/* Batch normalisation of one channel as the kernels see it, y being what the convolution made:
 *   forward   z = y·gain + shift, activation = max(z, 0)
 *   backward  dy = dz·gain + (y·slope + level), dz being the gradient of z */
struct normal {
    float gain, shift, slope, level;
    float mean; /* sums for the backward pass are taken about it */
};

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
/* Transformed weights are float[PLACES][panels of LANES filters][channels][LANES]; places as if of
 * tiles. */
static inline size_t weights_place(int filters, int channels)
{
    return place_floats(channels, (filters + LANES - 1) / LANES);
}

/* products[place][filter - first][tile] = Σ over channels of weights[place][channel][filter] ·
 * pixels[place][channel][tile], for some filters from first on; weights is those of filter 0. */
struct product {
    const float *pixels, *weights;
    float *products;
    size_t pixels_place, weights_place, products_place; /* floats from a place to the next */
    size_t panel; /* floats from a panel of weights to the next */
    int channels, first, filters, tiles;
};

/* Where a row of tiles of one channel goes in Winograd's space: one tile after the other, place
 * floats from a place to the next. strip is memory to work in, [6][tiles · TILE + 2][LANES]. */
struct input_tiles {
    float *strip, *at;
    size_t place;
    int tiles;
};

/* A row of tiles of one filter on its way back: to out[rows][columns][LANES], at most TILE rows of
 * an image that is columns wide. ahead: floats from out to what the next call will write, which is
 * fetched meanwhile. */
struct output_tiles {
    const float *products;
    size_t place; /* floats from a place to the next */
    int rows, columns;
    float *out;
    size_t ahead;
};

/* gradients[place][filter][tile], pixels[place][channel][tile] */
struct correlation {
    const float *gradients, *pixels;
    size_t gradients_place, pixels_place;
    int filters, channels, tiles;
};
/* Weights' gradients of at most QUAD filters: float[correlation_quads(channels)][3][3][QUAD
 * filters][QUAD channels]. */
enum { QUAD = 4 };

static inline int correlation_quads(int channels)
{
    return (channels + QUAD - 1) / QUAD;
}

struct kernels {
    const char *name;

    /* A row of sixteen images, [width][channels] bytes each, to
     * to[channel][column][LANES], plane floats from a channel to the next: (byte -
     * scale[channel][0]) · scale[channel][1]. */
    void (*load_row)(const uint8_t *const image[LANES], int width, int channels,
                     const float (*scale)[2], float *to, size_t plane);

    /* Each of these takes rows first - 1 … first + TILE of one channel to Winograd's space, tile
     * after tile, TILE rows of results with the border that a convolution of them reads. Pixels
     * outside the image are 0. An output's y is the channel's plane and its normal the channel's;
     * its number of channels is not read.
     *
     * A plane of images, [height][width][LANES]. */
    void (*input_transform_image)(const float *plane, int height, int width, int first,
                                  const struct input_tiles *to);
    /* The activation, pooled by POOL_NONE or POOL_MAX; rows are those of the pooled image. */
    void (*input_transform_activation)(const struct output *o, int first,
                                       const struct input_tiles *to);
    /* The gradient dy of the output itself, backward through pool and ReLU, from what
     * gradient_sums() made of the pooled image's gradient; here the channel's plane (POOL_MEAN:
     * [LANES]). Lanes from live on are 0. */
    void (*input_transform_gradient)(const struct output *o, const float *gradient, int first,
                                     uint32_t live, const struct input_tiles *to);
    /* The same gradient as results: rows first … first + TILE - 1, without a border. */
    void (*input_transform_results)(const struct output *o, const float *gradient, int first,
                                    uint32_t live, const struct input_tiles *to);

    /* One channel of weights, side × side (3 or 1) taps each, of which LANES floats are read, next
     * floats from a filter to the next, to to[place][LANES], panel floats from one panel of filters
     * to the next; flip: taps in reverse, for the data gradient. */
    void (*filter_transform)(const float *weights, size_t next, int side, int flip, int filters,
                             float *to, size_t panel, size_t place);

    void (*multiply)(const struct product *product);

    /* out = products transformed back + bias. sums, unless NULL: [3][LANES], the first value v that
     * first began with, Σ (out - v) and Σ (out - v)² so far: in each tile each column from the top,
     * then columns in pairs. */
    void (*output_transform)(const struct output_tiles *g, float bias, float *sums, int first);

    /* The same for the gradient of an activation that was not pooled, with gradient_sums() done at
     * once: out = 0 where ReLU stopped y, same place as out in the plane of what the convolution
     * before made; sums[2][LANES] += Σ dz, Σ dz·(y - mean), from 0 if first. */
    void (*output_transform_gradient)(const struct output_tiles *g, const float *y,
                                      const struct normal *normal, float *sums, int first);

    /* to[quads of channels][3][3][QUAD filters][QUAD channels] = the weights' gradient of at most
     * QUAD filters, summed over tiles, then lanes; 0 where there is no filter or channel. folded is
     * memory to work in, [PLACES][quads of channels][LANES]. */
    void (*correlate)(const struct correlation *c, float *folded, float *to);

    /* to[columns][rows] = from[rows][columns], both multiples of LANES. */
    void (*transpose)(const float *from, int rows, int columns, float *to);
    /* to[count][3][3][LANES] = sums[PLACES][count][LANES], place floats from a place to the next,
     * out of Winograd's space: the gradient of taps. */
    void (*sums_transform)(const float *sums, size_t place, int count, float *to);

    /* to = the activation of one channel, pooled by POOL_NONE or POOL_MAX, + more; more may be
     * NULL, or to. */
    void (*activate)(const struct output *o, const float *more, float *to);
    /* to += more, count · LANES floats. */
    void (*add)(const float *more, size_t count, float *to);

    /* mean[channels][LANES] of the activation over the image. */
    void (*average)(const struct output *o, float *mean);
    /* The largest of it, and the pixel that it is, counted from 0 (on a tie the first). */
    void (*largest)(const struct output *o, float *value, float *pixel);

    /* Backward through pool and ReLU: gradient is that of rows first … first + rows - 1
     * of the pooled image, [channels][pooled height][pooled width][LANES] (POOL_MEAN:
     * [channels][LANES], of the mean divided by its pixels). Sets to 0 what ReLU stops (not for
     * POOL_MEAN), and sums[channels][2][LANES] = Σ dz, Σ dz·(y - mean). */
    void (*gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                          float *sums);
};

/* The table for an instruction set by name, or the fastest this machine has for "auto" and NULL.
 * NULL, with a sentence, when there is no such table or the machine cannot run it. */
const struct kernels *kernels_choose(const char *isa);

#endif
