/* The two calls that compute. */
#include "cpu.h"
#include "message.h"

static int begin(struct cpu *cpu, const uint8_t *images, const uint32_t *label, uint32_t count)
{
    if (count < 1 || count > cpu->options.batch)
        return fail("a call with %u images to an engine for 1 … %u", count, cpu->options.batch);
    for (uint32_t i = 0; label && i < count; i++)
        if (label[i] >= cpu->net.shape.classes)
            return fail("label %u in a network of %u classes", label[i], cpu->net.shape.classes);
    cpu->images = images;
    cpu->label = label;
    cpu->count = count;
    cpu->live_groups = ((int)count + LANES - 1) / LANES;
    return 0;
}

static void add_up(const struct cpu *cpu, struct outcome *outcome)
{
    *outcome = (struct outcome){0, 0};
    for (uint32_t i = 0; i < cpu->count; i++) {
        outcome->loss += cpu->loss[i];
        outcome->correct += cpu->correct[i];
    }
}

int cpu_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
             double rate, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    if (!cpu->options.train)
        return fail("an engine opened for prediction cannot train");
    if (begin(cpu, images, label, count) != 0)
        return -1;
    cpu->training = 1;
    cpu->rate = rate;
    cpu->probability = NULL;
    cpu_spread_weights(cpu);
    cpu_forward(cpu);
    cpu_head(cpu);
    cpu_backward(cpu);
    cpu_update(cpu);
    add_up(cpu, outcome);
    return 0;
}

int cpu_predict(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                float *probability, struct outcome *outcome)
{
    struct cpu *cpu = (struct cpu *)engine;
    if (begin(cpu, images, label, count) != 0)
        return -1;
    cpu->training = 0;
    cpu->probability = probability;
    cpu_spread_weights(cpu);
    cpu_forward(cpu);
    cpu_head(cpu);
    if (label)
        add_up(cpu, outcome);
    return 0;
}
