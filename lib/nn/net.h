/* The network as data: a list of layers and a table of parameter tensors, made from a few numbers
 * or from a text that names its stages.
 *
 * Nothing is computed here. An engine (engine.h) runs the list; the model record is written from
 * the table. Images are height × width × channels; activations are named by their shape as they
 * leave a layer. A struct net holds no pointers: it may be copied.
 *
 * A network is a row of stages, each a convolution with same padding → batch normalisation → ReLU,
 * perhaps → the addition of an earlier activation, or → a 2×2 max pool; then a global pool, a fully
 * connected layer, softmax with cross entropy. In a text, stages are joined by "-":
 *
 *   64       64 filters of 3×3
 *   64k1     … of 1×1
 *   64w      … that are fixed: they whiten patches of the images (whiten.h); the first stage only
 *   64+2     what went into the last 2 stages, this one among them, is added to what comes out
 *            (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016; here the
 *            addition is behind the ReLU); such rows of stages do not overlap
 *   64p      a max pool behind, which halves height and width
 *   max      at the end: the largest of each channel goes into the connected layer, not the mean
 *
 * The short form, depth and filters, is three blocks of depth stages with round(filters/√depth) ×
 * {1, 2, 4} filters and a pool after the first two.
 */
#ifndef PSWEEP_NET_H
#define PSWEEP_NET_H

#include <stddef.h>
#include <stdint.h>

enum {
    NET_MAX_DEPTH = 64,
    NET_MAX_STAGES = 3 * NET_MAX_DEPTH,
    NET_MAX_FILTERS = 4096, /* of a stage in a text */
    NET_MAX_LAYERS = NET_MAX_STAGES * 3 + 2,
    NET_MAX_TENSORS = NET_MAX_STAGES * 6 + 2,
    NET_TEXT = 1024,       /* room for a text that names stages */
    NET_MAX_CHANNELS = 16, /* of the input images */
};

enum layer_kind {
    LAYER_CONVOLUTION, /* 3×3 or 1×1, stride 1, zero padding to the same size; tensors: weights
                          [out][in][kernel][kernel], bias [out] */
    LAYER_NORMALISE, /* batch normalisation, then ReLU; tensors: scale, offset, mean, variance [out]
                      */
    LAYER_ADD,       /* x + what went into layer number `from` */
    LAYER_MAX_POOL,  /* 2×2, stride 2 */
    LAYER_GLOBAL_POOL, /* mean over rows and columns, or the largest: 1×1×channels */
    LAYER_CONNECTED,   /* fully connected; tensors: weights [out][in], bias [out] */
};

/* How a parameter tensor starts, and what a step does to it. */
enum tensor_kind {
    TENSOR_WEIGHTS,  /* Glorot uniform: ±√(6 / (fan_in + fan_out)); trained, with weight decay */
    TENSOR_ZERO,     /* starts 0: biases; trained, no decay */
    TENSOR_OFFSET,   /* starts 0: offsets of batch normalisation; trained, no decay */
    TENSOR_ONE,      /* starts 1: scales; trained, no decay */
    TENSOR_MEAN,     /* running mean: starts 0, not trained */
    TENSOR_VARIANCE, /* running variance: starts 1, not trained */
    TENSOR_FIXED,    /* weights that are set once from the images: start 0, not trained */
};

/* Whether steps move it, and momentum and the like exist of it. */
static inline int tensor_is_trained(enum tensor_kind kind)
{
    return kind == TENSOR_WEIGHTS || kind == TENSOR_ZERO || kind == TENSOR_OFFSET ||
           kind == TENSOR_ONE;
}

/* What an activation goes into behind its convolution: itself, its 2×2 maximum, or its mean or its
 * maximum over the image. */
enum pool { POOL_NONE, POOL_MAX, POOL_MEAN, POOL_GLOBAL_MAX };

struct layer {
    enum layer_kind kind;
    uint32_t in_channels, in_height, in_width;
    uint32_t out_channels, out_height, out_width;
    uint32_t tensor; /* index of its first tensor; its others follow in the order named above */
    uint32_t from;   /* LAYER_ADD */

    /* Of a convolution, for engines that take a stage as a whole. */
    uint32_t kernel; /* 3 or 1 */
    uint32_t back;   /* what went into so many stages, this one the last, is added; 0: nothing */
    enum pool pool;  /* a pool never follows an addition but at the end of the network */
    int fixed;       /* its weights are TENSOR_FIXED */
};

struct tensor {
    char name[40]; /* "block1.convolution2.weights" */
    enum tensor_kind kind;
    uint32_t dimensions;      /* 1, 2 or 4 */
    uint32_t extent[4];       /* [out][in][3][3], [out][in] or [out]; unused ones are 1 */
    uint32_t fan_in, fan_out; /* of TENSOR_WEIGHTS; 3×3 × channels for a convolution */
    size_t offset, size;      /* place in the parameter array, in floats */
};

/* What a network is made from. */
struct net_shape {
    uint32_t depth;   /* 1 … NET_MAX_DEPTH */
    uint32_t filters; /* 16 by default: the first block has round(filters/√depth) */
    uint32_t height, width, channels; /* of the input; as often even as there are pools; channels 1
                                         … NET_MAX_CHANNELS */
    uint32_t classes;                 /* ≥ 2 */
    char stages[NET_TEXT];            /* the text, in place of depth and filters; "": none */
};

struct net {
    struct net_shape shape;
    uint32_t layers;
    struct layer layer[NET_MAX_LAYERS];
    uint32_t tensors;
    struct tensor tensor[NET_MAX_TENSORS];
    size_t parameters; /* floats in all tensors together: trained and running ones */
};

/* Lays out the network. -1 with a sentence where it cannot be; USAGE: not of any images. */
int net_make(struct net *net, const struct net_shape *shape);

/* The text of its stages, also of one that was made from depth and filters. */
void net_text(const struct net *net, char text[NET_TEXT]);

/* Of batch normalisation: what is added to the variance, and what is kept of running statistics
 * with each step. */
#define NET_EPSILON 1e-5
#define NET_KEEP    0.9

/* How weights start: uniform in ±√(6 / (fan_in + fan_out)) (Glorot, Bengio, 2010), uniform in
 * ±√(6 / fan_in) (He, Zhang, Ren, Sun, 2015), or as Glorot, but the first filters of a convolution,
 * as many as it has channels, pass their channel on (Zagoruyko, Komodakis, 2017). */
enum initial { INITIAL_GLOROT, INITIAL_HE, INITIAL_DIRAC };

/* Writes initial values into parameters[net->parameters]: philox(seed, tensor number, element
 * number, PURPOSE_WEIGHTS) for the weights, so a value depends on its place alone. */
void net_initialise(const struct net *net, enum initial initial, uint64_t seed, float *parameters);

/* Multiply-adds of the convolutions and the connected layer for one image, forward only; a training
 * step does three times that, less the data gradient of the first layer. */
uint64_t net_multiply_adds(const struct net *net);

/* Bytes of a GPU's memory that it takes to train in mini-batches of so many images, at most: what
 * cuda/layout.c lays out, with channels filled up to multiples of 8 and all that a step may keep.
 * On top come images that the GPU keeps, and what the driver and cuDNN take for themselves. */
uint64_t net_gpu_bytes(const struct net *net, uint64_t batch);

#endif
