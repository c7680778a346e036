/* The CPU engine's calls (engine.h): its kernels, stages and one piece of memory, its parameters.
 */
#include "passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "message.h"

/* The tables of kernels, whose files are compiled once for each instruction set (see the Makefile).
 */
extern const struct kernels kernels_c;

#if defined __x86_64__
extern const struct kernels kernels_avx2, kernels_avx512;
#elif defined __aarch64__
extern const struct kernels kernels_neon;
#endif

/* Those that this machine can run, the fastest first. */
static size_t list(const struct kernels *table[3])
{
    size_t count = 0;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        table[count++] = &kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        table[count++] = &kernels_avx2;
#elif defined __aarch64__
    table[count++] = &kernels_neon; /* every such machine has it */
#endif
    table[count++] = &kernels_c;
    return count;
}

const struct kernels *kernels_choose(const char *isa)
{
    const struct kernels *table[3];
    size_t count = list(table);
    if (isa == NULL || strcmp(isa, "auto") == 0)
        return table[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(isa, table[i]->name) == 0)
            return table[i];
    fail("this machine or build has no instruction set '%s': it has%s%s%s%s%s", isa,
         count > 2 ? " " : "", count > 2 ? table[count - 3]->name : "", count > 1 ? " " : "",
         count > 1 ? table[count - 2]->name : "", " c");
    return NULL;
}

/* Lays memory out: pieces of 64 bytes, one after the other. Without a base it only counts. */
struct arena {
    char *base;
    size_t used;
};

static void *take(struct arena *a, size_t count, size_t size)
{
    void *piece = a->base ? a->base + a->used : NULL;
    a->used += (count * size + 63) / 64 * 64;
    return piece;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void make_stages(struct cpu *cpu)
{
    const struct net *net = &cpu->net;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind != LAYER_CONVOLUTION)
            continue;
        int back = (int)l->back;
        struct stage *s = &cpu->stage[cpu->stages++];
        *s = (struct stage){
            .in_channels = (int)l->in_channels,
            .channels = (int)l->out_channels,
            .height = (int)l->out_height,
            .width = (int)l->out_width,
            .side = (int)l->kernel,
            .fixed = l->fixed,
            .back = back,
            .keeps = back > 0,
            .pool = l->pool == POOL_GLOBAL_MAX || back > 0 ? POOL_NONE : l->pool,
            .bands = ((int)l->out_height + BAND_ROWS - 1) / BAND_ROWS,
            .across = ((int)l->out_width + TILE - 1) / TILE,
            .tensor = l->tensor,
        };
        int tiles = (s->height + TILE - 1) / TILE * s->across;
        s->span = tiles < ITEM_TILES ? ITEM_TILES / tiles : 1;
        if (back > 0) {
            s[1 - back].begins = 1;
            s[-back].keeps = 1;
        }
        cpu->largest = l->pool == POOL_GLOBAL_MAX;
    }
}

/* In a prediction only two stages' outputs live at a time, and of what is kept the latest: what is
 * added to it takes its place. */
static void plan_stages(struct cpu *cpu, struct arena *a)
{
    int train = cpu->options.train;
    size_t groups = (size_t)cpu->groups, largest = 0, upstream = 0, kept = 0, skipped = 0;
    for (int i = 0; i < cpu->stages; i++) {
        struct stage *s = &cpu->stage[i];
        size_t channels = (size_t)s->channels, items = groups * (size_t)s->bands;
        size_t y = groups * channels * (size_t)s->height * (size_t)s->width * LANES;
        largest = larger(largest, y);
        s->normal = take(a, channels, sizeof *s->normal);
        s->batch = take(a, channels, sizeof *s->batch);
        s->weights =
            take(a, PLACES * weights_place(s->channels, s->in_channels), sizeof *s->weights);
        kept = larger(kept, s->keeps ? groups * pooled_size(s) : 0);
        if (!train)
            continue;
        size_t sums = groups * (size_t)(i + 1 < cpu->stages ? s[1].bands : 1);
        upstream = larger(upstream, groups * pooled_size(s));
        skipped = larger(skipped, s->back ? groups * pooled_size(s) : 0);
        s->y = take(a, y, sizeof *s->y);
        s->kept = s->keeps ? take(a, groups * pooled_size(s), sizeof *s->kept) : NULL;
        s->moments = take(a, items * channels, sizeof *s->moments);
        s->sums = take(a, sums * channels, sizeof *s->sums);
        s->flipped = take(a, i > 0 ? PLACES * weights_place(s->in_channels, s->channels) : 0,
                          sizeof *s->flipped);
        size_t parts = s->fixed ? 0
                                : (groups + (size_t)s->span - 1) / (size_t)s->span *
                                      (size_t)(s->bands * correlation_quads(s->channels));
        s->partial = take(a, parts * quads_floats(s), sizeof *s->partial);
    }
    cpu->skipped = take(a, skipped, sizeof *cpu->skipped);
    float *latest = take(a, train ? 0 : kept, sizeof *latest);
    for (int i = 0; !train && i < cpu->stages; i++)
        cpu->stage[i].kept = cpu->stage[i].keeps ? latest : NULL;
    for (int i = 0; i < 2; i++) {
        float *y = train ? NULL : take(a, largest, sizeof *y);
        for (int stage = i; !train && stage < cpu->stages; stage += 2)
            cpu->stage[stage].y = y;
        cpu->upstream[i] = take(a, upstream, sizeof *cpu->upstream[i]);
    }
}

static void plan_scratch(struct cpu *cpu, struct arena *a)
{
    size_t strip = 0, pixels = 0, products = 0, gradients = 0, quads = 0, channels = 0, sums = 0;
    size_t transposed_pixels = 0, transposed_gradients = 0;
    for (int i = 0; i < cpu->stages; i++) {
        const struct stage *s = &cpu->stage[i];
        int most = s->in_channels > s->channels ? s->in_channels : s->channels;
        int tiles = s->span * BAND_STRIPS * s->across;
        strip = larger(strip, (size_t)(TILE + 2) * (size_t)(s->across * TILE + 2) * LANES);
        pixels = larger(pixels, PLACES * place_floats(most, tiles));
        products = larger(products,
                          PLACES * place_floats(1, tiles > PRODUCT_LINES ? tiles : PRODUCT_LINES));
        if (most >= MANY_CHANNELS)
            products = larger(products, PLACES * place_floats(most, tiles));
        gradients = larger(gradients, PLACES * place_floats(is_wide(s) ? LANES : QUAD, tiles));
        quads = larger(quads, (size_t)correlation_quads(s->in_channels));
        channels = larger(channels, (size_t)most);
        sums = larger(sums, (size_t)(s->span * most));
        if (is_wide(s)) {
            products = larger(products, PLACES * place_floats(LANES, WIDE_CHANNELS / LANES));
            transposed_pixels =
                larger(transposed_pixels, PLACES * place_floats(WIDE_CHANNELS, tiles));
            transposed_gradients =
                larger(transposed_gradients, PLACES * weights_place(s->channels, tiles * LANES));
        }
    }
    int train = cpu->options.train;
    struct scratch *all = take(a, (size_t)cpu->threads, sizeof *all);
    for (int thread = 0; thread < cpu->threads; thread++) {
        struct scratch s = {
            .strip = take(a, strip, sizeof *s.strip),
            .pixels = take(a, pixels, sizeof *s.pixels),
            .products = take(a, products, sizeof *s.products),
            .gradients = take(a, train ? gradients : 0, sizeof *s.gradients),
            .folded = take(a, train ? PLACES * quads * LANES : 0, sizeof *s.folded),
            .transposed_pixels =
                take(a, train ? transposed_pixels : 0, sizeof *s.transposed_pixels),
            .transposed_gradients =
                take(a, train ? transposed_gradients : 0, sizeof *s.transposed_gradients),
            .sums = take(a, sums * 3 * LANES, sizeof *s.sums),
            .feature = take(a, channels * LANES, sizeof *s.feature),
            .pixel = take(a, cpu->largest ? channels * LANES : 0, sizeof *s.pixel),
            .logit = take(a, (size_t)cpu->net.shape.classes * LANES, sizeof *s.logit),
        };
        if (all)
            all[thread] = s;
    }
    cpu->scratch = all;
}

/* Fills the pointers of *cpu; memory is the arena, or NULL to count. Returns its size in bytes. */
static size_t plan(struct cpu *cpu, void *memory)
{
    struct arena a = {memory, 0};
    const struct net *net = &cpu->net;
    const struct layer *last = &net->layer[net->layers - 1];
    size_t trained = cpu->options.train ? net->parameters : 0;
    size_t groups = cpu->options.train ? (size_t)cpu->groups : 0;
    cpu->parameters = take(&a, net->parameters, sizeof *cpu->parameters);
    cpu->momentum = take(&a, trained, sizeof *cpu->momentum);
    cpu->second =
        take(&a, cpu->options.optimizer == OPTIMIZER_ADAM ? trained : 0, sizeof *cpu->second);
    cpu->gradient = take(&a, trained, sizeof *cpu->gradient);
    const struct stage *image = &cpu->stage[0];
    size_t pixels = (size_t)image->height * (size_t)image->width;
    cpu->input = take(&a, (size_t)cpu->groups * (size_t)image->in_channels * pixels * LANES,
                      sizeof *cpu->input);
    cpu->square = take(&a, trained ? (size_t)update_pieces(cpu) : 0, sizeof *cpu->square);
    cpu->loss = take(&a, cpu->options.batch, sizeof *cpu->loss);
    cpu->correct = take(&a, cpu->options.batch, sizeof *cpu->correct);
    cpu->connected =
        take(&a, groups * ((size_t)last->out_channels * last->in_channels + last->out_channels),
             sizeof *cpu->connected);
    plan_stages(cpu, &a);
    plan_scratch(cpu, &a);
    return a.used;
}

static void cpu_close(struct engine *engine)
{
    struct cpu *cpu = (struct cpu *)engine;
    team_end(cpu->team);
    free(cpu->arena);
    free(cpu);
}

static int cpu_open(struct engine **engine, const struct net *net,
                    const struct engine_options *options)
{
    const struct kernels *kernels = kernels_choose(options->isa);
    if (kernels == NULL)
        return -1;

    struct cpu *cpu = ealloc(1, sizeof *cpu);
    cpu->engine.class = &cpu_class;
    cpu->net = *net;
    cpu->options = *options;
    cpu->kernels = kernels;
    cpu->threads = options->threads ? (int)options->threads : team_default_threads();
    cpu->groups = ((int)options->batch + LANES - 1) / LANES;
    snprintf(cpu->detail, sizeof cpu->detail, "cpu, %s, %d thread%s", kernels->name, cpu->threads,
             cpu->threads == 1 ? "" : "s");
    make_stages(cpu);

    size_t size = plan(cpu, NULL);
    size_t huge = 2 << 20;
    cpu->arena = aligned_alloc(huge, (size + huge - 1) / huge * huge);
    madvise(cpu->arena, size, MADV_HUGEPAGE);
    cpu->team = cpu->arena ? team_make(cpu->threads) : NULL;
    if (cpu->team == NULL) {
        if (cpu->arena == NULL)
            fail("no memory for a batch of %llu image%s, which takes %zu MB",
                 (unsigned long long)options->batch, plural(options->batch), size >> 20);
        cpu_close(&cpu->engine);
        return -1;
    }
    plan(cpu, cpu->arena);
    size_t bytes = net->parameters * sizeof *cpu->parameters;
    memset(cpu->parameters, 0, bytes);
    if (options->train) {
        memset(cpu->momentum, 0, bytes);
        memset(cpu->gradient, 0, bytes);
    }
    if (options->train && options->optimizer == OPTIMIZER_ADAM)
        memset(cpu->second, 0, bytes);
    for (uint32_t c = 0; c < net->shape.channels; c++) {
        cpu->scale[c][0] = (float)options->mean[c];
        cpu->scale[c][1] = (float)(1 / options->deviation[c]);
    }
    *engine = &cpu->engine;
    return 0;
}

static const char *cpu_name(const struct engine *engine)
{
    (void)engine;
    return "cpu";
}

static const char *cpu_detail(const struct engine *engine)
{
    return ((const struct cpu *)engine)->detail;
}

/* No values: zeros. */
static void set(float *to, const float *values, size_t bytes)
{
    if (values)
        memcpy(to, values, bytes);
    else
        memset(to, 0, bytes);
}

static int cpu_write(struct engine *engine, const struct learnt *learnt)
{
    struct cpu *cpu = (struct cpu *)engine;
    size_t bytes = cpu->net.parameters * sizeof *cpu->parameters;
    set(cpu->parameters, learnt->parameters, bytes);
    if (cpu->options.train)
        set(cpu->momentum, learnt->momentum, bytes);
    if (cpu->options.train && cpu->options.optimizer == OPTIMIZER_ADAM)
        set(cpu->second, learnt->second, bytes);
    return 0;
}

static int cpu_read(struct engine *engine, const struct learnt *learnt)
{
    struct cpu *cpu = (struct cpu *)engine;
    size_t bytes = cpu->net.parameters * sizeof *cpu->parameters;
    memcpy(learnt->parameters, cpu->parameters, bytes);
    if (learnt->momentum)
        memcpy(learnt->momentum, cpu->momentum, bytes);
    if (learnt->second)
        memcpy(learnt->second, cpu->second, bytes);
    return 0;
}

static int cpu_gradient(struct engine *engine, float *gradient)
{
    struct cpu *cpu = (struct cpu *)engine;
    memcpy(gradient, cpu->gradient, cpu->net.parameters * sizeof *gradient);
    return 0;
}

static void add_up(const struct cpu *cpu, struct outcome *outcome)
{
    *outcome = (struct outcome){.count = cpu->count};
    for (uint32_t i = 0; i < cpu->count; i++) {
        outcome->loss += cpu->loss[i];
        outcome->correct += cpu->correct[i];
    }
}

/* Takes the batch of the call that goes on through the network; in training, with the step. */
static void pass(struct cpu *cpu)
{
    forward(cpu);
    head(cpu);
    if (cpu->training) {
        backward(cpu);
        update(cpu);
    }
}

static int cpu_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                       uint32_t count, float *probability, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    cpu->images = images;
    cpu->label = label;
    cpu->count = count;
    cpu->live_groups = ((int)count + LANES - 1) / LANES;
    cpu->probability = probability;
    pass(cpu);
    if (label)
        add_up(cpu, outcome);
    return 0;
}

/* Here a batch that is begun is done: there are no other hands. */
static int cpu_begin(struct engine *engine, const struct batch *batch, const struct step *step)
{
    struct cpu *cpu = (struct cpu *)engine;
    cpu->training = step != NULL;
    if (step)
        cpu->step = *step;
    cpu_predict(engine, batch->pixels, batch->label, (uint32_t)batch->count, NULL, &cpu->outcome);
    cpu->training = 0;
    cpu->untold = 1;
    return 0;
}

static int cpu_outcome(struct engine *engine, int wait, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    int told = cpu->untold;
    (void)wait;
    if (told)
        *outcome = cpu->outcome;
    cpu->untold = 0;
    return told;
}

const struct engine_class cpu_class = {
    .device = "cpu",
    .open = cpu_open,
    .close = cpu_close,
    .name = cpu_name,
    .detail = cpu_detail,
    .write = cpu_write,
    .read = cpu_read,
    .begin = cpu_begin,
    .outcome = cpu_outcome,
    .predict = cpu_predict,
    .gradient = cpu_gradient,
};
