#include "selftest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "message.h"
#include "random.h"
#include "tolerance.h"
#include "view.h"

enum { BATCH = 8, COUNT = 7, STEPS = 6 }; /* the last batch has COUNT images */

static const struct {
    const char *precision;
    const struct tolerance_of_all *tolerance;
} PASS[] = {{"fp32", &TOLERANCE_FP32}, {"tf32", &TOLERANCE_TF32}, {"bf16", &TOLERANCE_BF16}};

/* What is trained: the network of the short form in all of these; and one that has what that has
 * not, with the options of a step that have kernels of their own, in the first alone. Its epsilon
 * is large: where a gradient is small beside it, what rounds off is not made large. */
static const struct {
    const char *what; /* behind the precision */
    struct net_shape shape;
    struct engine_options step;
} TRIAL[] = {
    {"", {2, 16, 16, 16, 3, 10, ""}, {.momentum = 0.9, .weight_decay = 1e-3}},
    {", another network",
     {0, 0, 8, 8, 3, 10, "8w-12k1-12p-12-12+2-16-max"},
     {.optimizer = OPTIMIZER_ADAM,
      .momentum = 0.9,
      .second = 0.99,
      .epsilon = 0.1,
      .weight_decay = 0.01,
      .decoupled = 1,
      .vector_rate = 0.5,
      .offset_rate = 2,
      .clip_norm = 0.5,
      .label_smoothing = 0.1,
      .dropout = 0.2}},
};

struct trial {
    struct net net;
    struct engine_options options;
    uint8_t *images, *drawn; /* [BATCH]; and the views of them */
    struct kept_image image[BATCH];
    struct kept_view view[BATCH];
    uint32_t label[BATCH];
    float *start;
};

struct result {
    float *parameters, *momentum;
    struct outcome outcome;
};

static uint32_t draw(uint64_t place, uint32_t below)
{
    return random_below(philox(1, 0, place, PURPOSE_SYNTH).word[0], below);
}

/* Shifts, beyond an edge or two, and flips. */
static void draw_views(struct trial *t, uint64_t place)
{
    const struct net_shape *n = &t->net.shape;
    size_t bytes = (size_t)n->height * n->width * n->channels;
    for (uint32_t i = 0; i < BATCH; i++, place += 4) {
        t->image[i] = (struct kept_image){i * bytes, n->height, n->width};
        t->view[i] = (struct kept_view){draw(place, BATCH), (int)draw(place + 1, 9) - 4,
                                        (int)draw(place + 2, 9) - 4, draw(place + 3, 2)};
        struct image image = {.height = n->height,
                              .width = n->width,
                              .channels = n->channels,
                              .pixels = t->images + t->view[i].image * bytes};
        struct view view = {.row = t->view[i].row,
                            .column = t->view[i].column,
                            .flip = (int)t->view[i].flip,
                            .height = n->height,
                            .width = n->width};
        view_draw(&view, &image, t->drawn + i * bytes);
    }
}

/* Of the options only which GPU, and how the CPU computes: the step is the trial's own. */
static void trial_make(struct trial *t, int number, const struct engine_options *options)
{
    struct net_shape shape = TRIAL[number].shape;
    *t = (struct trial){.options = TRIAL[number].step};
    if (net_make(&t->net, &shape) < 0)
        die_why();
    size_t bytes = (size_t)BATCH * shape.height * shape.width * shape.channels;
    t->images = ealloc(bytes, 1);
    t->drawn = ealloc(bytes, 1);
    t->start = ealloc(t->net.parameters, sizeof *t->start);
    for (size_t i = 0; i < bytes; i++)
        t->images[i] = (uint8_t)draw(i, 256);
    for (uint32_t i = 0; i < BATCH; i++)
        t->label[i] = draw(bytes + i, shape.classes);
    draw_views(t, bytes + BATCH);
    net_initialise(&t->net, INITIAL_GLOROT, 1, t->start);
    for (size_t i = 0; t->net.tensor[0].kind == TENSOR_FIXED && i < t->net.tensor[0].size; i++)
        t->start[t->net.tensor[0].offset + i] = (float)(draw(i, 256) / 256. - 0.5);
    t->options.gpu = options->gpu;
    t->options.threads = options->threads;
    t->options.isa = options->isa;
    t->options.batch = BATCH;
    t->options.train = 1;
    for (uint32_t c = 0; c < shape.channels; c++) {
        t->options.mean[c] = 120;
        t->options.deviation[c] = 70;
    }
}

/* How an engine is used: as it comes; with each step enqueued anew; on views of images that it
 * keeps. */
enum way { PLAIN, DIRECT, VIEWS };

/* So many steps that the graphs of a GPU engine (one for each of the slots in which batches travel)
 * are made and come round again; the last with fewer images. */
static int run(const struct trial *t, const struct engine_class *class, enum way way,
               struct result *r)
{
    const struct net_shape *n = &t->net.shape;
    struct kept_images all = {t->images, (size_t)BATCH * n->height * n->width * n->channels,
                              t->image, BATCH};
    struct batch batch = {.label = t->label};
    if (way == VIEWS)
        batch.view = t->view;
    else
        batch.pixels = t->drawn;
    struct engine *engine;
    struct engine_options options = t->options;
    options.direct = way == DIRECT;
    if (engine_open_class(&engine, class, &t->net, &options) < 0)
        return -1;
    int result = way != VIEWS || engine_keep(engine, &all) == 1 ? 0 : -1;
    if (result == 0)
        result = engine_write(engine, &(struct learnt){t->start, NULL, NULL});
    for (int i = 0; result == 0 && i < STEPS; i++) {
        batch.count = i + 1 < STEPS ? BATCH : COUNT;
        result = engine_begin_step(engine, &batch, &(struct step){0.01, (uint64_t)i + 1});
        if (result == 0 && engine_outcome(engine, 1, &r->outcome) < 0)
            result = -1;
    }
    if (result == 0)
        result = engine_read(engine, &(struct learnt){r->parameters, r->momentum, NULL});
    engine_close(engine);
    return result;
}

/* How far one vector is from another, in parts of how far that is from where it began (NULL: 0).
 * NaN where one has a NaN. */
static double distance(const float *a, const float *b, const float *from, size_t count)
{
    double apart = 0, length = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)a[i] - b[i], l = (double)a[i] - (from ? from[i] : 0);
        apart += d * d;
        length += l * l;
    }
    return apart == 0 ? 0 : sqrt(apart / length);
}

/* Tells a difference, where it is to be told: whether it is too large. */
static int is_wrong(void (*table)(const char *line), const char *what, double d, double tolerance)
{
    char line[160];
    int wrong = !(d <= tolerance);
    snprintf(line, sizeof line, "%-40s %9.1e of %.0e%s", what, d, tolerance,
             wrong ? "  WRONG" : "");
    if (table)
        table(line);
    return wrong;
}

/* The whole is judged; its tensors are told, to whoever wants to see where it comes from. */
static int compare(const struct trial *t, const struct result *cpu, const struct result *other,
                   const struct tolerance_of_all *tolerance, void (*table)(const char *line))
{
    char line[160];
    for (uint32_t i = 0; table && i < t->net.tensors; i++) {
        const struct tensor *tensor = &t->net.tensor[i];
        size_t at = tensor->offset;
        snprintf(
            line, sizeof line, "%-40s %9.1e", tensor->name,
            distance(cpu->parameters + at, other->parameters + at, t->start + at, tensor->size));
        table(line);
    }
    int wrong = is_wrong(table, "change of all",
                         distance(cpu->parameters, other->parameters, t->start, t->net.parameters),
                         tolerance->change);
    wrong += is_wrong(table, "momentum of all",
                      distance(cpu->momentum, other->momentum, NULL, t->net.parameters),
                      tolerance->momentum);
    wrong +=
        is_wrong(table, "loss", fabs(cpu->outcome.loss - other->outcome.loss) / cpu->outcome.loss,
                 tolerance->loss);
    return wrong == 0 ? 0 : fail("%d of its results differ from the CPU's", wrong);
}

/* In one precision, in all ways; cpu has the CPU's results. 0; 1 where they differ, and -1 where
 * the engine does not run, with a sentence. */
static int pass(struct trial *t, const struct engine_class *class, const char *what,
                const struct result *cpu, const struct tolerance_of_all *tolerance,
                struct result r[3], void (*table)(const char *line))
{
    static const char *const again[] = {
        [DIRECT] = "a second run, without a graph,", [VIEWS] = "a third run, on views,"};
    size_t bytes = t->net.parameters * sizeof(float);
    for (enum way way = PLAIN; way <= VIEWS; way++)
        if (run(t, class, way, &r[way]) < 0)
            return -1;
    if (table)
        table(what);
    if (compare(t, cpu, &r[PLAIN], tolerance, table) < 0)
        return 1;
    for (enum way way = DIRECT; way <= VIEWS; way++)
        if (memcmp(r[PLAIN].parameters, r[way].parameters, bytes) != 0 ||
            memcmp(r[PLAIN].momentum, r[way].momentum, bytes) != 0)
            return fail("%s gives different bits", again[way]) < 0;
    return 0;
}

/* What is wrong, of all that was tried. */
struct verdict {
    int tried;
    char wrong[800];
};

/* In single precision and in the coarser ones up to that which the options ask for. A failure is
 * one of the verdict's; -1 where the engine does not even begin. */
static int try(int number, const struct engine_class *class, const struct engine_options *options,
               void (*table)(const char *line), struct verdict *verdict)
{
    static struct trial t;
    struct result r[4];
    trial_make(&t, number, options);
    for (int i = 0; i < 4; i++)
        r[i] = (struct result){ealloc(t.net.parameters, sizeof(float)),
                               ealloc(t.net.parameters, sizeof(float)),
                               {0, 0, 0}};
    int result = run(&t, &cpu_class, PLAIN, &r[3]);
    const char *last = options->precision ? options->precision : "tf32";
    for (size_t i = 0; result == 0 && i < sizeof PASS / sizeof *PASS; i++) {
        char what[80];
        size_t used = strlen(verdict->wrong);
        t.options.precision = PASS[i].precision;
        snprintf(what, sizeof what, "%s%s", PASS[i].precision, TRIAL[number].what);
        int found = pass(&t, class, what, &r[3], PASS[i].tolerance, r, table);
        if (found < 0 && !verdict->tried)
            result = -1;
        else if (found != 0)
            snprintf(verdict->wrong + used, sizeof verdict->wrong - used, "%s%s: %s",
                     used ? "; " : "", what, why());
        verdict->tried = 1;
        if (number > 0 || strcmp(PASS[i].precision, last) == 0)
            break;
    }
    for (int i = 0; i < 4; i++) {
        free(r[i].parameters);
        free(r[i].momentum);
    }
    free(t.images);
    free(t.drawn);
    free(t.start);
    return result;
}

int selftest(const struct engine_class *class, const struct engine_options *options,
             void (*table)(const char *line))
{
    struct verdict verdict = {0, ""};
    for (int number = 0; number < (int)(sizeof TRIAL / sizeof *TRIAL); number++)
        if (try(number, class, options, table, &verdict) < 0)
            return -1;
    return *verdict.wrong ? fail("%s", verdict.wrong) : 0;
}

/* The file whose presence says that an engine of that name has passed; -1 where there is no place
 * for it. Folders that are missing are made. */
static int memory_of(const char *name, char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char versioned[600];
    if (cache && *cache == '/')
        snprintf(path, size, "%s", cache);
    else if (home && *home == '/')
        snprintf(path, size, "%s/.cache", home);
    else
        return -1;
    (void)mkdir(path, 0700);
    size_t used = strlen(path);
    snprintf(path + used, size - used, "/psweep");
    (void)mkdir(path, 0700);
    used = strlen(path);
    int length = snprintf(versioned, sizeof versioned, "%s, psweep %s", name, PSWEEP_VERSION);
    snprintf(path + used, size - used, "/selftest-%016llx",
             (unsigned long long)XXH3_64bits(versioned, (size_t)length));
    return 0;
}

int selftest_once(const struct engine_class *class, const struct engine_options *options,
                  const char *name)
{
    char path[4096];
    int remembers = memory_of(name, path, sizeof path) == 0;
    if (remembers && access(path, F_OK) == 0)
        return 0;
    explain("comparing %s with the CPU, once, for it has not been used before", name);
    if (selftest(class, options, NULL) < 0)
        return -1;
    /* Where nothing can be remembered the test is made again. */
    int fd = remembers ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
    return 0;
}
