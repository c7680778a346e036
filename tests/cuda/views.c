/* The GPU engine on views of images that it keeps beside the same engine on the pixels that view.h
 * draws of them: the same bits, step by step, however many steps are on their way.
 *
 *     views [-bd] [CHANNELS...]
 *
 * CHANNELS: of 1, 3 and 5; all, if none is named. -b: in bf16, otherwise in TF32; -d: despite a
 * self-test that fails.
 *
 * On the doubles of the CUDA libraries or on a GPU, as parity.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "nn/device.h"
#include "random.h"
#include "view.h"

enum { HEIGHT = 8, WIDTH = 12, CLASSES = 3, BATCH = 40, IMAGES = 5 };
enum { MOST_SIDE = 20, GAP = 30000 }; /* GAP: so far apart that 16 bits hold no place */

/* Images of several sizes, one behind the other with gaps; the first is of the network's size. */
struct set {
    uint32_t channels;
    uint8_t pixels[IMAGES * (MOST_SIDE * MOST_SIDE * NET_MAX_CHANNELS + GAP)];
    struct kept_image image[IMAGES];
    struct kept_images all;
};

static uint32_t draw(uint64_t place, uint32_t what, uint32_t below)
{
    return random_below(philox(9, what, place, PURPOSE_SYNTH).word[0], below);
}

static void make_set(struct set *set, uint32_t channels)
{
    static const uint32_t side[IMAGES][2] = {{HEIGHT, WIDTH}, {1, 1}, {20, 3}, {2, 20}, {11, 13}};
    size_t used = 0;
    set->channels = channels;
    for (size_t i = 0; i < sizeof set->pixels; i++)
        set->pixels[i] = (uint8_t)draw(i, 1, 256);
    for (int i = 0; i < IMAGES; i++) {
        set->image[i] = (struct kept_image){used, side[i][0], side[i][1]};
        used += (size_t)side[i][0] * side[i][1] * channels + GAP;
    }
    set->all = (struct kept_images){set->pixels, used, set->image, IMAGES};
}

/* Every view that matters: at and beyond each edge, far outside, flipped or not; each of all
 * images. */
static const int32_t offset[] = {0,   1,  -1,  4,  -4,      7,       8,          -8,
                                 -12, 12, -19, 20, INT_MAX, INT_MIN, INT_MAX - 7};
enum { OFFSETS = sizeof offset / sizeof *offset, VIEWS = OFFSETS * OFFSETS * 2 };

static struct kept_view view_number(int number)
{
    return (struct kept_view){.image = (uint32_t)(number / 2 + number / 43) % IMAGES,
                              .row = offset[number / 2 % OFFSETS],
                              .column = offset[number / 2 / OFFSETS],
                              .flip = (uint32_t)number % 2};
}

struct work {
    struct kept_view view[BATCH];
    uint8_t pixels[BATCH * HEIGHT * WIDTH * NET_MAX_CHANNELS];
    uint32_t label[BATCH];
    size_t count;
};

static void make_work(struct work *work, const struct set *set, int first)
{
    size_t image_size = (size_t)HEIGHT * WIDTH * set->channels;
    for (work->count = 0; work->count < BATCH && first < VIEWS; work->count++, first++) {
        struct kept_view *v = &work->view[work->count];
        *v = view_number(first);
        const struct kept_image *of = &set->image[v->image];
        struct image image = {.height = of->height,
                              .width = of->width,
                              .channels = set->channels,
                              .pixels = set->pixels + of->place};
        struct view view = {.row = v->row,
                            .column = v->column,
                            .flip = (int)v->flip,
                            .height = HEIGHT,
                            .width = WIDTH};
        view_draw(&view, &image, work->pixels + work->count * image_size);
        work->label[work->count] = draw((uint64_t)first, 2, CLASSES);
    }
}

static const char *precision = "tf32";
static int despite_selftest;

static struct engine *open_engine(const struct net *net, float *start, int direct)
{
    struct engine *engine;
    struct engine_options options = {.batch = BATCH,
                                     .precision = precision,
                                     .direct = direct,
                                     .momentum = 0.9,
                                     .weight_decay = 1e-4,
                                     .train = 1,
                                     .despite_selftest = despite_selftest};
    for (uint32_t c = 0; c < net->shape.channels; c++) {
        options.mean[c] = 100 + c;
        options.deviation[c] = 60 + c;
    }
    if (engine_open(&engine, "cuda", net, &options) < 0 ||
        engine_write(engine, &(struct learnt){start, NULL, NULL}) < 0)
        die_why();
    return engine;
}

static struct outcome wait_for(struct engine *engine, int result)
{
    struct outcome outcome;
    if (result < 0 || engine_outcome(engine, 1, &outcome) != 1)
        die_why();
    return outcome;
}

static int same(const struct outcome *a, const struct outcome *b)
{
    return a->loss == b->loss && a->correct == b->correct && a->count == b->count;
}

static struct batch views_of(const struct work *work)
{
    return (struct batch){.view = work->view, .label = work->label, .count = work->count};
}

static struct batch pixels_of(const struct work *work)
{
    return (struct batch){.pixels = work->pixels, .label = work->label, .count = work->count};
}

/* What was told since, beside what is wanted from place told on. */
static int hear(struct engine *engine, int wait, const struct outcome *wanted, int *told)
{
    struct outcome outcome;
    int got, wrong = 0;
    while ((got = engine_outcome(engine, wait, &outcome)) > 0) {
        const struct outcome *own = &wanted[(*told)++];
        if (!same(&outcome, own) && wrong++ == 0)
            printf("step %d: loss %.9g on views, %.9g on pixels\n", *told, outcome.loss, own->loss);
    }
    if (got < 0)
        die_why();
    return wrong;
}

/* Steps on views, told when the engine likes, beside steps on pixels that are waited for. */
static int train(const struct set *set, struct engine *viewer, struct engine *drawer)
{
    enum { STEPS = (VIEWS + BATCH - 1) / BATCH };
    static struct work work[STEPS];
    static struct outcome wanted[STEPS + 1];
    int told = 0, wrong = 0;
    for (int i = 0; i < STEPS; i++) {
        make_work(&work[i], set, i * BATCH);
        struct batch batch = pixels_of(&work[i]);
        wanted[i] = wait_for(drawer, engine_begin_step(drawer, &batch, &(struct step){0.01, 1}));
    }
    for (int i = 0; i < STEPS; i++) {
        /* Some on pixels all the same, in slots that have had views. */
        struct batch batch = i % 3 == 2 ? pixels_of(&work[i]) : views_of(&work[i]);
        if (engine_begin_step(viewer, &batch, &(struct step){0.01, 1}) < 0)
            die_why();
        wrong += hear(viewer, 0, wanted, &told);
    }
    wrong += hear(viewer, 1, wanted, &told);
    if (told != STEPS)
        wrong += printf("%d steps were told of %d\n", told, STEPS) > 0;

    struct batch views = views_of(&work[0]), drawn = pixels_of(&work[0]);
    wanted[STEPS] = wait_for(drawer, engine_begin_test(drawer, &drawn));
    if (engine_begin_test(viewer, &views) < 0)
        die_why();
    wrong += hear(viewer, 1, wanted, &told);
    struct kept_view none = {.image = IMAGES};
    struct batch outside = {.view = &none, .label = work[0].label, .count = 1};
    if (engine_begin_step(viewer, &outside, &(struct step){0.01, 1}) == 0)
        wrong += printf("a view of an image that is not kept was taken\n") > 0;
    return wrong;
}

static int same_parameters(const struct net *net, struct engine *a, struct engine *b)
{
    float *of_a = ealloc(net->parameters, sizeof *of_a),
          *of_b = ealloc(net->parameters, sizeof *of_b);
    if (engine_read(a, &(struct learnt){of_a, NULL, NULL}) < 0 ||
        engine_read(b, &(struct learnt){of_b, NULL, NULL}) < 0)
        die_why();
    int result = memcmp(of_a, of_b, net->parameters * sizeof *of_a) == 0;
    free(of_a);
    free(of_b);
    return result;
}

static int compare(uint32_t channels, int direct)
{
    static struct net net;
    static struct set set;
    struct net_shape shape = {1, 4, HEIGHT, WIDTH, channels, CLASSES, ""};
    make_set(&set, channels);
    if (net_make(&net, &shape) < 0)
        die_why();
    float *start = ealloc(net.parameters, sizeof *start);
    net_initialise(&net, INITIAL_GLOROT, 1, start);
    struct engine *viewer = open_engine(&net, start, direct), *drawer = open_engine(&net, start, 0);
    if (engine_keep(viewer, &set.all) != 1)
        die(FAILED, "the images were not kept: %s", why());
    int wrong = train(&set, viewer, drawer);
    if (!same_parameters(&net, viewer, drawer))
        wrong += printf("%u channels: other parameters on views than on pixels\n", channels) > 0;
    engine_close(viewer);
    engine_close(drawer);
    free(start);
    return wrong;
}

int main(int argc, char **argv)
{
    int wrong = 0, option;
    program = "views";
    while ((option = getopt(argc, argv, "bd")) != -1) {
        precision = option == 'b' ? "bf16" : precision;
        despite_selftest |= option == 'd';
    }
    argc -= optind - 1;
    argv += optind - 1;
    for (uint32_t channels = 1; channels <= 5; channels += 2) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= channels == (uint32_t)atoi(argv[i]);
        if (wanted)
            wrong += compare(channels, 0) + (channels == 3 ? compare(channels, 1) : 0);
    }
    if (wrong == 0)
        printf("%d views give the bits of their pixels\n", VIEWS);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
