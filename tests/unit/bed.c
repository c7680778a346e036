#include "bed.h"

#include <stdlib.h>

#include "message.h"
#include "nn/device.h"
#include "random.h"

/* Odd in turn: channels, shapes, filters that no block divides, partial lane groups, bands of 8
 * rows and 4. */
const struct shape_case cases[CASES] = {
    {1, 16, 8, 8, 3, 7, 16},   {1, 16, 4, 8, 1, 2, 33},   {1, 5, 8, 4, 5, 7, 17},
    {2, 16, 12, 12, 3, 7, 33}, {2, 7, 4, 8, 5, 2, 33},    {3, 16, 12, 12, 1, 7, 5},
    {3, 9, 8, 4, 3, 2, 17},    {4, 16, 12, 12, 3, 2, 16}, {4, 6, 8, 8, 5, 7, 5},
    {1, 16, 12, 12, 3, 7, 1},  {2, 16, 16, 20, 3, 7, 2},  {1, 3, 24, 8, 16, 7, 3},
};

static double uniform(uint64_t place, uint32_t what)
{
    return random_unit(philox(5, what, place, PURPOSE_SYNTH).word[0]);
}

/* Weights, and biases, scales and statistics away from 0 and 1. */
static void begin_at(struct bed *b, uint64_t seed)
{
    net_initialise(&b->net, INITIAL_GLOROT, seed, b->start);
    for (uint32_t t = 0; t < b->net.tensors; t++)
        for (size_t i = 0; b->net.tensor[t].kind != TENSOR_WEIGHTS && i < b->net.tensor[t].size;
             i++)
            b->start[b->net.tensor[t].offset + i] += (float)(0.5 * uniform(i, 10 + t));
    for (size_t i = 0; i < b->net.parameters; i++)
        b->expected[i] = b->start[i];
}

struct bed *bed_make(const struct shape_case *c)
{
    struct bed *b = ealloc(1, sizeof *b);
    struct net_shape shape = {c->depth,    c->filters, c->height, c->width,
                              c->channels, c->classes, ""};
    if (net_make(&b->net, &shape) != 0)
        die_why();
    b->options = (struct engine_options){
        .batch = c->count, .threads = 1, .momentum = 0.9, .weight_decay = 0.01, .train = 1};
    for (uint32_t i = 0; i < c->channels; i++) {
        b->options.mean[i] = 100 + 10 * i;
        b->options.deviation[i] = 60 + i;
    }
    size_t bytes = (size_t)c->count * c->height * c->width * c->channels, n = b->net.parameters;
    b->images = ealloc(bytes, 1);
    for (size_t i = 0; i < bytes; i++)
        b->images[i] = (uint8_t)(256 * uniform(i, 1));
    for (uint32_t i = 0; i < c->count; i++)
        b->label[i] = (uint32_t)(c->classes * uniform(i, 2));
    b->reference =
        (struct reference){&b->net, &b->options, b->images, b->label, c->count, &b->corner};

    b->start = ealloc(n, sizeof *b->start);
    b->momentum = ealloc(n, sizeof *b->start);
    b->expected = ealloc(n, sizeof(double));
    b->drift = ealloc(n, sizeof(double));
    b->gradient = ealloc(n, sizeof(double));
    b->found = ealloc(n, sizeof(float));
    b->found_momentum = ealloc(n, sizeof(float));
    for (uint64_t seed = 3; b->corner < BED_CORNER; seed++) {
        begin_at(b, seed);
        b->corner = 1;
        reference_loss(&b->reference, b->expected, NULL);
    }
    return b;
}

void bed_end(struct bed *b)
{
    void *all[] = {b->images, b->start, b->momentum,       b->expected,
                   b->drift,  b->found, b->found_momentum, b->gradient};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(b);
}

struct engine *bed_engine(struct bed *b)
{
    struct engine *engine;
    if (engine_open(&engine, "cpu", &b->net, &b->options) != 0)
        die_why();
    if (engine_write(engine, &(struct learnt){b->start, NULL, NULL}) != 0)
        die_why();
    return engine;
}
