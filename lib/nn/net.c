/* Lays out the network and its parameters; see net.h. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "random.h"

/* A stage as a text or the short form names it. */
struct stage_text {
    uint32_t filters, kernel, back;
    int fixed, pool;
};

struct plan {
    struct stage_text stage[NET_MAX_STAGES];
    uint32_t stages;
    int largest; /* "max" at the end */
};

/* A number at *text, which moves behind it; 0 where there is none, or it has over six digits. */
static uint32_t read_number(const char **text)
{
    uint32_t number = 0;
    size_t digits = strspn(*text, "0123456789");
    for (size_t i = 0; i < digits && digits <= 6; i++)
        number = 10 * number + (uint32_t)((*text)[i] - '0');
    *text += digits;
    return number;
}

static int read_mark(const char **text, char mark)
{
    int there = **text == mark;
    *text += there;
    return there;
}

/* The stage at *text, number number (0, 1, …), which moves behind it. */
static int read_stage(const char **text, uint32_t number, struct stage_text *stage)
{
    const char *begin = *text;
    int size = (int)strcspn(begin, "-");
    *stage = (struct stage_text){.filters = read_number(text), .kernel = 3};
    if (stage->filters < 1 || stage->filters > NET_MAX_FILTERS)
        return fail("stage %u of the network, '%.*s', does not begin with its number of filters, 1 "
                    "to %d",
                    number + 1, size, begin, NET_MAX_FILTERS);
    if (read_mark(text, 'k') && (stage->kernel = read_number(text)) != 3 && stage->kernel != 1)
        return fail("stage %u of the network, '%.*s': kernels are of 3×3 (k3) or 1×1 (k1)",
                    number + 1, size, begin);
    stage->fixed = read_mark(text, 'w');
    if (stage->fixed && (number > 0 || stage->kernel != 3))
        return fail("stage %u of the network, '%.*s': only the first stage can whiten, with 3×3 "
                    "filters",
                    number + 1, size, begin);
    if (read_mark(text, '+') && ((stage->back = read_number(text)) < 1 || stage->back > number))
        return fail(
            "stage %u of the network, '%.*s': +N adds what went into the last N stages, but "
            "never the images",
            number + 1, size, begin);
    stage->pool = read_mark(text, 'p');
    if (stage->pool && stage->back)
        return fail("stage %u of the network, '%.*s': an addition has no pool behind it; the stage "
                    "after it can have one",
                    number + 1, size, begin);
    if (**text != '-' && **text != '\0')
        return fail(
            "stage %u of the network, '%.*s', is not understood: it is FILTERS, perhaps k1, w, "
            "+STAGES, p, in this order (64, 128p, 64+2)",
            number + 1, size, begin);
    return 0;
}

/* What is added has the shape of what it is added to, and no addition reaches over another. */
static int check_addition(const struct plan *plan, uint32_t number)
{
    const struct stage_text *s = &plan->stage[number];
    uint32_t first = number + 1 - s->back; /* the first stage that it reaches over */
    for (uint32_t i = first; s->back && i < number; i++)
        if (plan->stage[i].pool || plan->stage[i].back)
            return fail(
                "stage %u of the network adds what went into stage %u, but stage %u between "
                "them has %s",
                number + 1, first + 1, i + 1, plan->stage[i].pool ? "a pool" : "an addition");
    if (s->back && plan->stage[first - 1].filters != s->filters)
        return fail("stage %u of the network adds what went into stage %u: %u channels to %u",
                    number + 1, first + 1, plan->stage[first - 1].filters, s->filters);
    return 0;
}

static int read_stages(const char *text, struct plan *plan)
{
    *plan = (struct plan){0};
    for (;;) {
        if (strcmp(text, "max") == 0 && plan->stages > 0) {
            plan->largest = 1;
            return 0;
        }
        if (plan->stages == NET_MAX_STAGES)
            return fail("the network has more than %d stages", NET_MAX_STAGES);
        if (read_stage(&text, plan->stages, &plan->stage[plan->stages]) < 0 ||
            check_addition(plan, plan->stages) < 0)
            return -1;
        plan->stages++;
        if (*text++ == '\0')
            return 0;
    }
}

/* A text that makes no network, whatever the images are, is wrong usage. */
static int read_text(const char *text, struct plan *plan)
{
    uint32_t pools = 0;
    if (read_stages(text, plan) < 0)
        return fail_as(USAGE, "%s", why());
    for (uint32_t i = 0; i < plan->stages; i++)
        pools += (uint32_t)plan->stage[i].pool;
    if (plan->stage[plan->stages - 1].pool)
        return fail_as(USAGE, "the last stage of the network cannot have a pool: a global one "
                              "follows it");
    if (pools > 12)
        return fail_as(USAGE, "a network of %u pools would need images of over 4096 pixels a side",
                       pools);
    return 0;
}

static int plan_blocks(const struct net_shape *s, struct plan *plan)
{
    *plan = (struct plan){0};
    if (s->depth < 1 || s->depth > NET_MAX_DEPTH)
        return fail("the depth must be from 1 to %d, not %u", NET_MAX_DEPTH, s->depth);
    if (s->filters < 1 || s->filters > NET_MAX_FILTERS)
        return fail("the number of filters must be from 1 to %d, not %u", NET_MAX_FILTERS,
                    s->filters);
    uint32_t filters = (uint32_t)(s->filters / sqrt(s->depth) + 0.5);
    if (filters == 0)
        filters = 1;
    for (uint32_t block = 0; block < 3; block++)
        for (uint32_t i = 1; i <= s->depth; i++)
            plan->stage[plan->stages++] = (struct stage_text){
                .filters = filters << block, .kernel = 3, .pool = block < 2 && i == s->depth};
    return 0;
}

/* The nearest multiple, but not 0. */
static uint32_t nearest(uint32_t side, uint32_t factor)
{
    return side < factor ? factor : (side + factor / 2) / factor * factor;
}

/* Whether there is such a network of these images. */
static int check(const struct net_shape *s, const struct plan *plan)
{
    if (s->classes < 2)
        return fail("there is only 1 class of images: a network needs at least 2 to tell apart");
    if (s->classes > 1 << 20)
        return fail("there are %u classes of images: a network takes at most %d", s->classes,
                    1 << 20);
    if (s->channels < 1 || s->channels > NET_MAX_CHANNELS)
        return fail("the images have %u channels: a network takes from 1 to %d", s->channels,
                    NET_MAX_CHANNELS);
    uint32_t pools = 0;
    for (uint32_t i = 0; i < plan->stages; i++)
        pools += (uint32_t)plan->stage[i].pool;
    uint32_t factor = 1u << pools;
    if (s->height % factor || s->width % factor || s->height < factor || s->width < factor)
        return fail("images of %u×%u cannot be halved %s: height and width must be multiples of %u "
                    "(psfetch --resize %ux%u makes them so)",
                    s->height, s->width,
                    pools == 1   ? "once"
                    : pools == 2 ? "twice"
                                 : "so often",
                    factor, nearest(s->height, factor), nearest(s->width, factor));
    if (s->height > 4096 || s->width > 4096)
        return fail("images of %u×%u are too large: height and width are at most 4096", s->height,
                    s->width);
    return 0;
}

/* Appends a tensor of shape [out][in][side][side], or of the first of these dimensions. */
static void add_tensor(struct net *net, enum tensor_kind kind, uint32_t dimensions, uint32_t out,
                       uint32_t in, uint32_t side, const char *layer, const char *name)
{
    struct tensor *t = &net->tensor[net->tensors++];
    *t = (struct tensor){.kind = kind, .extent = {out, in, side, side}, .offset = net->parameters};
    snprintf(t->name, sizeof t->name, "%s.%s", layer, name);
    t->dimensions = dimensions;
    t->fan_in = in * side * side;
    t->fan_out = out * side * side;
    t->size = (size_t)out * in * side * side;
    net->parameters += t->size;
}

/* Appends a layer that follows the last one; its output shape is still that of its input. */
static struct layer *add_layer(struct net *net, enum layer_kind kind)
{
    const struct net_shape *s = &net->shape;
    struct layer *l = &net->layer[net->layers++];
    *l = (struct layer){.kind = kind, .tensor = net->tensors};
    l->in_channels = l > net->layer ? l[-1].out_channels : s->channels;
    l->in_height = l > net->layer ? l[-1].out_height : s->height;
    l->in_width = l > net->layer ? l[-1].out_width : s->width;
    l->out_channels = l->in_channels;
    l->out_height = l->in_height;
    l->out_width = l->in_width;
    return l;
}

static void add_vector(struct net *net, enum tensor_kind kind, uint32_t size, const char *layer,
                       const char *name)
{
    add_tensor(net, kind, 1, size, 1, 1, layer, name);
}

/* The number-th stage (1, 2, …) of a block; a block ends at a pool. */
static struct layer *add_stage(struct net *net, const struct stage_text *stage, uint32_t block,
                               uint32_t number)
{
    char name[32];
    snprintf(name, sizeof name, "block%u.convolution%u", block, number);
    struct layer *convolution = add_layer(net, LAYER_CONVOLUTION);
    convolution->out_channels = stage->filters;
    convolution->kernel = stage->kernel;
    convolution->back = stage->back;
    convolution->fixed = stage->fixed;
    add_tensor(net, stage->fixed ? TENSOR_FIXED : TENSOR_WEIGHTS, 4, stage->filters,
               convolution->in_channels, stage->kernel, name, "weights");
    add_vector(net, TENSOR_ZERO, stage->filters, name, "bias");

    snprintf(name, sizeof name, "block%u.normalise%u", block, number);
    add_layer(net, LAYER_NORMALISE);
    add_vector(net, TENSOR_ONE, stage->filters, name, "scale");
    add_vector(net, TENSOR_OFFSET, stage->filters, name, "offset");
    add_vector(net, TENSOR_MEAN, stage->filters, name, "mean");
    add_vector(net, TENSOR_VARIANCE, stage->filters, name, "variance");
    return convolution;
}

/* The layer that the stage begins with which, counted back from this convolution, is the back-th.
 */
static uint32_t first_of(const struct net *net, const struct layer *convolution)
{
    uint32_t number = (uint32_t)(convolution - net->layer);
    for (uint32_t left = convolution->back - 1; left > 0;
         left -= net->layer[number].kind == LAYER_CONVOLUTION)
        number--;
    return number;
}

int net_make(struct net *net, const struct net_shape *shape)
{
    struct plan plan;
    if ((*shape->stages ? read_text(shape->stages, &plan) : plan_blocks(shape, &plan)) < 0 ||
        check(shape, &plan) < 0)
        return -1;
    memset(net, 0, sizeof *net);
    net->shape = *shape;
    for (uint32_t i = 0, block = 1, number = 1; i < plan.stages; i++, number++) {
        const struct stage_text *stage = &plan.stage[i];
        struct layer *convolution = add_stage(net, stage, block, number);
        if (stage->back > 0)
            add_layer(net, LAYER_ADD)->from = first_of(net, convolution);
        if (stage->pool) {
            convolution->pool = POOL_MAX;
            struct layer *pool = add_layer(net, LAYER_MAX_POOL);
            pool->out_height = pool->in_height / 2;
            pool->out_width = pool->in_width / 2;
            block++;
            number = 0;
        }
        if (i + 1 == plan.stages) {
            convolution->pool = plan.largest ? POOL_GLOBAL_MAX : POOL_MEAN;
            struct layer *pool = add_layer(net, LAYER_GLOBAL_POOL);
            pool->pool = convolution->pool;
            pool->out_height = pool->out_width = 1;
        }
    }
    struct layer *last = add_layer(net, LAYER_CONNECTED);
    last->out_channels = shape->classes;
    add_tensor(net, TENSOR_WEIGHTS, 2, shape->classes, last->in_channels, 1, "connected",
               "weights");
    add_vector(net, TENSOR_ZERO, shape->classes, "connected", "bias");
    return 0;
}

/* The short form has no marks but that of pools, and at most 64 · 3 stages of 5 characters. */
void net_text(const struct net *net, char text[NET_TEXT])
{
    size_t used = 0;
    memcpy(text, net->shape.stages, NET_TEXT);
    for (uint32_t i = 0; *net->shape.stages == '\0' && i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind == LAYER_CONVOLUTION)
            used += (size_t)snprintf(text + used, NET_TEXT - used, "%s%u%s", used > 0 ? "-" : "",
                                     l->out_channels, l->pool == POOL_MAX ? "p" : "");
    }
}

/* Filter i passes channel i on. */
static void pass_on(const struct tensor *t, float *parameters)
{
    size_t taps = (size_t)t->extent[2] * t->extent[3], filter = t->extent[1] * taps;
    for (size_t i = 0; i < t->extent[0] && i < t->extent[1]; i++) {
        float *weights = parameters + t->offset + i * filter;
        memset(weights, 0, filter * sizeof *weights);
        weights[i * taps + taps / 2] = 1;
    }
}

void net_initialise(const struct net *net, enum initial initial, uint64_t seed, float *parameters)
{
    for (uint32_t number = 0; number < net->tensors; number++) {
        const struct tensor *t = &net->tensor[number];
        double fan = t->fan_in + (initial == INITIAL_HE ? 0 : (double)t->fan_out);
        double limit = sqrt(6.0 / fan);
        float start = t->kind == TENSOR_ONE || t->kind == TENSOR_VARIANCE ? 1 : 0;
        for (size_t i = 0; i < t->size; i++) {
            float *value = &parameters[t->offset + i];
            *value = start;
            if (t->kind == TENSOR_WEIGHTS) {
                struct random r = philox(seed, number, i, PURPOSE_WEIGHTS);
                *value = (float)((2 * random_unit(r.word[0]) - 1) * limit);
            }
        }
        if (initial == INITIAL_DIRAC && t->kind == TENSOR_WEIGHTS && t->dimensions == 4)
            pass_on(t, parameters);
    }
}

uint64_t net_multiply_adds(const struct net *net)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind == LAYER_CONVOLUTION)
            sum += (uint64_t)l->kernel * l->kernel * l->in_channels * l->out_channels *
                   l->out_height * l->out_width;
        if (l->kind == LAYER_CONNECTED)
            sum += (uint64_t)l->in_channels * l->out_channels;
    }
    return sum;
}

static uint64_t filled(uint64_t channels)
{
    return (channels + 7) / 8 * 8;
}

uint64_t net_gpu_bytes(const struct net *net, uint64_t batch)
{
    const struct net_shape *s = &net->shape;
    uint64_t pixels = (uint64_t)s->height * s->width;
    /* Floats. Of an image: the input, of each stage its convolution and its activation, and four
     * gradients as large as the largest. Weights: these, their gradient, two moments and, narrowed
     * for bf16, the first two. Of a channel 16, with what pieces are rounded up by; partial sums.
     */
    uint64_t values = pixels * 8, largest = 0, weights = 0, channels = 0, widest = 0;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        uint64_t in = filled(l->in_channels), out = filled(l->out_channels);
        if (l->kind == LAYER_CONVOLUTION) {
            uint64_t made = out * l->out_height * l->out_width;
            values += 2 * made;
            largest = made > largest ? made : largest;
            weights += (uint64_t)l->kernel * l->kernel * in * out;
            channels += out + 64;
            widest = out > widest ? out : widest;
        }
        if (l->kind == LAYER_CONNECTED)
            weights += in * out;
    }
    /* Four batches that are on their way: pixels, or where a view lies, label, loss and guess. */
    uint64_t sent = 4 * (pixels * s->channels + 32);
    return 4 * (batch * (values + 4 * largest + 2 * s->classes) + 5 * weights + 16 * channels +
                1024 * widest) +
           batch * sent + 65536;
}
