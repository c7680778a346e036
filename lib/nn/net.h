/* The network as data: a list of layers and a table of parameter tensors, made from a few numbers.
 *
 * Nothing is computed here. An engine (engine.h) runs the list; the model record is written from
 * the table. Images are height × width × channels; activations are named by their shape as they
 * leave a layer. A struct net holds no pointers: it may be copied.
 *
 * The architecture: three blocks of depth × (3×3 convolution with same padding → batch
 * normalisation → ReLU) with round(filters/√depth) × {1, 2, 4} filters, a 2×2 max pool after the
 * first two blocks, global average pool, fully connected layer, softmax with cross entropy.
 */
#ifndef PSWEEP_NET_H
#define PSWEEP_NET_H

#include <stddef.h>
#include <stdint.h>

enum {
    NET_MAX_DEPTH = 64,
    NET_MAX_LAYERS = 3 * NET_MAX_DEPTH * 2 + 5,
    NET_MAX_TENSORS = 3 * NET_MAX_DEPTH * 6 + 2,
    NET_MAX_CHANNELS = 16, /* of the input images */
};

enum layer_kind {
    LAYER_CONVOLUTION, /* 3×3, stride 1, zero padding of 1; tensors: weights [out][in][3][3], bias
                          [out] */
    LAYER_NORMALISE, /* batch normalisation, then ReLU; tensors: scale, offset, mean, variance [out]
                      */
    LAYER_MAX_POOL,  /* 2×2, stride 2 */
    LAYER_GLOBAL_POOL, /* mean over rows and columns: 1×1×channels */
    LAYER_CONNECTED,   /* fully connected; tensors: weights [out][in], bias [out] */
};

/* How a parameter tensor starts, and what a step does to it. */
enum tensor_kind {
    TENSOR_WEIGHTS, /* Glorot uniform: ±√(6 / (fan_in + fan_out)); trained, with weight decay */
    TENSOR_ZERO,    /* starts 0: biases, offsets; trained, no decay */
    TENSOR_ONE,     /* starts 1: scales; trained, no decay */
    TENSOR_MEAN,    /* running mean: starts 0, not trained */
    TENSOR_VARIANCE /* running variance: starts 1, not trained */
};

/* What an activation goes into behind its convolution: itself, its 2×2 maximum, or its mean over
 * the image. */
enum pool { POOL_NONE, POOL_MAX, POOL_MEAN };

struct layer {
    enum layer_kind kind;
    uint32_t in_channels, in_height, in_width;
    uint32_t out_channels, out_height, out_width;
    uint32_t tensor; /* index of its first tensor; its others follow in the order named above */
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
    uint32_t height, width, channels; /* of the input; multiples of 4; 1 … NET_MAX_CHANNELS */
    uint32_t classes;                 /* ≥ 2 */
};

struct net {
    struct net_shape shape;
    uint32_t layers;
    struct layer layer[NET_MAX_LAYERS];
    uint32_t tensors;
    struct tensor tensor[NET_MAX_TENSORS];
    size_t parameters; /* floats in all tensors together: trained and running ones */
};

/* Lays out the network. -1 with a sentence when the shape is impossible. */
int net_make(struct net *net, const struct net_shape *shape);

/* What follows a convolution's normalisation. Here, for an engine that is loaded calls it, too. */
static inline enum pool net_pool(const struct layer *convolution)
{
    enum layer_kind then = convolution[2].kind; /* [1] is the normalisation */
    return then == LAYER_MAX_POOL ? POOL_MAX : then == LAYER_GLOBAL_POOL ? POOL_MEAN : POOL_NONE;
}

/* Of batch normalisation: what is added to the variance, and what is kept of running statistics
 * with each step. */
#define NET_EPSILON 1e-5
#define NET_KEEP    0.9

/* Writes initial values into parameters[net->parameters]: philox(seed, tensor number, element
 * number, PURPOSE_WEIGHTS) for the weights, so a value depends on its place alone. */
void net_initialise(const struct net *net, uint64_t seed, float *parameters);

/* Multiply-adds of the convolutions and the connected layer for one image, forward only; a training
 * step does three times that, less the data gradient of the first layer. */
uint64_t net_multiply_adds(const struct net *net);

#endif
