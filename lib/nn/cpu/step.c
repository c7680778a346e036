/* The calls that compute. */
#include "cpu.h"

static void begin(struct cpu *cpu, const uint8_t *images, const uint32_t *label, uint32_t count)
{
    cpu->images = images;
    cpu->label = label;
    cpu->count = count;
    cpu->live_groups = ((int)count + LANES - 1) / LANES;
}

static void add_up(const struct cpu *cpu, struct outcome *outcome)
{
    *outcome = (struct outcome){.count = cpu->count};
    for (uint32_t i = 0; i < cpu->count; i++) {
        outcome->loss += cpu->loss[i];
        outcome->correct += cpu->correct[i];
    }
}

static void step(struct cpu *cpu, const struct batch *batch, double rate)
{
    begin(cpu, batch->pixels, batch->label, (uint32_t)batch->count);
    cpu->training = 1;
    cpu->rate = rate;
    cpu->probability = NULL;
    cpu_spread_weights(cpu);
    cpu_forward(cpu);
    cpu_head(cpu);
    cpu_backward(cpu);
    cpu_update(cpu);
    add_up(cpu, &cpu->outcome);
}

/* Here a batch that is begun is done: there are no other hands. */
int cpu_begin(struct engine *engine, const struct batch *batch, int training, double rate)
{
    struct cpu *cpu = (struct cpu *)engine;
    if (training)
        step(cpu, batch, rate);
    else
        cpu_predict(engine, batch->pixels, batch->label, (uint32_t)batch->count, NULL,
                    &cpu->outcome);
    cpu->untold = 1;
    return 0;
}

int cpu_outcome(struct engine *engine, int wait, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    int told = cpu->untold;
    (void)wait;
    if (told)
        *outcome = cpu->outcome;
    cpu->untold = 0;
    return told;
}

int cpu_predict(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                float *probability, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    begin(cpu, images, label, count);
    cpu->training = 0;
    cpu->probability = probability;
    cpu_spread_weights(cpu);
    cpu_forward(cpu);
    cpu_head(cpu);
    if (label)
        add_up(cpu, outcome);
    return 0;
}
