/* Which engine runs a network; the calls go through its class. */
#include "engine.h"

#include <string.h>

#include "cpu/cpu.h"
#include "message.h"

static const char *const NO_CUDA = "this build has no CUDA engine";

int engine_open(struct engine **engine, const char *device, const struct net *net,
                const struct engine_options *options)
{
    *engine = NULL;
    if (strcmp(device, "cuda") == 0)
        return fail("%s", NO_CUDA);
    if (strcmp(device, "cpu") != 0 && strcmp(device, "auto") != 0)
        return fail("there is no device '%s': it is auto, cpu or cuda", device);
    if (strcmp(device, "auto") == 0)
        explain("computing on the CPU: %s", NO_CUDA);
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

int engine_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                double rate, struct outcome *outcome)
{
    return engine->class->step(engine, images, label, count, rate, outcome);
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
