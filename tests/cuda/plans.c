/* What cuDNN plans for the convolutions of networks, on a device that is only described: a line
 * each.
 *
 *     plans DEVICE.json [MOST]
 *
 * tests/cuda/plans.golden has the lines for all of tests/cuda/devices. A change in them means
 * another engine on somebody's device, and so other bits or another speed: to be looked at, then
 * accepted by make plans. MOST: bytes of workspace that a plan may want. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "nn/cuda/plan.h"
#include "nn/net.h"

enum { BATCH = 128, MOST_SHAPES = 256 };

static int64_t filled(uint32_t channels, int64_t unit)
{
    return ((int64_t)channels + unit - 1) / unit * unit;
}

/* Adds a network's convolutions that are not in the list yet, channels in multiples of unit. */
static int add_shapes(const struct net_shape *shape, int64_t unit, struct convolution *list,
                      int count)
{
    static struct net net;
    if (net_make(&net, shape) < 0)
        die_why();
    for (uint32_t i = 0; i < net.layers; i++) {
        const struct layer *l = &net.layer[i];
        if (l->kind != LAYER_CONVOLUTION)
            continue;
        struct convolution c = {.direction = FORWARD,
                                .images = BATCH,
                                .in_channels = filled(l->in_channels, unit),
                                .channels = filled(l->out_channels, unit),
                                .height = l->out_height,
                                .width = l->out_width,
                                .kernel = l->kernel};
        int known = 0;
        for (int k = 0; k < count; k++)
            known |= memcmp(&list[k], &c, sizeof c) == 0;
        if (!known && count < MOST_SHAPES)
            list[count++] = c;
    }
    return count;
}

static void print_plan(const struct planner *planner, struct convolution c)
{
    static const char *const name[] = {"forward", "data", "weights"};
    struct plan plan;
    for (int d = FORWARD; d <= WEIGHT_GRADIENT; d++) {
        c.direction = (enum direction)d;
        printf("%s %lld-%lld%s@%lld %s: ", precision_names[planner->precision],
               (long long)c.in_channels, (long long)c.channels, c.kernel == 1 ? "k1" : "",
               (long long)c.height, name[d]);
        if (plan_make(planner, &c, &plan) < 0) {
            printf("%s\n", why());
            continue;
        }
        printf("engine %lld%s, %lld bytes\n", (long long)plan.engine,
               plan.tensor_cores ? " on tensor cores" : "", (long long)plan.workspace);
        plan_free(&plan);
    }
}

static void read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(FAILED, "cannot read %s", path);
    size_t got = fread(text, 1, size - 1, file);
    fclose(file);
    while (got > 0 && text[got - 1] == '\n')
        got--;
    text[got] = 0;
}

static void print_plans(const char *device, enum precision precision, const char *most)
{
    static const struct net_shape networks[] = {
        {1, 16, 32, 32, 3, 10, ""},
        {2, 16, 32, 32, 3, 10, ""},
        {3, 16, 32, 32, 3, 10, ""},
        {4, 16, 32, 32, 3, 10, ""},
        {6, 16, 32, 32, 3, 10, ""},
        {8, 16, 32, 32, 3, 10, ""},
        {16, 16, 32, 32, 3, 10, ""},
        {32, 16, 32, 32, 3, 10, ""},
        /* wide, with kernels of 1×1, and sides that are odd in the end */
        {0, 0, 28, 28, 3, 10, "24w-64p-64-256k1-256p-256-256+2-512k1-512"},
    };
    static struct convolution list[MOST_SHAPES];
    struct planner planner;
    struct plan first;
    int count = 0;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        count = add_shapes(&networks[i], precision_unit(precision), list, count);
    if (planner_open(&planner, NULL, device, precision) < 0)
        die_why();
    if (most)
        planner.most_workspace = atoll(most);
    /* Some devices have none in bf16; a device that has some must have all. */
    if (precision == PRECISION_BF16 && plan_make(&planner, &list[0], &first) < 0) {
        printf("bf16: no plans\n");
        count = 0;
    } else if (precision == PRECISION_BF16) {
        plan_free(&first);
    }
    for (int i = 0; i < count; i++)
        print_plan(&planner, list[i]);
    planner_close(&planner);
}

int main(int argc, char **argv)
{
    static char text[8192];
    program = "plans";
    if (argc < 2 || argc > 3)
        die(USAGE, "plans DEVICE.json [MOST]");
    read_file(argv[1], text, sizeof text);
    printf("cuDNN %zu\n", cudnnGetVersion());
    for (int precision = PRECISION_TF32; precision < PRECISIONS; precision++)
        print_plans(text, (enum precision)precision, argv[2]);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
