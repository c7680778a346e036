/* The GPU engine beside the CPU engine: the same start, the same batches, the same results within a
 * tolerance.
 *
 *     parity [-b] [STEPS [CASE...]]      of bed.h; all, if none is named; prints the largest
 * difference of each; -b: in bf16, otherwise in fp32
 *
 * With the doubles of the CUDA libraries in LD_LIBRARY_PATH this is the shipped engine but for the
 * execution of its kernels; on a machine with a GPU it is the engine itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "message.h"
#include "nn/device.h"
#include "nn/tolerance.h"

static const char *precision = "fp32";
static int narrow(void)
{
    return strcmp(precision, "bf16") == 0;
}

/* In many steps what differs grows with the rate, so these are small ones. */
static double rate_of(int steps)
{
    return steps == 1 ? 0.05 : 0.002;
}

struct result {
    float *parameters, *momentum, *gradient;
    float probability[MOST * MOST_CLASSES];
    struct outcome step, predicted;
};

/* With a logit that is no number or +infinity no class is the most probable, so no image is right;
 * r->parameters are as they were. */
static void blind(struct engine *engine, const struct bed *b, uint32_t count, struct result *r)
{
    float *bias = &r->parameters[b->net.tensor[b->net.tensors - 1].offset + b->label[0]];
    const float kept = *bias, values[] = {NAN, INFINITY};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        float probability[MOST * MOST_CLASSES];
        struct outcome outcome;
        *bias = values[v];
        if (engine_write(engine, &(struct learnt){r->parameters, r->momentum, NULL}) < 0 ||
            engine_predict(engine, b->images, b->label, count, probability, &outcome) < 0)
            die_why();
        size_t numbers = 0;
        for (size_t i = 0; i < (size_t)count * b->net.shape.classes; i++)
            numbers += !isnan(probability[i]);
        if (outcome.correct + numbers > 0)
            die(FAILED, "%s: with a bias of %g %u images are right and %zu probabilities numbers",
                engine_name(engine), values[v], outcome.correct, numbers);
    }
    *bias = kept;
}

static void run(struct bed *b, const char *device, int direct, int partial, int steps,
                struct result *r)
{
    struct engine *engine;
    struct engine_options options = b->options;
    uint32_t count = b->reference.count, fewer = count > 3 ? count - 3 : count;
    size_t n = b->net.parameters;
    options.precision = precision;
    options.direct = direct;
    *r = (struct result){ealloc(n, sizeof(float)),
                         ealloc(n, sizeof(float)),
                         ealloc(n, sizeof(float)),
                         {0},
                         {0, 0, 0},
                         {0, 0, 0}};
    if (engine_open(&engine, device, &b->net, &options) < 0 ||
        engine_write(engine, &(struct learnt){b->start, NULL, NULL}) < 0)
        die_why();
    /* The last batch but one is not full; of one step, every second case's. */
    if (steps == 1)
        count = partial ? fewer : count;
    for (int i = 0; i < steps; i++)
        if (engine_step(engine, b->images, b->label, i + 2 == steps ? fewer : count,
                        &(struct step){rate_of(steps), (uint64_t)i + 1}, &r->step) < 0)
            die_why();
    if (engine_gradient(engine, r->gradient) < 0 ||
        engine_read(engine, &(struct learnt){r->parameters, r->momentum, NULL}) < 0 ||
        engine_predict(engine, b->images, b->label, fewer, r->probability, &r->predicted) < 0)
        die_why();
    /* What it computes is decided by what it gives: its own parameters change nothing. */
    float again[MOST * MOST_CLASSES] = {0};
    if (engine_write(engine, &(struct learnt){r->parameters, r->momentum, NULL}) < 0 ||
        engine_predict(engine, b->images, b->label, fewer, again, &r->predicted) < 0)
        die_why();
    if (memcmp(again, r->probability, sizeof again) != 0)
        die(FAILED, "the %s engine has kept something beside its parameters", device);
    blind(engine, b, fewer, r);
    engine_close(engine);
}

static void result_free(struct result *r)
{
    free(r->parameters);
    free(r->momentum);
    free(r->gradient);
}

/* The largest difference, in parts of the largest element; of elements that should be 0, as it is.
 */
static double difference(const float *a, const float *b, size_t count)
{
    double most = 0, large = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - b[i]);
        most = d > most || isnan(d) ? d : most;
        large = fabs((double)a[i]) > large ? fabs((double)a[i]) : large;
    }
    return large > 0 ? most / large : most;
}

static int check(const char *what, double difference, double limit, int number)
{
    if (difference <= limit)
        return 0;
    printf("case %d: %s differs by %.3g, allowed is %.3g\n", number, what, difference, limit);
    return 1;
}

/* √(Σ (a - b)² / Σ a²) */
static double distance(const float *a, const float *b, size_t count)
{
    double apart = 0, large = 0;
    for (size_t i = 0; i < count; i++) {
        apart += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        large += (double)a[i] * a[i];
    }
    return sqrt(apart / large);
}

static double worst(const struct net *net, const float *a, const float *b)
{
    double most = 0;
    for (uint32_t t = 0; t < net->tensors; t++) {
        double d =
            difference(a + net->tensor[t].offset, b + net->tensor[t].offset, net->tensor[t].size);
        most = d > most || isnan(d) ? d : most;
    }
    return most;
}

/* Of values in bf16 a single one says little: a sum that nearly cancels may be anything. Taken
 * together they say much. */
static double differ(const struct net *net, const float *a, const float *b)
{
    return narrow() ? distance(a, b, net->parameters) : worst(net, a, b);
}

static const struct tolerance *tolerance_of(int steps)
{
    if (narrow())
        return steps == 1 ? &TOLERANCE_BF16_STEP : &TOLERANCE_BF16_STEPS;
    return steps == 1 ? &TOLERANCE_STEP : &TOLERANCE_STEPS;
}

static int compare(int number, int steps)
{
    struct bed *b = bed_make(&cases[number]);
    struct result cpu, gpu, again;
    size_t bytes = b->net.parameters * sizeof(float), images = b->reference.count;
    run(b, "cpu", 0, number % 2, steps, &cpu);
    run(b, "cuda", 0, number % 2, steps, &gpu);
    run(b, "cuda", 1, number % 2, steps, &again);
    const struct tolerance *limit = tolerance_of(steps);
    double parameters = differ(&b->net, cpu.parameters, gpu.parameters);
    double gradient = differ(&b->net, cpu.gradient, gpu.gradient);
    double probability =
        difference(cpu.probability, gpu.probability, images * b->net.shape.classes);
    double loss = fabs(cpu.step.loss - gpu.step.loss) / cpu.step.loss;
    double momentum = differ(&b->net, cpu.momentum, gpu.momentum);
    int wrong = check("a parameter", parameters, limit->value, number) +
                check("a probability", probability, limit->value, number) +
                check("the loss", loss, limit->value, number) +
                check("a gradient", gradient, limit->gradient, number) +
                check("a momentum", momentum, limit->gradient, number);
    if (!narrow() && cpu.predicted.correct != gpu.predicted.correct)
        wrong += printf("case %d: %u and %u images are right\n", number, cpu.predicted.correct,
                        gpu.predicted.correct) > 0;
    if (memcmp(gpu.parameters, again.parameters, bytes) != 0 ||
        memcmp(gpu.momentum, again.momentum, bytes) != 0)
        wrong +=
            printf("case %d: a graph of the step gives other bits than its calls\n", number) > 0;
    printf("case %d, %d steps: parameters %.1e, gradient %.1e, probability %.1e, loss %.1e\n",
           number, steps, parameters, gradient, probability, loss);
    result_free(&cpu);
    result_free(&gpu);
    result_free(&again);
    bed_end(b);
    return wrong;
}

int main(int argc, char **argv)
{
    program = "parity";
    if (argc > 1 && strcmp(argv[1], "-b") == 0) {
        precision = "bf16";
        argc--;
        argv++;
    }
    int steps = argc > 1 ? atoi(argv[1]) : 1, wrong = 0;
    for (int i = 0; i < PLAIN_CASES && argc < 3; i++)
        wrong += compare(i, steps);
    for (int i = 2; i < argc; i++)
        wrong += compare(atoi(argv[i]) % CASES, steps);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
