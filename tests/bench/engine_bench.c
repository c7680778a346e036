/* How fast the CPU engine trains the four networks, or those that are named: engine_bench [threads
 * [isa [NETWORK...]]], NETWORK a depth or a text of stages (nn/net.h).
 *
 * Data in memory, batch 128, images 32×32×3, ten classes; a step is forward, backward and update.
 * GFLOP/s counts the arithmetic of direct convolution, two for a multiply-add. The peak is measured
 * in the same run, before each depth, with as many threads: independent fused multiply-adds,
 * nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "message.h"
#include "nn/cpu/cpu.h"
#include "nn/device.h"

enum { BATCH = 128, SIDE = 32, CHANNELS = 3, CLASSES = 10 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* GFLOP/s of one thread: 16 chains of fused multiply-adds, enough to hide their latency. */
static double peak_of_thread(void)
{
    enum { CHAINS = 16, TURNS = 4 << 20 };
    lanes sum[CHAINS], factor = lanes_all(0.5f), more = lanes_all(1);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = lanes_all((float)i);
    double start = now();
    for (int turn = 0; turn < TURNS; turn++) {
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++)
            sum[i] = lanes_fma(sum[i], factor, more);
    }
    double seconds = now() - start;
    volatile float keep;
    for (int i = 0; i < CHAINS; i++) {
        _Alignas(64) float end[LANES];
        lanes_store(end, sum[i]);
        keep = end[0];
    }
    (void)keep; /* clang does not count an assignment as a use */
    return 2.0 * LANES * CHAINS * TURNS / seconds * 1e-9;
}

static void add_peak(void *context, int item, int thread)
{
    (void)thread;
    ((double *)context)[item] = peak_of_thread();
}

/* Of as many threads as the engine has. */
static double peak(int threads)
{
    struct team *team = team_make(threads);
    if (team == NULL)
        die_why();
    double *each = ealloc((size_t)threads, sizeof *each), sum = 0;
    team_run(team, threads, add_peak, each);
    for (int i = 0; i < threads; i++)
        sum += each[i];
    team_end(team);
    free(each);
    return sum;
}

/* Each kernel with a clock around it, in place of the engine's own table; time of all threads
 * together. */
enum { PIXELS, GRADIENT, RESULTS, TRANSPOSE, MULTIPLY, GATHER, CORRELATE, SUMS, CLOCKS };
static const char *const clock_name[CLOCKS] = {"pixels",   "gradient", "results",   "transpose",
                                               "multiply", "output",   "correlate", "sums"};
static const struct kernels *inner;
static _Atomic int64_t spent[CLOCKS]; /* ns */

static void add(int clock, double start)
{
    spent[clock] += (int64_t)((now() - start) * 1e9);
}

static void timed_image(const float *plane, int height, int width, int first,
                        const struct input_tiles *to)
{
    double start = now();
    inner->input_transform_image(plane, height, width, first, to);
    add(PIXELS, start);
}

static void timed_activation(const struct output *o, int first, const struct input_tiles *to)
{
    double start = now();
    inner->input_transform_activation(o, first, to);
    add(PIXELS, start);
}

static void timed_gradient(const struct output *o, const float *gradient, int first, uint32_t live,
                           const struct input_tiles *to)
{
    double start = now();
    inner->input_transform_gradient(o, gradient, first, live, to);
    add(GRADIENT, start);
}

static void timed_results(const struct output *o, const float *gradient, int first, uint32_t live,
                          const struct input_tiles *to)
{
    double start = now();
    inner->input_transform_results(o, gradient, first, live, to);
    add(RESULTS, start);
}

static void timed_multiply(const struct product *product)
{
    double start = now();
    inner->multiply(product);
    add(MULTIPLY, start);
}

static void timed_output_transform(const struct output_tiles *g, float bias, float *sums, int first)
{
    double start = now();
    inner->output_transform(g, bias, sums, first);
    add(GATHER, start);
}

static void timed_output_transform_gradient(const struct output_tiles *g, const float *y,
                                            const struct normal *normal, float *sums, int first)
{
    double start = now();
    inner->output_transform_gradient(g, y, normal, sums, first);
    add(GATHER, start);
}

static void timed_correlate(const struct correlation *c, float *folded, float *to)
{
    double start = now();
    inner->correlate(c, folded, to);
    add(CORRELATE, start);
}

static void timed_transpose(const float *from, int rows, int columns, float *to)
{
    double start = now();
    inner->transpose(from, rows, columns, to);
    add(TRANSPOSE, start);
}

static void timed_sums_transform(const float *sums, size_t place, int count, float *to)
{
    double start = now();
    inner->sums_transform(sums, place, count, to);
    add(GATHER, start);
}

static void timed_gradient_sums(const struct output *o, float *gradient, int first, int rows,
                                float *sums)
{
    double start = now();
    inner->gradient_sums(o, gradient, first, rows, sums);
    add(SUMS, start);
}

/* What share of all threads' time each kernel takes; the rest is loading images, the head, the
 * update and waiting. */
static void print_split(struct engine *engine, const uint8_t *images, const uint32_t *label)
{
    enum { STEPS = 20, SECONDS = 4 };
    struct cpu *cpu = (struct cpu *)engine;
    struct outcome outcome;
    inner = cpu->kernels;
    struct kernels timed = *inner;
    timed.input_transform_image = timed_image;
    timed.input_transform_activation = timed_activation;
    timed.input_transform_gradient = timed_gradient;
    timed.input_transform_results = timed_results;
    timed.multiply = timed_multiply;
    timed.output_transform = timed_output_transform;
    timed.output_transform_gradient = timed_output_transform_gradient;
    timed.correlate = timed_correlate;
    timed.gradient_sums = timed_gradient_sums;
    timed.transpose = timed_transpose;
    timed.sums_transform = timed_sums_transform;
    cpu->kernels = &timed;
    for (int i = 0; i < CLOCKS; i++)
        spent[i] = 0;
    double start = now();
    for (int i = 0; i < STEPS && now() - start < SECONDS; i++)
        if (engine_step(engine, images, label, BATCH, &(struct step){0.05, 1}, &outcome) != 0)
            die_why();
    double all = (now() - start) * cpu->threads, rest = all;
    printf("      ");
    for (int i = 0; i < CLOCKS; i++) {
        double seconds = 1e-9 * (double)spent[i];
        printf(" %s %.0f %%,", clock_name[i], 100 * seconds / all);
        rest -= seconds;
    }
    printf(" rest %.0f %%\n", 100 * rest / all);
    cpu->kernels = inner;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds for a step: the median of many, or of those of some seconds, after a warm-up. */
static double step_seconds(struct engine *engine, const uint8_t *images, const uint32_t *label)
{
    enum { WARM_UP = 5, STEPS = 61, SECONDS = 8 };
    static double seconds[STEPS];
    struct outcome outcome;
    double began = now();
    int steps = 0;
    for (int i = -WARM_UP; i < STEPS && (i < 3 || now() - began < SECONDS); i++) {
        double start = now();
        if (engine_step(engine, images, label, BATCH, &(struct step){0.05, 1}, &outcome) != 0)
            die_why();
        if (i >= 0)
            seconds[steps++] = now() - start;
    }
    qsort(seconds, (size_t)steps, sizeof *seconds, ascending);
    return seconds[steps / 2];
}

static void bench(const char *network, int threads, const char *isa)
{
    int is_depth = network[strspn(network, "0123456789")] == '\0';
    static uint8_t images[BATCH * SIDE * SIDE * CHANNELS];
    static uint32_t label[BATCH];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (uint32_t i = 0; i < BATCH; i++)
        label[i] = i % CLASSES;

    static struct net net;
    struct net_shape shape = {1, 16, SIDE, SIDE, CHANNELS, CLASSES, ""};
    if (is_depth)
        shape.depth = (uint32_t)atoi(network);
    else
        snprintf(shape.stages, sizeof shape.stages, "%s", network);
    struct engine_options options = {.batch = BATCH,
                                     .threads = (uint32_t)threads,
                                     .isa = isa,
                                     .momentum = 0.9,
                                     .weight_decay = 1e-10,
                                     .train = 1};
    for (int c = 0; c < CHANNELS; c++) {
        options.mean[c] = 127.5;
        options.deviation[c] = 64;
    }
    struct engine *engine;
    if (net_make(&net, &shape) != 0 || engine_open(&engine, "cpu", &net, &options) != 0)
        die_why();
    float *parameters = ealloc(net.parameters, sizeof *parameters);
    net_initialise(&net, INITIAL_GLOROT, 1, parameters);
    for (size_t i = 0; net.layer[0].fixed && i < net.tensor[0].size; i++)
        parameters[i] = i % 7 ? 0.1f : -0.2f;
    engine_write(engine, &(struct learnt){parameters, NULL, NULL});

    double most = peak(threads), seconds = step_seconds(engine, images, label);
    const struct layer *first = &net.layer[0];
    /* Of the first stage there is no data gradient, and of fixed weights none at all. */
    double first_gradient = (first->fixed ? 2.0 : 1.0) * first->kernel * first->kernel *
                            first->in_channels * first->out_channels * SIDE * SIDE;
    double flops = 2 * BATCH * (3.0 * (double)net_multiply_adds(&net) - first_gradient) / seconds;
    printf("%-30s %8.0f %10.2f %10.1f %10.1f %7.0f %%   %s\n", network, BATCH / seconds,
           seconds * 1e3, flops * 1e-9, most, flops * 1e-7 / most, engine_detail(engine));
    print_split(engine, images, label);
    fflush(stdout);
    free(parameters);
    engine_close(engine);
}

int main(int argc, char **argv)
{
    program = "engine_bench";
    int threads = argc > 1 ? atoi(argv[1]) : team_default_threads();
    const char *isa = argc > 2 ? argv[2] : "auto";
    printf("depth or stages                images/s    ms/step    GFLOP/s       peak     share\n");
    static const char *const mission[] = {"1", "2", "3", "4"};
    for (int i = 0; argc <= 3 && i < 4; i++)
        bench(mission[i], threads, isa);
    for (int i = 3; i < argc; i++)
        bench(argv[i], threads, isa);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %ld MB\n", usage.ru_maxrss >> 10);
    return DONE;
}
