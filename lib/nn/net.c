/* Lays out the network and its parameters; see net.h. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "random.h"

/* The nearest, but not 0. */
static uint32_t multiple_of_4(uint32_t side)
{
    return side < 4 ? 4 : (side + 2) / 4 * 4;
}

static int check(const struct net_shape *s)
{
    if (s->depth < 1 || s->depth > NET_MAX_DEPTH)
        return fail("the depth must be from 1 to %d, not %u", NET_MAX_DEPTH, s->depth);
    if (s->filters < 1 || s->filters > 4096)
        return fail("the number of filters must be from 1 to 4096, not %u", s->filters);
    if (s->classes < 2)
        return fail("there is only 1 class of images: a network needs at least 2 to tell apart");
    if (s->classes > 1 << 20)
        return fail("there are %u classes of images: a network takes at most %d", s->classes,
                    1 << 20);
    if (s->channels < 1 || s->channels > NET_MAX_CHANNELS)
        return fail("the images have %u channels: a network takes from 1 to %d", s->channels,
                    NET_MAX_CHANNELS);
    if (s->height % 4 || s->width % 4 || s->height < 4 || s->width < 4)
        return fail(
            "images of %u×%u cannot be halved twice: height and width must be multiples of 4 "
            "(psfetch --resize %ux%u makes them so)",
            s->height, s->width, multiple_of_4(s->height), multiple_of_4(s->width));
    if (s->height > 4096 || s->width > 4096)
        return fail("images of %u×%u are too large: height and width are at most 4096", s->height,
                    s->width);
    return 0;
}

/* Appends a tensor of shape [out][in][side][side], without the dimensions that do not exist for its
 * kind. */
static void add_tensor(struct net *net, enum tensor_kind kind, uint32_t out, uint32_t in,
                       uint32_t side, const char *layer, const char *name)
{
    struct tensor *t = &net->tensor[net->tensors++];
    *t = (struct tensor){.kind = kind, .extent = {out, in, side, side}, .offset = net->parameters};
    snprintf(t->name, sizeof t->name, "%s.%s", layer, name);
    t->dimensions = kind != TENSOR_WEIGHTS ? 1 : side == 1 ? 2 : 4;
    t->fan_in = in * side * side;
    t->fan_out = out * side * side;
    t->size = (size_t)out * in * side * side;
    net->parameters += t->size;
}

/* Appends a layer that follows the last one; its output shape is still that of its input. */
static struct layer *add_layer(struct net *net, enum layer_kind kind)
{
    struct layer *l = &net->layer[net->layers];
    if (net->layers == 0) {
        const struct net_shape *s = &net->shape;
        *l = (struct layer){
            .out_channels = s->channels, .out_height = s->height, .out_width = s->width};
    } else {
        *l = l[-1];
    }
    net->layers++;
    l->kind = kind;
    l->in_channels = l->out_channels;
    l->in_height = l->out_height;
    l->in_width = l->out_width;
    l->tensor = net->tensors;
    return l;
}

static void add_convolution(struct net *net, uint32_t block, uint32_t number, uint32_t filters)
{
    char name[32];
    snprintf(name, sizeof name, "block%u.convolution%u", block, number);
    struct layer *l = add_layer(net, LAYER_CONVOLUTION);
    l->out_channels = filters;
    add_tensor(net, TENSOR_WEIGHTS, filters, l->in_channels, 3, name, "weights");
    add_tensor(net, TENSOR_ZERO, filters, 1, 1, name, "bias");

    snprintf(name, sizeof name, "block%u.normalise%u", block, number);
    add_layer(net, LAYER_NORMALISE);
    add_tensor(net, TENSOR_ONE, filters, 1, 1, name, "scale");
    add_tensor(net, TENSOR_ZERO, filters, 1, 1, name, "offset");
    add_tensor(net, TENSOR_MEAN, filters, 1, 1, name, "mean");
    add_tensor(net, TENSOR_VARIANCE, filters, 1, 1, name, "variance");
}

int net_make(struct net *net, const struct net_shape *shape)
{
    if (check(shape) != 0)
        return -1;
    memset(net, 0, sizeof *net);
    net->shape = *shape;

    uint32_t filters = (uint32_t)(shape->filters / sqrt(shape->depth) + 0.5);
    if (filters == 0)
        filters = 1;
    for (uint32_t block = 1; block <= 3; block++) {
        for (uint32_t number = 1; number <= shape->depth; number++)
            add_convolution(net, block, number, filters << (block - 1));
        struct layer *pool = add_layer(net, block < 3 ? LAYER_MAX_POOL : LAYER_GLOBAL_POOL);
        pool->out_height = block < 3 ? pool->in_height / 2 : 1;
        pool->out_width = block < 3 ? pool->in_width / 2 : 1;
    }
    struct layer *last = add_layer(net, LAYER_CONNECTED);
    last->out_channels = shape->classes;
    add_tensor(net, TENSOR_WEIGHTS, shape->classes, last->in_channels, 1, "connected", "weights");
    add_tensor(net, TENSOR_ZERO, shape->classes, 1, 1, "connected", "bias");
    return 0;
}

void net_initialise(const struct net *net, uint64_t seed, float *parameters)
{
    for (uint32_t number = 0; number < net->tensors; number++) {
        const struct tensor *t = &net->tensor[number];
        double limit = sqrt(6.0 / ((double)t->fan_in + t->fan_out));
        float start = t->kind == TENSOR_ONE || t->kind == TENSOR_VARIANCE ? 1 : 0;
        for (size_t i = 0; i < t->size; i++) {
            float *value = &parameters[t->offset + i];
            *value = start;
            if (t->kind == TENSOR_WEIGHTS) {
                struct random r = philox(seed, number, i, PURPOSE_WEIGHTS);
                *value = (float)((2 * random_unit(r.word[0]) - 1) * limit);
            }
        }
    }
}

uint64_t net_multiply_adds(const struct net *net)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind == LAYER_CONVOLUTION)
            sum += (uint64_t)9 * l->in_channels * l->out_channels * l->out_height * l->out_width;
        if (l->kind == LAYER_CONNECTED)
            sum += (uint64_t)l->in_channels * l->out_channels;
    }
    return sum;
}
