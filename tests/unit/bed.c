#include "bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "message.h"
#include "nn/device.h"
#include "random.h"

/* Steps: of the short form, one option or two each, and all together. */
static const struct engine_options
    plain = {.momentum = 0.9, .weight_decay = 0.01},
    nesterov = {.momentum = 0.8, .nesterov = 1, .weight_decay = 0.01},
    smooth = {.label_smoothing = 0.2, .vector_rate = 3, .offset_rate = 0.5},
    decoupled = {.momentum = 0.9, .weight_decay = 0.1, .decoupled = 1},
    decay_all = {.weight_decay = 0.1, .decay_all = 1},
    decoupled_all = {.weight_decay = 0.1, .decoupled = 1, .decay_all = 1, .vector_rate = 0.5},
    clipped = {.momentum = 0.9, .weight_decay = 0.1, .clip_norm = 0.1, .offset_rate = 6},
    dropping = {.dropout = 0.5, .seed = 7},
    adam = {.optimizer = OPTIMIZER_ADAM,
            .momentum = 0.9,
            .second = 0.99,
            .epsilon = 1e-8,
            .weight_decay = 0.01},
    all = {.optimizer = OPTIMIZER_ADAM,
           .momentum = 0.8,
           .second = 0.95,
           .epsilon = 1e-3,
           .weight_decay = 0.1,
           .decoupled = 1,
           .decay_all = 1,
           .vector_rate = 4,
           .clip_norm = 0.2,
           .label_smoothing = 0.1,
           .dropout = 0.2,
           .seed = 5};

/* Odd in turn: channels, shapes, filters that no block divides, partial lane groups, bands of 8
 * rows and 4, after wide stages of few tiles. Then sides that are odd, and no multiple of 4 bytes
 * in a row; pools at unusual places; 1×1; additions over one and two stages, one behind the other,
 * behind a pool and at the end. */
const struct shape_case cases[CASES] = {
    {1, 16, 8, 8, 3, 7, 16, NULL, &plain},
    {1, 16, 4, 8, 1, 2, 33, NULL, &plain},
    {1, 5, 8, 4, 5, 7, 17, NULL, &plain},
    {2, 16, 12, 12, 3, 7, 33, NULL, &plain},
    {2, 7, 4, 8, 5, 2, 33, NULL, &plain},
    {3, 16, 12, 12, 1, 7, 5, NULL, &plain},
    {3, 9, 8, 4, 3, 2, 17, NULL, &plain},
    {4, 16, 12, 12, 3, 2, 16, NULL, &plain},
    {4, 6, 8, 8, 5, 7, 5, NULL, &plain},
    {1, 16, 12, 12, 3, 7, 1, NULL, &plain},
    {2, 16, 16, 20, 3, 7, 2, NULL, &plain},
    {0, 0, 4, 5, 1, 3, 33, "8-48-112-48", &plain},
    {1, 3, 24, 8, 16, 7, 3, NULL, &plain},

    {0, 0, 7, 13, 3, 5, 18, "5-6", &nesterov},
    {0, 0, 6, 10, 1, 3, 17, "6p-7-max", &smooth},
    {0, 0, 1, 3, 2, 3, 33, "4", &decoupled},
    {0, 0, 12, 20, 2, 4, 5, "6wp-4-5p-7-max", &decay_all},
    {0, 0, 2, 2, 3, 7, 20, "9p-9-5-max", &decoupled_all},
    {0, 0, 9, 5, 3, 7, 16, "7w-9-9+1-4-9k1+2", &plain},
    {0, 0, 20, 12, 3, 4, 17, "5-6k1p-7-6+2-6+1-5p-5+1-max", &adam},
    {0, 0, 7, 9, 2, 3, 20, "5-5+1-4-5+2", &clipped},
    {0, 0, 10, 10, 1, 7, 19, "9p-8", &dropping},
    {0, 0, 8, 8, 3, 5, 33, "8w-6p-7-6k1+2-6+1-max", &all},
};

const char *bed_words(const struct shape_case *c)
{
    static char words[200];
    int used = c->stages
                   ? snprintf(words, sizeof words, "%s", c->stages)
                   : snprintf(words, sizeof words, "depth %u, %2u filters", c->depth, c->filters);
    snprintf(words + used, sizeof words - (size_t)used, ", %2ux%-2u x%-2u, %u classes, batch %2u",
             c->height, c->width, c->channels, c->classes, c->count);
    return words;
}

static double uniform(uint64_t place, uint32_t what)
{
    return random_unit(philox(5, what, place, PURPOSE_SYNTH).word[0]);
}

/* Weights, fixed ones too, and biases, scales and statistics away from 0 and 1. */
static void begin_at(struct bed *b, uint64_t seed)
{
    net_initialise(&b->net, INITIAL_GLOROT, seed, b->start);
    for (uint32_t t = 0; t < b->net.tensors; t++) {
        const struct tensor *tensor = &b->net.tensor[t];
        float *start = b->start + tensor->offset;
        for (size_t i = 0; i < tensor->size; i++)
            if (tensor->kind == TENSOR_FIXED)
                start[i] = (float)(uniform(seed << 32 | i, 10) - 0.5);
            else if (tensor->kind != TENSOR_WEIGHTS)
                start[i] += (float)(0.5 * uniform(i, 10 + t));
    }
    for (size_t i = 0; i < b->net.parameters; i++)
        b->expected[i] = b->start[i];
}

struct bed *bed_make(const struct shape_case *c)
{
    struct bed *b = ealloc(1, sizeof *b);
    struct net_shape shape = {c->depth,    c->filters, c->height, c->width,
                              c->channels, c->classes, ""};
    snprintf(shape.stages, sizeof shape.stages, "%s", c->stages ? c->stages : "");
    if (net_make(&b->net, &shape) != 0)
        die_why();
    b->options = *c->step;
    b->options.batch = c->count;
    b->options.threads = 1;
    b->options.train = 1;
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
    b->reference = (struct reference){&b->net,  &b->options, b->images,           b->label,
                                      c->count, {0.05, 1},   .corner = &b->corner};

    b->start = ealloc(n, sizeof *b->start);
    b->expected = ealloc(n, sizeof(double));
    b->drift = ealloc(n, sizeof(double));
    b->expected_second = ealloc(n, sizeof(double));
    b->gradient = ealloc(n, sizeof(double));
    b->found = ealloc(n, sizeof(float));
    b->found_momentum = ealloc(n, sizeof(float));
    b->found_second = ealloc(n, sizeof(float));
    for (uint64_t seed = 3; b->corner < BED_CORNER; seed++) {
        if (seed > 100)
            die(FAILED, "%s: always at a corner", bed_words(c));
        begin_at(b, seed);
        b->corner = 1;
        reference_loss(&b->reference, b->expected, NULL);
    }
    return b;
}

void bed_end(struct bed *b)
{
    void *memory[] = {b->images,   b->start, b->expected,       b->drift,       b->expected_second,
                      b->gradient, b->found, b->found_momentum, b->found_second};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
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

void bed_step(struct bed *b, struct engine *engine, uint64_t number, struct outcome *outcome)
{
    b->reference.step = (struct step){0.05, number};
    if (engine_step(engine, b->images, b->label, b->reference.count, &b->reference.step, outcome) !=
        0)
        die_why();
}

void bed_read(struct bed *b, struct engine *engine)
{
    struct learnt learnt = {b->found, b->found_momentum,
                            b->options.optimizer == OPTIMIZER_ADAM ? b->found_second : NULL};
    if (engine_read(engine, &learnt) != 0)
        die_why();
}
