/* How fast the GPU engine trains the four networks: gpu_bench [STEPS [BATCH [IMAGES [DEPTHS]]]]
 *
 * Images 32×32×3, ten classes; 50000 images, batch 128, 400 steps in each of five rounds, of which
 * the median counts, unless the command line says otherwise. Once from views of images that the GPU
 * keeps, once from pixels; each batch is begun without waiting for those before, as pstrain does.
 * Where there is no GPU it says so, and that is no failure; one that does not pass its self-test is
 * measured all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "nn/device.h"

enum {
    SIDE = 32,
    CHANNELS = 3,
    CLASSES = 10,
    IMAGE = SIDE * SIDE * CHANNELS,
    ROUNDS = 5,
    WARM_UP = 20
};

static const char *const precisions[] = {"tf32", "fp32", "bf16"};

/* What there is to learn: random images, and batches that are random views of them. */
struct work {
    int steps;
    uint32_t batch, count;
    uint8_t *pixels;
    struct kept_image *image;
    struct kept_view *view; /* [count]: of a batch as many as it has, from anywhere */
    uint32_t *label;
};

static uint32_t draw(uint32_t below)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)state * below >> 32);
}

static struct work make_work(int steps, uint32_t batch, uint32_t count)
{
    struct work w = {steps, batch, count, NULL, NULL, NULL, NULL};
    w.pixels = ealloc(count, IMAGE);
    w.image = ealloc(count, sizeof *w.image);
    w.view = ealloc(count, sizeof *w.view);
    w.label = ealloc(count, sizeof *w.label);
    for (size_t i = 0; i < (size_t)count * IMAGE; i++)
        w.pixels[i] = (uint8_t)draw(256);
    for (uint32_t i = 0; i < count; i++) {
        w.image[i] = (struct kept_image){(uint64_t)i * IMAGE, SIDE, SIDE};
        w.view[i] = (struct kept_view){draw(count), (int)draw(9) - 4, (int)draw(9) - 4, draw(2)};
        w.label[i] = draw(CLASSES);
    }
    return w;
}

static void work_free(struct work *w)
{
    free(w->pixels);
    free(w->image);
    free(w->view);
    free(w->label);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int hear(struct engine *engine, int wait)
{
    struct outcome outcome;
    int got;
    while ((got = engine_outcome(engine, wait, &outcome)) > 0)
        ;
    return got;
}

/* Seconds for a step, when so many are begun one behind the other. */
static double pace(struct engine *engine, const struct work *w, int steps, int views)
{
    double start = now();
    for (int i = 0; i < steps; i++) {
        uint32_t first = w->count > w->batch ? draw(w->count - w->batch) : 0;
        struct batch batch = {.label = w->label + first, .count = w->batch};
        if (views)
            batch.view = w->view + first;
        else
            batch.pixels = w->pixels + (size_t)first * IMAGE;
        if (engine_begin_step(engine, &batch, &(struct step){1e-3, 1}) < 0 || hear(engine, 0) < 0)
            die_why();
    }
    if (hear(engine, 1) < 0)
        die_why();
    return (now() - start) / steps;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_pace(struct engine *engine, const struct work *w, int views)
{
    double seconds[ROUNDS];
    pace(engine, w, w->steps < WARM_UP ? w->steps : WARM_UP, views);
    for (int i = 0; i < ROUNDS; i++)
        seconds[i] = pace(engine, w, w->steps, views);
    qsort(seconds, ROUNDS, sizeof *seconds, ascending);
    return seconds[ROUNDS / 2];
}

/* One network in one precision; -1 with a sentence where there is no such engine. */
static int bench(uint32_t depth, const char *precision, const struct work *w, int first)
{
    static struct net net;
    struct net_shape shape = {depth, 16, SIDE, SIDE, CHANNELS, CLASSES, ""};
    struct engine_options options = {.batch = w->batch,
                                     .precision = precision,
                                     .momentum = 0.9,
                                     .weight_decay = 1e-10,
                                     .train = 1,
                                     .despite_selftest = 1};
    struct engine *engine;
    for (int c = 0; c < CHANNELS; c++) {
        options.mean[c] = 127.5;
        options.deviation[c] = 64;
    }
    if (net_make(&net, &shape) < 0)
        die_why();
    if (engine_open(&engine, "cuda", &net, &options) < 0)
        return -1;
    float *parameters = ealloc(net.parameters, sizeof *parameters);
    net_initialise(&net, INITIAL_GLOROT, 1, parameters);
    if (engine_write(engine, &(struct learnt){parameters, NULL, NULL}) < 0)
        die_why();
    struct kept_images images = {w->pixels, (size_t)w->count * IMAGE, w->image, w->count};
    double pixels = median_pace(engine, w, 0);
    int kept = engine_keep(engine, &images);
    if (kept < 0)
        die_why();
    if (first)
        printf("depth precision      from     images/s    µs/step\n");
    printf("%5u %9s %9s %12.0f %10.1f   %s\n", depth, precision, "pixels", w->batch / pixels,
           1e6 * pixels, engine_detail(engine));
    if (kept) {
        double views = median_pace(engine, w, 1);
        printf("%5u %9s %9s %12.0f %10.1f\n", depth, precision, "views", w->batch / views,
               1e6 * views);
    } else {
        printf("%5u %9s %9s no views: %s\n", depth, precision, "", why());
    }
    fflush(stdout);
    free(parameters);
    engine_close(engine);
    return 0;
}

/* What fails is told and passed over; where nothing goes at all once. */
static void bench_all(const struct work *w, uint32_t depths)
{
    int measured = 0;
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++)
        for (uint32_t depth = 1; depth <= depths; depth++) {
            if (bench(depth, precisions[p], w, measured == 0) == 0) {
                measured++;
            } else if (measured == 0) {
                printf("The GPU engine was not measured: %s\n", why());
                return;
            } else {
                printf("%5u %9s not measured: %s\n", depth, precisions[p], why());
            }
        }
}

/* A number of the command line, or what stands for it. */
static int number(int argc, char **argv, int place, int otherwise)
{
    int given = place < argc ? atoi(argv[place]) : otherwise;
    if (given < 1)
        die(USAGE, "'%s' is no number of steps or images", argv[place]);
    return given;
}

int main(int argc, char **argv)
{
    program = "gpu_bench";
    struct work w = make_work(number(argc, argv, 1, 400), (uint32_t)number(argc, argv, 2, 128),
                              (uint32_t)number(argc, argv, 3, 50000));
    if (w.batch > w.count)
        die(USAGE, "a batch of %u of %u images", w.batch, w.count);
    bench_all(&w, (uint32_t)number(argc, argv, 4, 4));
    work_free(&w);
    return fflush(stdout) == 0 ? DONE : FAILED;
}
