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

static void update_filter(struct cpu *cpu, const struct stage *s, int filter)
{
    const struct tensor *t = &cpu->net.tensor[s->tensor];
    size_t count = (size_t)s->in_channels * 9, from = (size_t)filter * count;
    size_t first = t->offset + from;
    add_parts(s->partial + from, cpu->live_groups * s->bands, t->size, cpu->gradient + first,
              count);
    move(cpu, first, count, cpu->options.weight_decay);
    for (int i = 2; i <= 3; i++) /* scale, offset; the bias has no gradient */
        move(cpu, t[i].offset + (size_t)filter, 1, 0);
}

static void update_class(struct cpu *cpu, uint32_t class)
{
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    const struct tensor *t = &cpu->net.tensor[l->tensor];
    size_t stride = t[0].size + t[1].size, from = (size_t) class * l->in_channels;
    add_parts(cpu->connected + from, cpu->live_groups, stride, cpu->gradient + t[0].offset + from,
              l->in_channels);
    add_parts(cpu->connected + t[0].size + class, cpu->live_groups, stride,
              cpu->gradient + t[1].offset + class, 1);
    move(cpu, t[0].offset + from, l->in_channels, cpu->options.weight_decay);
    move(cpu, t[1].offset + class, 1, 0);
}

void cpu_update(struct cpu *cpu)
{
    uint32_t classes = cpu->net.shape.classes;
    for (int stage = 0; stage < cpu->stages; stage++) {
        const struct stage *s = &cpu->stage[stage];
#pragma omp for schedule(static) nowait
        for (int filter = 0; filter < s->channels; filter++)
            update_filter(cpu, s, filter);
    }
#pragma omp for schedule(static)
    for (uint32_t class = 0; class < classes; class ++)
        update_class(cpu, class);
}

void cpu_flip_weights(struct cpu *cpu)
{
    for (int stage = 1; stage < cpu->stages; stage++) {
        const struct stage *s = &cpu->stage[stage];
        const float *weight = cpu->parameters + cpu->net.tensor[s->tensor].offset;
#pragma omp for schedule(static) nowait
        for (int channel = 0; channel < s->in_channels; channel++)
            for (int filter = 0; filter < s->channels; filter++)
                for (int tap = 0; tap < 9; tap++)
                    s->flipped[((size_t)channel * (size_t)s->channels + (size_t)filter) * 9 +
                               (size_t)tap] =
                        weight[((size_t)filter * (size_t)s->in_channels + (size_t)channel) * 9 +
                               (size_t)(8 - tap)];
    }
#pragma omp barrier
}
