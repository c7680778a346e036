/* The GPU engine beside the CPU engine: the same start, the same batches, the same results within a
 * tolerance.
 *
 *     parity [-bdt] [STEPS [CASE...]]
 *
 * -b, -t: in bf16, in TF32, otherwise in fp32; -d: despite a self-test that fails. CASE: a number
 * of bed.h, or a letter of those below; all, if none is named. The largest difference of each is
 * printed. A case of a text has always seven steps, and is held to the reference, which begins each
 * where the engine is.
 *
 * With the doubles of the CUDA libraries in LD_LIBRARY_PATH this is the shipped engine but for the
 * execution of its kernels; on a machine with a GPU it is the engine itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bed.h"
#include "message.h"
#include "nn/device.h"
#include "nn/tolerance.h"

/* Networks as texts, with the options of a step: what a GPU could do wrong by itself. Seven steps
 * are as many as it takes for each graph of a step to be replayed with other values. */
enum { TEXT_STEPS = 7 };
static const struct shape_case texts[] = {
    /* everything at once */
    {0, 0, 6, 6, 3, 7, 17, "8w-9k1-9p-9-9-9+3-12k1-max",
     .step = &(struct engine_options){.optimizer = OPTIMIZER_ADAM,
                                      .momentum = 0.9,
                                      .second = 0.99,
                                      .epsilon = 0.01,
                                      .weight_decay = 0.1,
                                      .decoupled = 1,
                                      .decay_all = 1,
                                      .vector_rate = 0.5,
                                      .offset_rate = 2,
                                      .clip_norm = 0.2,
                                      .label_smoothing = 0.1,
                                      .dropout = 0.3,
                                      .seed = 1ull << 40 | 7}},
    /* sums of sums, and a sum at the end: its mean, its maximum */
    {0, 0, 4, 6, 3, 5, 17, "6p-6-6+1-6+1-6-6+2",
     .step = &(struct engine_options){.momentum = 0.9,
                                      .nesterov = 1,
                                      .weight_decay = 0.1,
                                      .decay_all = 1,
                                      .clip_norm = 0.05}},
    {0, 0, 4, 6, 3, 5, 17, "6p-6-6-6+2-6-6+2-max",
     .step =
         &(struct engine_options){
             .momentum = 0.5, .weight_decay = 0.1, .decoupled = 1, .dropout = 0.5}},
    /* channels that fill no tile of a kernel, and more than one */
    {0, 0, 3, 3, 1, 2, 5, "70-70+1-130k1",
     .step = &(struct engine_options){.optimizer = OPTIMIZER_ADAM,
                                      .momentum = 0,
                                      .second = 0.9,
                                      .epsilon = 0.01,
                                      .weight_decay = 0.1,
                                      .clip_norm = 100}},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static const char *precision = "fp32";
static int despite_selftest;
static int is_bf16(void)
{
    return strcmp(precision, "bf16") == 0;
}
/* What tensor cores round off is judged by the limits of bf16, which are wide enough for TF32. */
static int narrow(void)
{
    return strcmp(precision, "fp32") != 0;
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
    options.despite_selftest = despite_selftest;
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

static int check(const char *what, double difference, double limit, const struct shape_case *c)
{
    if (difference <= limit)
        return 0;
    printf("%s: %s differs by %.3g, allowed is %.3g\n", bed_words(c), what, difference, limit);
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

static int compare(const struct shape_case *c, int number, int steps)
{
    struct bed *b = bed_make(c);
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
    int wrong = check("a parameter", parameters, limit->value, c) +
                check("a probability", probability, limit->value, c) +
                check("the loss", loss, limit->value, c) +
                check("a gradient", gradient, limit->gradient, c) +
                check("a momentum", momentum, limit->gradient, c);
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

/* What an engine, or the reference, makes of a step. In bf16 the reference rounds what the engine
 * does: then one step of all is the same, for sums that lie between two values of bf16 are rare. */
struct learner {
    struct engine *engine; /* NULL: the reference */
    struct outcome outcome;
    float *array[4]; /* parameters, momentum, second moments, gradient */
    int adam;
};
enum { PARAMETERS, MOMENTUM, SECOND, GRADIENT };

static void learner_open(struct learner *l, struct bed *b, const char *device, int direct)
{
    *l = (struct learner){.adam = b->options.optimizer == OPTIMIZER_ADAM};
    for (int i = 0; i < 4; i++)
        l->array[i] = ealloc(b->net.parameters, sizeof(float));
    struct engine_options options = b->options;
    options.precision = precision;
    options.direct = direct;
    options.despite_selftest = despite_selftest;
    if (device && (engine_open(&l->engine, device, &b->net, &options) < 0 ||
                   engine_write(l->engine, &(struct learnt){b->start, NULL, NULL}) < 0))
        die_why();
}

static void learner_close(struct learner *l)
{
    engine_close(l->engine);
    for (int i = 0; i < 4; i++)
        free(l->array[i]);
}

static void engine_learns(struct learner *l, const struct bed *b)
{
    const struct reference *r = &b->reference;
    struct learnt learnt = {l->array[PARAMETERS], l->array[MOMENTUM],
                            l->adam ? l->array[SECOND] : NULL};
    if (engine_step(l->engine, b->images, b->label, r->count, &r->step, &l->outcome) < 0 ||
        engine_gradient(l->engine, l->array[GRADIENT]) < 0 || engine_read(l->engine, &learnt) < 0)
        die_why();
}

/* A sum that is 0, as the gradient of a bias in front of a normalisation is, may be this in
 * doubles.
 */
#define ROUNDED_OFF 1e-12

/* The reference, from where the other one is. */
static void reference_learns(struct learner *l, struct bed *b, const struct learner *other)
{
    double *const from[] = {b->expected, b->drift, b->expected_second, b->gradient};
    for (int a = PARAMETERS; a <= SECOND; a++)
        for (size_t i = 0; i < b->net.parameters; i++)
            from[a][i] = other->array[a][i];
    b->corner = 1;
    reference_loss(&b->reference, b->expected, b->gradient);
    double loss = reference_step(&b->reference, b->expected, b->drift, b->expected_second);
    l->outcome.loss = loss * b->reference.count;
    for (int a = 0; a < 4; a++)
        for (size_t i = 0; i < b->net.parameters; i++)
            l->array[a][i] = fabs(from[a][i]) < ROUNDED_OFF ? 0 : (float)from[a][i];
}

static int compare_step(const struct bed *b, const struct shape_case *c,
                        const struct learner *wanted, const struct learner *found,
                        double nearest[4])
{
    static const char *const what[] = {"a parameter", "a momentum", "a second moment",
                                       "a gradient"};
    const struct tolerance *limit = tolerance_of(1);
    double loss = fabs(wanted->outcome.loss - found->outcome.loss) / wanted->outcome.loss;
    double allowed[] = {limit->value, limit->gradient, 2 * limit->gradient, /* of squares */
                        limit->gradient};
    double d[4];
    for (int a = 0; a < 4; a++)
        d[a] =
            a == SECOND && !wanted->adam ? 0 : differ(&b->net, wanted->array[a], found->array[a]);
    for (int a = 0; a < 4; a++)
        nearest[a] = d[a] < nearest[a] ? d[a] : nearest[a];
    printf("%s, step %d: parameters %.1e, momentum %.1e, second moments %.1e, gradient %.1e, loss "
           "%.1e\n",
           bed_words(c), (int)b->reference.step.number, d[0], d[1], d[2], d[3], loss);
    int wrong = check("the loss", loss, limit->value, c);
    for (int a = 0; a < 4; a++)
        wrong += check(what[a], d[a], allowed[a], c);
    return wrong;
}

/* The last step but one has fewer images. */
static int follow(const struct shape_case *c)
{
    struct bed *b = bed_make(c);
    b->reference.narrow = is_bf16();
    struct learner reference, graph, direct;
    size_t bytes = b->net.parameters * sizeof(float);
    int wrong = 0, compared = 0;
    double nearest[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    learner_open(&reference, b, NULL, 0);
    learner_open(&graph, b, "cuda", 0);
    learner_open(&direct, b, "cuda", 1);
    memcpy(graph.array[PARAMETERS], b->start, bytes);
    for (uint64_t i = 1; i <= TEXT_STEPS; i++) {
        b->reference.step = (struct step){0.05 / (double)i, i};
        b->reference.count = i + 1 == TEXT_STEPS && c->count > 3 ? c->count - 3 : c->count;
        reference_learns(&reference, b, &graph);
        engine_learns(&graph, b);
        engine_learns(&direct, b);
        if (b->corner < BED_CORNER && !narrow()) /* where they may part */
            continue;
        wrong += compare_step(b, c, &reference, &graph, nearest);
        compared++;
    }
    for (int a = 0; a < 4; a++)
        if (memcmp(graph.array[a], direct.array[a], bytes) != 0)
            wrong += printf("%s: a graph of the step gives other bits than its calls\n",
                            bed_words(c)) > 0;
    if (is_bf16())
        wrong += check("a parameter, at its nearest,", nearest[PARAMETERS],
                       TOLERANCE_BF16_ROUNDED.value, c) +
                 check("a gradient, at its nearest,", nearest[GRADIENT],
                       TOLERANCE_BF16_ROUNDED.gradient, c);
    if (compared < TEXT_STEPS / 2)
        wrong += printf("%s: only %d steps could be compared\n", bed_words(c), compared) > 0;
    learner_close(&reference);
    learner_close(&graph);
    learner_close(&direct);
    bed_end(b);
    return wrong;
}

static int judge(const char *name, int steps)
{
    int number = atoi(name), letter = name[0] - 'a';
    if (letter >= 0 && letter < TEXTS)
        return follow(&texts[letter]);
    const struct shape_case *c = &cases[number % CASES];
    int wrong = c->stages || is_bf16() ? follow(c) : 0;
    return c->stages ? wrong : wrong + compare(c, number, steps);
}

int main(int argc, char **argv)
{
    int steps, wrong = 0, option;
    program = "parity";
    while ((option = getopt(argc, argv, "bdt")) != -1) {
        precision = option == 'b' ? "bf16" : option == 't' ? "tf32" : precision;
        despite_selftest |= option == 'd';
    }
    argc -= optind - 1;
    argv += optind - 1;
    steps = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < CASES + TEXTS && argc < 3; i++) {
        char name[12] = {(char)('a' + i - CASES)};
        if (i < CASES)
            snprintf(name, sizeof name, "%d", i);
        wrong += judge(name, steps);
    }
    for (int i = 2; i < argc; i++)
        wrong += judge(argv[i], steps);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
