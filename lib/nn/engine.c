/* Which engine runs a network; the calls go through its class. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "cpu/cpu.h"
#include "message.h"
#include "plugin.h"
#include "selftest.h"

static int open_cuda(struct engine **engine, const struct net *net,
                     const struct engine_options *options)
{
    const struct engine_class *cuda = plugin_load("cuda");
    if (cuda == NULL || cuda->open(engine, net, options) < 0)
        return -1;
    if (selftest_once(cuda, options, engine_detail(*engine)) == 0)
        return 0;
    char reason[600];
    snprintf(reason, sizeof reason, "%s", why());
    cuda->close(*engine);
    *engine = NULL;
    note("this GPU did not pass its test against the CPU (pstrain --selftest tells more): %s",
         reason);
    return fail("this GPU did not pass its test against the CPU: %s", reason);
}

int engine_selftest(const struct engine_options *options, void (*table)(const char *line))
{
    const struct engine_class *cuda = plugin_load("cuda");
    return cuda ? selftest(cuda, options, table) : -1;
}

int engine_open(struct engine **engine, const char *device, const struct net *net,
                const struct engine_options *options)
{
    *engine = NULL;
    int automatic = strcmp(device, "auto") == 0;
    if (automatic || strcmp(device, "cuda") == 0) {
        int result = open_cuda(engine, net, options);
        if (result == 0 || !automatic)
            return result;
        explain("computing on the CPU: %s", why());
    } else if (strcmp(device, "cpu") != 0) {
        return fail("there is no device '%s': it is auto, cpu or cuda", device);
    }
    return cpu_class.open(engine, net, options);
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
    return engine->class->read(engine, parameters, momentum);
}

int engine_keep(struct engine *engine, const struct kept_images *images)
{
    if (engine->class->keep)
        return engine->class->keep(engine, images);
    fail("the %s engine takes pixels", engine->class->device);
    return 0;
}

int engine_begin_step(struct engine *engine, const struct batch *batch, double rate)
{
    return engine->class->begin(engine, batch, 1, rate);
}

int engine_begin_test(struct engine *engine, const struct batch *batch)
{
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
    return engine->class->predict(engine, images, label, count, probability, outcome);
}

int engine_gradient(struct engine *engine, float *gradient)
{
    return engine->class->gradient(engine, gradient);
}
