/* Where everything of a GPU engine lies: its stages, their parameters, its memory. */
#include "cuda.h"

#include "message.h"

#include <float.h>
#include <stdlib.h>

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
        struct cuda_stage *s = &cuda->stage[cuda->stages];
        *s = (struct cuda_stage){
            .shape = {.images = (int)cuda->options.batch,
                      .height = (int)l->out_height,
                      .width = (int)l->out_width,
                      .channels = filled(cuda, l->out_channels),
                      .pool = l->pool,
                      .storage = cuda->precision == PRECISION_BF16 ? STORED_BF16 : STORED_FLOAT},
            .in_channels = filled(cuda, l->in_channels),
            .real_in = (int)l->in_channels,
            .real_channels = (int)l->out_channels,
            .tensor = l->tensor,
            .kernel = (int)l->kernel,
            .back = (int)l->back,
            .fixed = l->fixed,
        };
        if (s->back > 0)
            s[-s->back].sum = cuda->stages;
        cuda->stages++;
    }
    cuda->feature_channels = cuda->stage[cuda->stages - 1].shape.channels;
    cuda->classes = (int)net->shape.classes;
}

static size_t taps(const struct cuda_stage *s)
{
    return (size_t)s->kernel * (size_t)s->kernel;
}

/* Places in the parameters. */
static void place_parameters(struct cuda *cuda)
{
    size_t used = 0, classes = cuda->net.shape.classes;
    size_t features = (size_t)cuda->feature_channels;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->weights = place(&used, (size_t)s->shape.channels * taps(s) * (size_t)s->in_channels);
        cuda->fixed = s->fixed ? used : cuda->fixed; /* the first stage alone */
    }
    cuda->narrow.count = cuda->precision == PRECISION_BF16 ? (int)used : 0;
    cuda->connected_weights = place(&used, classes * features);
    cuda->weights = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        size_t channels = (size_t)s->shape.channels;
        s->bias = place(&used, channels);
        s->scale = place(&used, channels);
    }
    cuda->connected_bias = place(&used, classes);
    cuda->offsets = used;
    for (int i = 0; i < cuda->stages; i++)
        cuda->stage[i].offset = place(&used, (size_t)cuda->stage[i].shape.channels);
    cuda->moved = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->mean = place(&used, (size_t)s->shape.channels);
        s->variance = place(&used, (size_t)s->shape.channels);
    }
    cuda->parameters = used;
}

/* What is the same in every step. */
static void set_rule(struct cuda *cuda)
{
    const struct engine_options *o = &cuda->options;
    cuda->rule = (struct step_rule){
        .first = (int)cuda->fixed,
        .vectors = (int)cuda->weights,
        .offsets = (int)cuda->offsets,
        .decayed = (int)(o->decay_all ? cuda->moved : cuda->weights),
        .end = (int)cuda->moved,
        .adam = o->optimizer == OPTIMIZER_ADAM,
        .nesterov = o->nesterov,
        .decoupled = o->decoupled,
        .momentum = (float)o->momentum,
        .second = (float)o->second,
        .new_momentum = (float)(1 - o->momentum),
        .new_second = (float)(1 - o->second),
        .epsilon = (float)(o->epsilon > FLT_MIN ? o->epsilon : FLT_MIN), /* 0 / 0 never comes */
        .decay = (float)o->weight_decay,
    };
    double below = o->dropout * (1 << 24);
    cuda->dropout = (struct dropout){
        .seed = o->seed,
        .below = (uint32_t)below + ((uint32_t)below < below), /* rounded up */
        .scale = (float)(1 / (1 - o->dropout)),
    };
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
    if (makes_features(s->pool))
        return values(s) / pixels * sizeof(float);
    return values(s) / (s->pool == POOL_MAX ? 4 : 1) * value_size(s);
}

/* Which of two pieces the gradient of each stage's activation is in: not that of the stage behind
 * it; but while the gradient of a sum is kept in one, the stages that the sum reaches over share
 * the other, for each is done with when the one before it is made. */
static void share_upstream(struct cuda *cuda, void *const piece[2])
{
    int last = cuda->stages - 1, keeper = last, which[NET_MAX_STAGES];
    which[last] = last % 2;
    for (int i = last - 1; i >= 0; i--) {
        if (i < keeper - cuda->stage[keeper].back)
            keeper = i + 1;
        which[i] = 1 - which[keeper];
    }
    for (int i = 0; i <= last; i++)
        cuda->stage[i].upstream = piece[which[i]];
}

int64_t cuda_plan_memory(struct cuda *cuda, char *base, const int64_t workspace[2])
{
    struct arena a = {.cuda = cuda, .base = base};
    const struct net_shape *n = &cuda->net.shape;
    size_t batch = cuda->options.batch, largest = 0, pooled = 0, channels = 0;
    int train = cuda->options.train, adam = cuda->options.optimizer == OPTIMIZER_ADAM,
        clips = train && cuda->options.clip_norm > 0;
    void *upstream[2];
    cuda->w = take(&a, cuda->parameters, sizeof *cuda->w);
    cuda->g = take(&a, train ? cuda->moved : 0, sizeof *cuda->g);
    cuda->v = take(&a, train ? cuda->moved : 0, sizeof *cuda->v);
    cuda->u = train && adam ? take(&a, cuda->moved, sizeof *cuda->u) : NULL;
    cuda->squares = clips ? take(&a, SQUARES, sizeof *cuda->squares) : NULL;
    cuda->clip = clips ? take(&a, 1, sizeof *cuda->clip) : NULL;
    if (cuda->narrow.count > 0) {
        cuda->narrow.w = take(&a, (size_t)cuda->narrow.count, sizeof *cuda->narrow.w);
        cuda->narrow.g = take(&a, train ? (size_t)cuda->narrow.count : 0, sizeof *cuda->narrow.g);
    }
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
        if (s->shape.pool == POOL_GLOBAL_MAX)
            s->chosen = take(&a, batch * (size_t)s->shape.channels, sizeof *s->chosen);
        largest = values(&s->shape) > largest ? values(&s->shape) : largest;
        pooled = pooled_bytes(&s->shape) > pooled ? pooled_bytes(&s->shape) : pooled;
        channels = (size_t)s->shape.channels > channels ? (size_t)s->shape.channels : channels;
    }
    for (int i = 0; i < 2; i++)
        cuda->dy[i] = take(&a, train ? largest : 0, value_size(&cuda->stage[0].shape));
    for (int i = 0; i < 2; i++)
        upstream[i] = take(&a, train ? pooled : 0, 1);
    share_upstream(cuda, upstream);
    cuda->parts = take(&a, 2 * PARTS * channels, sizeof *cuda->parts);
    cuda->probability = take(&a, batch * n->classes, sizeof *cuda->probability);
    cuda->workspace = take(&a, (size_t)workspace[0], 1);
    cuda->beside_workspace = take(&a, (size_t)workspace[1], 1);
    return a.failed ? -1 : (int64_t)a.used;
}

/* Where on the device each parameter of the network is. A stage's weights are [out][in][kernel]
 * [kernel] of the network and [out][kernel][kernel][in] filled up; its vectors follow in the order
 * of the network's tensors. */
void cuda_map_parameters(struct cuda *cuda)
{
    const struct tensor *tensor = cuda->net.tensor;
    cuda->where = ealloc(cuda->net.parameters, sizeof *cuda->where);
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        size_t *at = cuda->where + tensor[s->tensor].offset;
        for (int out = 0; out < s->real_channels; out++)
            for (int in = 0; in < s->real_in; in++)
                for (size_t tap = 0; tap < taps(s); tap++)
                    *at++ = s->weights + ((size_t)out * taps(s) + tap) * (size_t)s->in_channels +
                            (size_t)in;
        const size_t vector[] = {s->bias, s->scale, s->offset, s->mean, s->variance};
        for (uint32_t v = 0; v < sizeof vector / sizeof *vector; v++)
            for (size_t c = 0; c < (size_t)s->real_channels; c++)
                cuda->where[tensor[s->tensor + 1 + v].offset + c] = vector[v] + c;
    }
    const struct layer *last = &cuda->net.layer[cuda->net.layers - 1];
    size_t *at = cuda->where + tensor[last->tensor].offset;
    for (size_t class = 0; class < last->out_channels; class ++) {
        for (size_t c = 0; c < last->in_channels; c++)
            *at++ = cuda->connected_weights + class * (size_t)cuda->feature_channels + c;
        cuda->where[tensor[last->tensor + 1].offset + class] = cuda->connected_bias + class;
    }
}

void cuda_lay_out(struct cuda *cuda)
{
    make_stages(cuda);
    place_parameters(cuda);
    set_rule(cuda);
}
