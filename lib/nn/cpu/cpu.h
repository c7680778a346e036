/* The CPU engine: images are the vector lanes, and only what a convolution makes is kept.
 *
 * A batch is split into lane groups of 16 images; the last may have fewer live lanes (its others
 * repeat the last image, so that they stay finite, and are left out of every sum). A stage is a
 * convolution with what follows it (normalisation, ReLU, pool). Its work is split into items, a
 * band of at most BAND_ROWS rows of one lane group each, or of several groups where images are
 * small. An item takes strips of TILE rows, channel by channel, normalised and pooled on the way,
 * through the nearest cache into Winograd's space (kernels/winograd.h) in the thread's scratch
 * memory, multiplies there and takes the result back. So an item's data stays in the second cache,
 * and rows as well as groups occupy threads; and activations are not stored, but those that are
 * added to what comes later and what comes of such additions: these are written out once and read
 * as they are.
 *
 * The gradient of weights is a sum over pixels and images: for few channels it is taken with images
 * as lanes, which are folded at the end of an item; for many, pixels and gradients are transposed
 * and it is one more product, with channels as lanes.
 *
 * Sums over a batch are taken per item and then over the items in their order, in double: the items
 * depend on batch and shape alone, so the number of threads cannot change a bit.
 *
 * A step is a row of team_run() calls (team.h), two for each stage in each direction; what runs in
 * between runs on the calling thread alone.
 */
#ifndef PSWEEP_CPU_H
#define PSWEEP_CPU_H

#include "kernels.h"
#include "nn/engine.h"
#include "team.h"

enum {
    BAND_ROWS = 8,
    BAND_STRIPS = BAND_ROWS / TILE,
    ITEM_TILES = 4,     /* an item of a small image has several groups, for so many tiles */
    PRODUCT_LINES = 96, /* filters · tiles of products at a time: 36 times 64 bytes each */
    MANY_CHANNELS = 96, /* whose pixels fill the second cache: more filters at a time */
    WIDE = 4096,        /* filters · channels of weights whose gradient has channels as lanes */
    WIDE_CHANNELS = 64  /* of them at a time: transposed, they stay in the second cache */
};

/* Mean of some values, and the sum of their squared distances from it. */
struct moments {
    double mean, square;
};

/* Batch statistics of a channel while a step goes on. */
struct batch_normal {
    double mean, inverse; /* 1 / √(variance + ε) */
};

/* Sums over an item for the backward pass: Σ dz, Σ dz·(y - mean). */
struct gradient_sums {
    double sum, product;
};

struct stage {
    int in_channels, channels; /* in and out of the convolution */
    int height, width;         /* of both */
    int side;                  /* 3: kernels of 3×3; 1: of 1×1, whose other taps are 0 here */
    int fixed;                 /* weights that no step moves */
    int back;                  /* what went into so many stages, this one the last, is added */
    int begins;                /* the first of such stages */
    /* What the next stage reads. Of the last stage POOL_MEAN, where each pixel has the same
     * gradient, or POOL_NONE, where each has its own. */
    enum pool pool;
    int bands;       /* of a lane group */
    int across;      /* tiles from the left to the right edge, the last perhaps in part */
    int span;        /* lane groups of an item */
    uint32_t tensor; /* number of the weights; bias, scale, offset, mean, variance follow */

    int keeps;             /* its activation, as the next stage reads it, in kept */
    float *kept;           /* [groups][channels][pooled height][pooled width][LANES], or NULL */
    float *y;              /* [groups][channels][height][width][LANES] what the convolution made */
    struct normal *normal; /* [channels] */
    struct batch_normal *batch; /* [channels] */
    struct moments *moments;    /* [groups · bands][channels] */
    struct gradient_sums *sums; /* [groups · bands of the next stage, or groups][channels] */
    float *weights, *flipped;   /* in Winograd's space (kernels.h), for either direction */
    float *partial; /* [items][quads of filters][quads_floats()]: what correlate() makes; or, of a
                       wide stage, [items][channels][panels of in_channels][9][LANES] */
};

/* One thread's own memory. */
struct scratch {
    float *strip;     /* [6][width + 2][LANES] */
    float *pixels;    /* [PLACES][channels][tiles][LANES], as are the next two */
    float *products;  /* of some filters */
    float *gradients; /* of QUAD filters, or LANES */
    /* of wide stages: [PLACES][tiles · LANES][WIDE_CHANNELS], and like weights, of tiles · LANES
     * channels */
    float *transposed_pixels, *transposed_gradients;
    float *folded;  /* [PLACES][quads of channels][LANES] */
    float *sums;    /* [groups of an item][channels][3][LANES] */
    float *feature; /* [channels of the last stage][LANES], later their gradient */
    float *pixel;   /* the same shape: the place of each that is a largest */
    double *logit;  /* [classes][LANES] */
};

struct cpu {
    struct engine engine; /* first: engine.c sees only this */
    struct net net;
    struct engine_options options;
    const struct kernels *kernels;
    struct team *team;
    int threads, groups; /* groups: of the largest batch */
    char detail[64];

    int stages;
    struct stage stage[NET_MAX_STAGES];
    int largest;       /* the global pool takes the largest, not the mean */
    float *parameters; /* [net.parameters], as are the next ones, which are only for training */
    float *momentum, *second, *gradient; /* second: only Adam's */
    float scale[NET_MAX_CHANNELS][2];    /* x = (pixel - scale[0]) · scale[1] */
    float *input;       /* [groups][image channels][height][width][LANES] scaled images */
    float *upstream[2]; /* gradient of a stage's pooled activation: stage s has number s % 2 */
    float *skipped; /* … of what came of the latest addition on the way back, before its ReLU */
    float
        *connected; /* [groups][classes · features + classes] partial gradients of weights, bias */
    double *square; /* [pieces of an update] Σ gradient² */
    double *loss;   /* [batch] */
    uint8_t *correct;        /* [batch] */
    struct scratch *scratch; /* [threads] */
    void *arena;             /* everything above */

    /* of the call that goes on */
    const uint8_t *images;
    const uint32_t *label;
    uint32_t count;
    int live_groups; /* lane groups that count images fill */
    int turn;        /* the stage at work */
    int training;
    struct step step;
    double clip;           /* what is left of the gradient, a factor */
    double corrections[2]; /* Adam: 1 - momentum^t, 1 - second^t */
    float *probability;    /* may be NULL */

    struct outcome outcome; /* of the last batch begun, which is done already */
    int untold;
};

extern const struct engine_class cpu_class;

static inline int is_wide(const struct stage *s)
{
    return s->in_channels % LANES == 0 && s->channels % LANES == 0 &&
           s->in_channels * s->channels > WIDE;
}

/* Floats of the partial gradient of QUAD filters. */
static inline size_t quads_floats(const struct stage *s)
{
    return (size_t)correlation_quads(s->in_channels) * 9 * LANES;
}

static inline int pooled_height(const struct stage *s)
{
    return s->pool == POOL_MEAN ? 1 : s->pool == POOL_MAX ? s->height / 2 : s->height;
}
static inline int pooled_width(const struct stage *s)
{
    return s->pool == POOL_MEAN ? 1 : s->pool == POOL_MAX ? s->width / 2 : s->width;
}
/* Floats of a channel of a stage's pooled activation. */
static inline size_t pooled_plane(const struct stage *s)
{
    return (size_t)pooled_height(s) * (size_t)pooled_width(s) * LANES;
}
/* … of all channels, of one lane group. */
static inline size_t pooled_size(const struct stage *s)
{
    return (size_t)s->channels * pooled_plane(s);
}
static inline float *kept_plane(const struct stage *s, int group, int channel)
{
    return s->kept + (size_t)group * pooled_size(s) + (size_t)channel * pooled_plane(s);
}

#endif
