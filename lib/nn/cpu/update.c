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

static void update_filter(void *context, int filter, int thread)
{
    struct cpu *cpu = context;
    (void)thread;
    const struct stage *s = &cpu->stage[cpu->turn];
    const struct tensor *t = &cpu->net.tensor[s->tensor];
    size_t count = (size_t)s->in_channels * 9, from = (size_t)filter * count;
    size_t first = t->offset + from;
    add_parts(s->partial + from, cpu->live_groups * s->bands, t->size, cpu->gradient + first,
              count);
    move(cpu, first, count, cpu->options.weight_decay);
    for (int i = 2; i <= 3; i++) /* scale, offset; the bias has no gradient */
        move(cpu, t[i].offset + (size_t)filter, 1, 0);
}

static void update_class(void *context, int class, int thread)
{
    struct cpu *cpu = context;
    (void)thread;
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

void cpu_update(struct cpu *cpu)
{
    for (cpu->turn = 0; cpu->turn < cpu->stages; cpu->turn++)
        team_run(cpu->team, cpu->stage[cpu->turn].channels, update_filter, cpu);
    team_run(cpu->team, (int)cpu->net.shape.classes, update_class, cpu);
}

/* flipped[channel][filter][tap] = weight[filter][channel][8 - tap] */
static void flip_stage(void *context, int stage, int thread)
{
    const struct cpu *cpu = context;
    (void)thread;
    const struct stage *s = &cpu->stage[stage];
    const float *weight = cpu->parameters + cpu->net.tensor[s->tensor].offset;
    size_t channels = (size_t)s->in_channels, filters = (size_t)s->channels;
    for (size_t channel = 0; channel < channels; channel++)
        for (size_t filter = 0; filter < filters; filter++)
            for (size_t tap = 0; tap < 9; tap++)
                s->flipped[(channel * filters + filter) * 9 + tap] =
                    weight[(filter * channels + channel) * 9 + 8 - tap];
}

void cpu_flip_weights(struct cpu *cpu)
{
    team_run(cpu->team, cpu->stages, flip_stage, cpu);
}
