/* From partial gradients to new parameters. */
#include "cpu.h"

/* gradient[i] = Σ partial[part · stride + i] over the parts in their order */
static void add_parts(const float *partial, int parts, size_t stride, float *gradient, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (int part = 0; part < parts; part++)
            sum += partial[(size_t)part * stride + i];
        gradient[i] = (float)sum;
    }
}

/* v ← momentum·v + g, w ← w - rate·v for count elements from first on, g with weight decay */
static void move(struct cpu *cpu, size_t first, size_t count, double decay)
{
    double momentum = cpu->options.momentum, rate = cpu->rate;
    float *w = cpu->parameters + first, *v = cpu->momentum + first;
    const float *g = cpu->gradient + first;
    for (size_t i = 0; i < count; i++) {
        v[i] = (float)(momentum * v[i] + (g[i] + decay * w[i]));
        w[i] = (float)(w[i] - rate * v[i]);
    }
}

/* The gradient of QUAD filters' weights, summed over the items in their order; filters of them are
 * there. */
static void add_quads(const struct cpu *cpu, const struct stage *s, int quad, int filters,
                      float *gradient)
{
    enum { PIECE = 9 * LANES };
    size_t stride = (size_t)correlation_quads(s->channels) * quads_floats(s);
    for (int first = 0; first < s->in_channels; first += QUAD) {
        const float *from =
            s->partial + (size_t)quad * quads_floats(s) + (size_t)(first / QUAD) * PIECE;
        double sum[PIECE] = {0};
        for (int item = 0; item < cpu->live_groups * s->bands; item++, from += stride)
            for (int i = 0; i < PIECE; i++)
                sum[i] += from[i];
        for (int f = 0; f < filters; f++)
            for (int c = first; c < first + QUAD && c < s->in_channels; c++)
                for (int tap = 0; tap < 9; tap++)
                    gradient[(f * s->in_channels + c) * 9 + tap] =
                        (float)sum[tap * LANES + f * QUAD + c - first];
    }
}

static void update_quad(struct cpu *cpu, const struct stage *s, int quad)
{
    const struct tensor *t = &cpu->net.tensor[s->tensor];
    int filter = quad * QUAD, filters = s->channels - filter < QUAD ? s->channels - filter : QUAD;
    size_t count = (size_t)s->in_channels * 9, first = t->offset + (size_t)filter * count;
    add_quads(cpu, s, quad, filters, cpu->gradient + first);
    move(cpu, first, (size_t)filters * count, cpu->options.weight_decay);
    for (int i = 2; i <= 3; i++) /* scale, offset; the bias has no gradient */
        move(cpu, t[i].offset + (size_t)filter, (size_t)filters, 0);
}

static void update_class(struct cpu *cpu, int class)
{
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    const struct tensor *t = &cpu->net.tensor[l->tensor];
    size_t stride = t[0].size + t[1].size, features = l->in_channels,
           from = (size_t) class * features;
    add_parts(cpu->connected + from, cpu->live_groups, stride, cpu->gradient + t[0].offset + from,
              features);
    add_parts(cpu->connected + t[0].size + (size_t) class, cpu->live_groups, stride,
              cpu->gradient + t[1].offset + (size_t) class, 1);
    move(cpu, t[0].offset + from, features, cpu->options.weight_decay);
    move(cpu, t[1].offset + (size_t) class, 1, 0);
}

/* Items are the quads of filters of all stages, then the classes. */
static void update_item(void *context, int item, int thread)
{
    struct cpu *cpu = context;
    (void)thread;
    for (int stage = 0; stage < cpu->stages; stage++) {
        int quads = correlation_quads(cpu->stage[stage].channels);
        if (item < quads) {
            update_quad(cpu, &cpu->stage[stage], item);
            return;
        }
        item -= quads;
    }
    update_class(cpu, item);
}

void cpu_update(struct cpu *cpu)
{
    int items = (int)cpu->net.shape.classes;
    for (int stage = 0; stage < cpu->stages; stage++)
        items += correlation_quads(cpu->stage[stage].channels);
    team_run(cpu->team, items, update_item, cpu);
}

/* Both forms of a stage's weights; only training needs the flipped one. */
static void spread_stage(void *context, int stage, int thread)
{
    const struct cpu *cpu = context;
    (void)thread;
    stage = cpu->stages - 1 - stage; /* those with most weights first */
    const struct stage *s = &cpu->stage[stage];
    const float *weight = cpu->parameters + cpu->net.tensor[s->tensor].offset;
    size_t next = (size_t)s->in_channels * 9;
    for (int channel = 0; channel < s->in_channels; channel++)
        cpu->kernels->spread_weights(weight + channel * 9, next, 0, s->channels,
                                     s->weights + (size_t)channel * weights_next(s->channels),
                                     weights_place(s->channels, s->in_channels));
    for (int filter = 0; cpu->training && stage > 0 && filter < s->channels; filter++)
        cpu->kernels->spread_weights(weight + (size_t)filter * next, 9, 1, s->in_channels,
                                     s->flipped + (size_t)filter * weights_next(s->in_channels),
                                     weights_place(s->in_channels, s->channels));
}

void cpu_spread_weights(struct cpu *cpu)
{
    team_run(cpu->team, cpu->stages, spread_stage, cpu);
}
