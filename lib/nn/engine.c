/* Which engine runs a network; the calls go through its class. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "cpu/cpu.h"
#include "hardware.h"
#include "message.h"
#include "plugin.h"
#include "selftest.h"

int engine_open_class(struct engine **engine, const struct engine_class *class,
                      const struct net *net, const struct engine_options *options)
{
    *engine = NULL;
    if (class->open(engine, net, options) < 0)
        return -1;
    (*engine)->batch = options->batch;
    (*engine)->classes = net->shape.classes;
    (*engine)->train = options->train;
    return 0;
}

/* answered: a GPU did, whatever came of it. */
static int open_cuda(struct engine **engine, const struct net *net,
                     const struct engine_options *options, int *answered)
{
    const struct engine_class *cuda = plugin_load("cuda");
    *answered = cuda && engine_open_class(engine, cuda, net, options) == 0;
    if (!*answered)
        return -1;
    if (selftest_once(cuda, options, engine_detail(*engine)) == 0)
        return 0;
    char reason[600];
    snprintf(reason, sizeof reason, "%s", why());
    cuda->close(*engine);
    *engine = NULL;
    return fail(
        "this GPU did not pass its test against the CPU (pstrain --selftest tells more): %s",
        reason);
}

int engine_selftest(const struct engine_options *options, void (*table)(const char *line))
{
    const struct engine_class *cuda = plugin_load("cuda");
    return cuda ? selftest(cuda, options, table) : -1;
}

/* The GPU, or else the CPU; why is told once to who opens many engines, and where there is no GPU
 * only to who asks for explanations. */
static int open_any(struct engine **engine, const struct net *net,
                    const struct engine_options *options)
{
    static int told;
    int answered;
    if (open_cuda(engine, net, options, &answered) == 0)
        return 0;
    if (!told)
        (answered || hardware_has_gpu("") ? note : explain)("computing on the CPU: %s", why());
    told = 1;
    return engine_open_class(engine, &cpu_class, net, options);
}

int engine_open(struct engine **engine, const char *device, const struct net *net,
                const struct engine_options *options)
{
    int answered;
    *engine = NULL;
    if (strcmp(device, "auto") == 0)
        return open_any(engine, net, options);
    if (strcmp(device, "cuda") == 0)
        return open_cuda(engine, net, options, &answered);
    if (strcmp(device, "cpu") == 0)
        return engine_open_class(engine, &cpu_class, net, options);
    return fail("there is no device '%s': it is auto, cpu or cuda", device);
}

void engine_close(struct engine *engine)
{
    if (engine)
        engine->class->close(engine);
}

const char *engine_name(const struct engine *engine)
{
    return engine->class->name(engine);
}

const char *engine_detail(const struct engine *engine)
{
    return engine->class->detail(engine);
}

int engine_write(struct engine *engine, const float *parameters, const float *momentum)
{
    return engine->class->write(engine, parameters, momentum);
}

int engine_read(struct engine *engine, float *parameters, float *momentum)
{
    if (momentum && !engine->train)
        return fail("an engine opened for prediction has no momentum");
    return engine->class->read(engine, parameters, momentum);
}

int engine_keep(struct engine *engine, const struct kept_images *images)
{
    if (engine->class->keep)
        return engine->class->keep(engine, images);
    fail("the %s engine takes pixels", engine->class->device);
    return 0;
}

/* A batch of views is for an engine that keeps images; another one is not even asked. */
static int check_views(const struct engine *engine, const struct batch *batch)
{
    if (batch->pixels || engine->class->keep)
        return 0;
    return fail("the %s engine takes pixels", engine->class->device);
}

static int check_batch(const struct engine *engine, const uint32_t *label, size_t count)
{
    if (count < 1 || count > engine->batch)
        return fail("a call with %zu images to an engine for 1 … %u", count, engine->batch);
    for (size_t i = 0; label && i < count; i++)
        if (label[i] >= engine->classes)
            return fail("label %u in a network of %u classes", label[i], engine->classes);
    return 0;
}

int engine_begin_step(struct engine *engine, const struct batch *batch, double rate)
{
    if (!engine->train)
        return fail("an engine opened for prediction cannot train");
    if (check_views(engine, batch) < 0 || check_batch(engine, batch->label, batch->count) < 0)
        return -1;
    return engine->class->begin(engine, batch, 1, rate);
}

int engine_begin_test(struct engine *engine, const struct batch *batch)
{
    if (check_views(engine, batch) < 0 || check_batch(engine, batch->label, batch->count) < 0)
        return -1;
    return engine->class->begin(engine, batch, 0, 0);
}

int engine_outcome(struct engine *engine, int wait, struct outcome *outcome)
{
    return engine->class->outcome(engine, wait, outcome);
}

int engine_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                double rate, struct outcome *outcome)
{
    struct batch batch = {.pixels = images, .label = label, .count = count};
    if (engine_begin_step(engine, &batch, rate) < 0)
        return -1;
    return engine_outcome(engine, 1, outcome) < 0 ? -1 : 0;
}

int engine_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                   uint32_t count, float *probability, struct outcome *outcome)
{
    if (check_batch(engine, label, count) < 0)
        return -1;
    return engine->class->predict(engine, images, label, count, probability, outcome);
}

int engine_gradient(struct engine *engine, float *gradient)
{
    if (!engine->train)
        return fail("an engine opened for prediction has no gradient");
    return engine->class->gradient(engine, gradient);
}
