/* The calls that compute. */
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
    *outcome = (struct outcome){.count = cpu->count};
    for (uint32_t i = 0; i < cpu->count; i++) {
        outcome->loss += cpu->loss[i];
        outcome->correct += cpu->correct[i];
    }
}

static int step(struct cpu *cpu, const struct batch *batch, double rate)
{
    if (!cpu->options.train)
        return fail("an engine opened for prediction cannot train");
    if (begin(cpu, batch->pixels, batch->label, (uint32_t)batch->count) != 0)
        return -1;
    cpu->training = 1;
    cpu->rate = rate;
    cpu->probability = NULL;
    cpu_spread_weights(cpu);
    cpu_forward(cpu);
    cpu_head(cpu);
    cpu_backward(cpu);
    cpu_update(cpu);
    add_up(cpu, &cpu->outcome);
    return 0;
}

/* Here a batch that is begun is done: there are no other hands. */
int cpu_begin(struct engine *engine, const struct batch *batch, int training, double rate)
{
    struct cpu *cpu = (struct cpu *)engine;
    int result = training ? step(cpu, batch, rate)
                          : cpu_predict(engine, batch->pixels, batch->label, (uint32_t)batch->count,
                                        NULL, &cpu->outcome);
    cpu->untold = result == 0;
    return result;
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
