#include "cuda.h"

#include "message.h"

#include <string.h>

static int filled(const struct cuda *cuda, uint32_t channels)
{
    int unit = precision_unit(cuda->precision);
    return ((int)channels + unit - 1) / unit * unit;
}

/* Places begin at multiples of 64 floats, which is more than any reader wants. */
static size_t place(size_t *used, size_t floats)
{
    size_t begin = *used;
    *used += (floats + 63) / 64 * 64;
    return begin;
}

static void make_stages(struct cuda *cuda)
{
    const struct net *net = &cuda->net;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind != LAYER_CONVOLUTION)
            continue;
        enum layer_kind then = l[2].kind; /* l[1] is the normalisation */
        struct cuda_stage *s = &cuda->stage[cuda->stages++];
        *s = (struct cuda_stage){
            .shape = {.images = (int)cuda->options.batch,
                      .height = (int)l->out_height,
                      .width = (int)l->out_width,
                      .channels = filled(cuda, l->out_channels),
                      .pool = then == LAYER_MAX_POOL      ? CUDA_POOL_MAX
                              : then == LAYER_GLOBAL_POOL ? CUDA_POOL_MEAN
                                                          : CUDA_POOL_NONE,
                      .storage = cuda->precision == PRECISION_BF16 ? STORED_BF16 : STORED_FLOAT},
            .in_channels = filled(cuda, l->in_channels),
            .real_in = (int)l->in_channels,
            .real_channels = (int)l->out_channels,
            .tensor = l->tensor,
        };
    }
    cuda->feature_channels = cuda->stage[cuda->stages - 1].shape.channels;
    cuda->classes = (int)net->shape.classes;
}

void cuda_lay_out(struct cuda *cuda)
{
    size_t used = 0, classes = cuda->net.shape.classes;
    make_stages(cuda);
    size_t features = (size_t)cuda->feature_channels;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->weights = place(&used, (size_t)s->shape.channels * 9 * (size_t)s->in_channels);
    }
    cuda->narrow.count = cuda->precision == PRECISION_BF16 ? (int)used : 0;
    cuda->connected_weights = place(&used, classes * features);
    cuda->decayed = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        size_t channels = (size_t)s->shape.channels;
        s->bias = place(&used, channels);
        s->scale = place(&used, channels);
        s->offset = place(&used, channels);
    }
    cuda->connected_bias = place(&used, classes);
    cuda->moved = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->mean = place(&used, (size_t)s->shape.channels);
        s->variance = place(&used, (size_t)s->shape.channels);
    }
    cuda->parameters = used;
}

/* Memory in pieces of 256 bytes, one after the other; without a base it only counts. */
struct arena {
    struct cuda *cuda;
    char *base;
    size_t used;
    int failed;
};

static void *take_apart(struct arena *a, size_t bytes)
{
    struct cuda *cuda = a->cuda;
    void *piece = NULL;
    cudaError_t error = a->failed ? cudaSuccess : cudaMalloc(&piece, bytes > 0 ? bytes : 1);
    if (error != cudaSuccess)
        a->failed = cuda_failed(error, "memory");
    cuda->piece = egrow(cuda->piece, cuda->pieces + 1, sizeof *cuda->piece);
    cuda->piece[cuda->pieces++] = piece;
    return piece;
}

static void *take(struct arena *a, size_t count, size_t size)
{
    if (a->cuda->apart)
        return take_apart(a, count * size);
    void *piece = a->base ? a->base + a->used : NULL;
    a->used += (count * size + 255) / 256 * 256;
    return piece;
}

static size_t values(const struct shape *s)
{
    return (size_t)s->images * (size_t)s->height * (size_t)s->width * (size_t)s->channels;
}

static size_t value_size(const struct shape *s)
{
    return s->storage == STORED_BF16 ? sizeof(struct bf16) : sizeof(float);
}

/* Bytes of what kernel_activate() makes; features are floats. */
static size_t pooled_bytes(const struct shape *s)
{
    size_t pixels = (size_t)s->height * (size_t)s->width;
    if (s->pool == CUDA_POOL_MEAN)
        return values(s) / pixels * sizeof(float);
    return values(s) / (s->pool == CUDA_POOL_MAX ? 4 : 1) * value_size(s);
}

int64_t cuda_plan_memory(struct cuda *cuda, char *base, size_t workspace)
{
    struct arena a = {.cuda = cuda, .base = base};
    const struct net_shape *n = &cuda->net.shape;
    size_t batch = cuda->options.batch, largest = 0, pooled = 0, channels = 0;
    int train = cuda->options.train;
    cuda->w = take(&a, cuda->parameters, sizeof *cuda->w);
    cuda->g = take(&a, train ? cuda->moved : 0, sizeof *cuda->g);
    cuda->v = take(&a, train ? cuda->moved : 0, sizeof *cuda->v);
    cuda->narrow.w = take(&a, (size_t)cuda->narrow.count, sizeof *cuda->narrow.w);
    cuda->narrow.g = take(&a, train ? (size_t)cuda->narrow.count : 0, sizeof *cuda->narrow.g);
    for (int i = 0; i < SLOTS; i++) {
        cuda->slot[i].input = take(&a, cuda->input_bytes, 1);
        cuda->slot[i].result = cuda_result_in(cuda, take(&a, cuda_result_bytes(cuda), 1));
    }
    cuda->scaled = take(&a, (size_t)n->channels * 256, sizeof *cuda->scaled);
    cuda->x = take(&a, batch * n->height * n->width * (size_t)cuda->stage[0].in_channels,
                   value_size(&cuda->stage[0].shape));
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->y = take(&a, values(&s->shape), value_size(&s->shape));
        s->activation = take(&a, pooled_bytes(&s->shape), 1);
        s->normal = take(&a, (size_t)s->shape.channels, sizeof *s->normal);
        largest = values(&s->shape) > largest ? values(&s->shape) : largest;
        pooled = pooled_bytes(&s->shape) > pooled ? pooled_bytes(&s->shape) : pooled;
        channels = (size_t)s->shape.channels > channels ? (size_t)s->shape.channels : channels;
    }
    cuda->dy = take(&a, train ? largest : 0, value_size(&cuda->stage[0].shape));
    for (int i = 0; i < 2; i++)
        cuda->upstream[i] = take(&a, train ? pooled : 0, 1);
    cuda->parts = take(&a, 2 * PARTS * channels, sizeof *cuda->parts);
    cuda->probability = take(&a, batch * n->classes, sizeof *cuda->probability);
    cuda->workspace = take(&a, workspace, 1);
    return a.failed ? -1 : (int64_t)a.used;
}

/* A stage's weights, [out][in][3][3] of the network and [out][3][3][in] filled up. */
static size_t network_weight(const struct cuda_stage *s, int out, int in, int tap)
{
    return ((size_t)out * (size_t)s->real_in + (size_t)in) * 9 + (size_t)tap;
}
static size_t device_weight(const struct cuda_stage *s, int out, int in, int tap)
{
    return s->weights + ((size_t)out * 9 + (size_t)tap) * (size_t)s->in_channels + (size_t)in;
}

/* The vectors of a stage in the order of the network's tensors behind the weights. */
enum { STAGE_VECTORS = 5 };
static void stage_vectors(const struct cuda_stage *s, size_t at[STAGE_VECTORS])
{
    size_t all[STAGE_VECTORS] = {s->bias, s->scale, s->offset, s->mean, s->variance};
    memcpy(at, all, sizeof all);
}

void cuda_pack(const struct cuda *cuda, const float *from, float *to, size_t count)
{
    const struct tensor *tensor = cuda->net.tensor;
    memset(to, 0, count * sizeof *to);
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        const float *weights = from + tensor[s->tensor].offset;
        for (int out = 0; out < s->real_channels; out++)
            for (int in = 0; in < s->real_in; in++)
                for (int tap = 0; tap < 9; tap++)
                    to[device_weight(s, out, in, tap)] = weights[network_weight(s, out, in, tap)];
        size_t at[STAGE_VECTORS];
        stage_vectors(s, at);
        for (int v = 0; v < STAGE_VECTORS; v++)
            if (at[v] < count)
                memcpy(to + at[v], from + tensor[s->tensor + 1 + (uint32_t)v].offset,
                       (size_t)s->real_channels * sizeof *to);
    }
    const struct layer *last = &cuda->net.layer[cuda->net.layers - 1];
    for (uint32_t class = 0; class < last->out_channels; class ++)
        memcpy(to + cuda->connected_weights + (size_t) class * (size_t)cuda->feature_channels,
               from + tensor[last->tensor].offset + (size_t) class * last->in_channels,
               last->in_channels * sizeof *to);
    memcpy(to + cuda->connected_bias, from + tensor[last->tensor + 1].offset,
           last->out_channels * sizeof *to);
}

void cuda_unpack(const struct cuda *cuda, const float *from, size_t count, float *to)
{
    const struct tensor *tensor = cuda->net.tensor;
    memset(to, 0, cuda->net.parameters * sizeof *to);
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        float *weights = to + tensor[s->tensor].offset;
        for (int out = 0; out < s->real_channels; out++)
            for (int in = 0; in < s->real_in; in++)
                for (int tap = 0; tap < 9; tap++)
                    weights[network_weight(s, out, in, tap)] = from[device_weight(s, out, in, tap)];
        size_t at[STAGE_VECTORS];
        stage_vectors(s, at);
        for (int v = 0; v < STAGE_VECTORS; v++)
            if (at[v] < count)
                memcpy(to + tensor[s->tensor + 1 + (uint32_t)v].offset, from + at[v],
                       (size_t)s->real_channels * sizeof *to);
    }
    const struct layer *last = &cuda->net.layer[cuda->net.layers - 1];
    for (uint32_t class = 0; class < last->out_channels; class ++)
        memcpy(to + tensor[last->tensor].offset + (size_t) class * last->in_channels,
               from + cuda->connected_weights + (size_t) class * (size_t)cuda->feature_channels,
               last->in_channels * sizeof *to);
    memcpy(to + tensor[last->tensor + 1].offset, from + cuda->connected_bias,
           last->out_channels * sizeof *to);
}
