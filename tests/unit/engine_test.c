/* The engine against the reference in double precision, and the reference against central
 * differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "nn/engine.h"
#include "random.h"
#include "reference.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

enum { MOST = 33, STEPS = 3 }; /* images of a batch; steps of a test */

struct shape_case {
    uint32_t depth, filters, height, width, channels, classes, count;
};

/* Odd in turn: channels, shapes, filters that no block divides, partial lane groups, bands of 8
 * rows and 4. */
static const struct shape_case cases[] = {
    {1, 16, 8, 8, 3, 7, 16},   {1, 16, 4, 8, 1, 2, 33},   {1, 5, 8, 4, 5, 7, 17},
    {2, 16, 12, 12, 3, 7, 33}, {2, 7, 4, 8, 5, 2, 33},    {3, 16, 12, 12, 1, 7, 5},
    {3, 9, 8, 4, 3, 2, 17},    {4, 16, 12, 12, 3, 2, 16}, {4, 6, 8, 8, 5, 7, 5},
    {1, 16, 12, 12, 3, 7, 1},  {2, 16, 16, 20, 3, 7, 2},  {1, 3, 24, 8, 16, 7, 3},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Everything a test needs of one case: a network with arbitrary parameters, a batch, room for
 * results. */
struct bed {
    struct net net;
    struct engine_options options;
    struct reference reference;
    uint8_t *images;
    uint32_t label[MOST];
    float *start, *momentum;  /* what the engine begins with */
    double *expected, *drift; /* what the reference makes of it: parameters, momentum */
    float *found, *found_momentum;
    double *gradient;
};

static double uniform(uint64_t place, uint32_t what)
{
    return random_unit(philox(5, what, place, PURPOSE_SYNTH).word[0]);
}

static struct bed *bed_make(const struct shape_case *c)
{
    struct bed *b = ealloc(1, sizeof *b);
    struct net_shape shape = {c->depth, c->filters, c->height, c->width, c->channels, c->classes};
    assert_int_equal(net_make(&b->net, &shape), 0);
    b->options = (struct engine_options){
        .batch = c->count, .threads = 1, .momentum = 0.9, .weight_decay = 0.01, .train = 1};
    for (uint32_t i = 0; i < c->channels; i++) {
        b->options.mean[i] = 100 + 10 * i;
        b->options.deviation[i] = 60 + i;
    }
    size_t bytes = (size_t)c->count * c->height * c->width * c->channels, n = b->net.parameters;
    b->images = ealloc(bytes, 1);
    for (size_t i = 0; i < bytes; i++)
        b->images[i] = (uint8_t)(256 * uniform(i, 1));
    for (uint32_t i = 0; i < c->count; i++)
        b->label[i] = (uint32_t)(c->classes * uniform(i, 2));
    b->reference = (struct reference){&b->net, &b->options, b->images, b->label, c->count};

    b->start = ealloc(n, sizeof *b->start);
    b->momentum = ealloc(n, sizeof *b->start);
    net_initialise(&b->net, 3, b->start);
    for (uint32_t t = 0; t < b->net.tensors; t++) /* biases, scales, statistics away from 0 and 1 */
        for (size_t i = 0; b->net.tensor[t].kind != TENSOR_WEIGHTS && i < b->net.tensor[t].size;
             i++)
            b->start[b->net.tensor[t].offset + i] += (float)(0.5 * uniform(i, 10 + t));
    b->expected = ealloc(n, sizeof(double));
    b->drift = ealloc(n, sizeof(double));
    b->gradient = ealloc(n, sizeof(double));
    b->found = ealloc(n, sizeof(float));
    b->found_momentum = ealloc(n, sizeof(float));
    for (size_t i = 0; i < n; i++)
        b->expected[i] = b->start[i];
    return b;
}

static void bed_end(struct bed *b)
{
    void *all[] = {b->images, b->start, b->momentum,       b->expected,
                   b->drift,  b->found, b->found_momentum, b->gradient};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(b);
}

static struct engine *bed_engine(struct bed *b)
{
    struct engine *engine;
    if (engine_open(&engine, "cpu", &b->net, &b->options) != 0)
        fail_msg("%s", why());
    assert_int_equal(engine_write(engine, b->start, NULL), 0);
    return engine;
}

/* How far a float engine may be from the reference: absolute + relative·|expected|. */
enum { GRADIENT, PARAMETERS, MOMENTUM, PROBABILITIES, LOSS };
static const struct tolerance {
    const char *what;
    double absolute, relative;
    const char *reason;
} tolerances[] = {
    [GRADIENT] =
        {"gradient", 3e-6, 2e-5,
         "sums of up to 5000 products of size 1, each rounded to 6e-8, through normalisations "
         "of few values, which multiply an error by 1 / deviation"},
    [PARAMETERS] =
        {"parameters", 2e-6, 1e-6,
         "the gradient's error times rate 0.05 times (1 + 1.9 + 2.71) for three steps, and a "
         "rounding a step"},
    [MOMENTUM] = {"momentum", 8e-6, 6e-5, "2.71 gradients' errors"},
    [PROBABILITIES] = {"probabilities", 3e-7, 1e-6, "logits of size 1 with an error of 1e-6"},
    [LOSS] = {"loss", 1e-6, 0, "the same, where the right class is improbable"},
};

/* The largest error so far as a share of what a tolerance allows. */
static double worst(int row, const float *found, const double *expected, size_t n)
{
    const struct tolerance *t = &tolerances[row];
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double share =
            fabs(found[i] - expected[i]) / (t->absolute + t->relative * fabs(expected[i]));
        if (!(share <= most))
            most = share;
    }
    return most;
}

static double largest_error(const float *found, const double *expected, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(found[i] - expected[i]) <= most))
            most = fabs(found[i] - expected[i]);
    return most;
}

static void check(int row, const struct shape_case *c, const float *found, const double *expected,
                  size_t n)
{
    double share = worst(row, found, expected, n);
    printf("# depth %u, %2u filters, %2ux%-2u x%-2u, %u classes, batch %2u: %s: largest error "
           "%.1e, %.2f of "
           "the tolerance\n",
           c->depth, c->filters, c->height, c->width, c->channels, c->classes, c->count,
           tolerances[row].what, largest_error(found, expected, n), share);
    if (!(share <= 1))
        fail_msg("%s: more than is explained by %s", tolerances[row].what, tolerances[row].reason);
}

/* Each derivative against (L(p + h) - L(p - h)) / 2h. Where a ReLU or a maximum changes side
 * between, the loss has a corner and two values of h disagree: those are left out, and must be few.
 */
static void test_reference_against_central_differences(void **state)
{
    (void)state;
    const struct shape_case small[] = {{1, 3, 8, 4, 2, 3, 3}, {2, 4, 4, 8, 1, 2, 5}};
    for (size_t s = 0; s < 2; s++) {
        struct bed *b = bed_make(&small[s]);
        double most = 0;
        size_t corners = 0, derivatives = 0;
        reference_loss(&b->reference, b->expected, b->gradient);
        for (uint32_t t = 0; t < b->net.tensors; t++) {
            const struct tensor *tensor = &b->net.tensor[t];
            if (tensor->kind == TENSOR_MEAN || tensor->kind == TENSOR_VARIANCE)
                continue;
            for (size_t i = tensor->offset; i < tensor->offset + tensor->size; i++, derivatives++) {
                double slope[2], p = b->expected[i];
                for (int k = 0; k < 2; k++) {
                    double h = k ? 2e-6 : 1e-6;
                    b->expected[i] = p + h;
                    slope[k] = reference_loss(&b->reference, b->expected, NULL);
                    b->expected[i] = p - h;
                    slope[k] =
                        (slope[k] - reference_loss(&b->reference, b->expected, NULL)) / (2 * h);
                    b->expected[i] = p;
                }
                double error = fabs(slope[0] - b->gradient[i]);
                if (fabs(slope[0] - slope[1]) > 1e-7 + 1e-5 * fabs(slope[0]))
                    corners++;
                else if (error > most)
                    most = error;
            }
        }
        printf("# %zu derivatives, %zu at corners left out, largest error %.1e\n", derivatives,
               corners, most);
        assert_true(most < 1e-7);
        assert_true(corners * 50 <= derivatives);
        bed_end(b);
    }
}

static void test_gradient(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        assert_int_equal(engine_step(engine, b->images, b->label, cases[i].count, 0.05, &outcome),
                         0);
        assert_int_equal(engine_gradient(engine, b->found), 0);
        double loss = reference_loss(&b->reference, b->expected, b->gradient);
        float found = (float)(outcome.loss / cases[i].count);
        check(LOSS, &cases[i], &found, &loss, 1);
        check(GRADIENT, &cases[i], b->found, b->gradient, b->net.parameters);
        engine_close(engine);
        bed_end(b);
    }
}

static void test_steps(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        for (int step = 1; step <= STEPS; step++) {
            assert_int_equal(
                engine_step(engine, b->images, b->label, cases[i].count, 0.05, &outcome), 0);
            reference_step(&b->reference, b->expected, b->drift, 0.05);
            assert_int_equal(engine_read(engine, b->found, b->found_momentum), 0);
            if (step == 1 || step == STEPS)
                check(PARAMETERS, &cases[i], b->found, b->expected, b->net.parameters);
        }
        check(MOMENTUM, &cases[i], b->found_momentum, b->drift, b->net.parameters);
        engine_close(engine);
        bed_end(b);
    }
}

static void test_prediction(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        uint32_t count = cases[i].count, classes = cases[i].classes;
        struct bed *b = bed_make(&cases[i]);
        b->options.train = 0;
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        float found[MOST * 10];
        double expected[MOST * 10];
        assert_int_equal(engine_predict(engine, b->images, b->label, count, found, &outcome), 0);
        double loss = reference_predict(&b->reference, b->expected, expected);
        float mean = (float)(outcome.loss / count);
        check(LOSS, &cases[i], &mean, &loss, 1);
        check(PROBABILITIES, &cases[i], found, expected, (size_t)count * classes);
        uint32_t correct = 0;
        for (uint32_t image = 0; image < count; image++) {
            uint32_t best = 0;
            for (uint32_t k = 1; k < classes; k++)
                if (expected[image * classes + k] > expected[image * classes + best])
                    best = k;
            correct += best == b->label[image];
        }
        assert_int_equal(outcome.correct, correct);
        engine_close(engine);
        bed_end(b);
    }
}

/* A test of the tests above: one wrong weight anywhere in the reference must be found. */
static void test_planted_faults_are_found(void **state)
{
    (void)state;
    const struct shape_case *c = &cases[3];
    struct bed *b = bed_make(c);
    struct engine *engine = bed_engine(b);
    struct outcome outcome;
    assert_int_equal(engine_step(engine, b->images, b->label, c->count, 0.05, &outcome), 0);
    assert_int_equal(engine_gradient(engine, b->found), 0);
    for (uint32_t t = 0; t < b->net.tensors; t++) {
        const struct tensor *tensor = &b->net.tensor[t];
        /* a convolution's bias changes nothing, running statistics nothing in training */
        int idle = strstr(tensor->name, "convolution") && tensor->kind == TENSOR_ZERO;
        if (idle || tensor->kind == TENSOR_MEAN || tensor->kind == TENSOR_VARIANCE)
            continue;
        size_t place = tensor->offset + tensor->size / 2;
        b->expected[place] += 0.001;
        reference_loss(&b->reference, b->expected, b->gradient);
        b->expected[place] = b->start[place];
        assert_true(worst(GRADIENT, b->found, b->gradient, b->net.parameters) > 1);
    }
    engine_close(engine);
    bed_end(b);
}

static int has_isa(struct bed *b, const char *isa)
{
    struct engine *engine;
    b->options.isa = isa;
    if (engine_open(&engine, "cpu", &b->net, &b->options) != 0) {
        printf("# not compared: %s\n", why());
        return 0;
    }
    engine_close(engine);
    return 1;
}

/* Parameters, momentum and probabilities after some steps, as the engine's options say. */
static void run(struct bed *b, const char *isa, uint32_t threads, float *parameters,
                float *momentum, float *probability)
{
    struct outcome outcome;
    uint32_t count = b->reference.count;
    b->options.isa = isa;
    b->options.threads = threads;
    struct engine *engine = bed_engine(b);
    for (int step = 0; step < STEPS; step++)
        assert_int_equal(engine_step(engine, b->images, b->label, count, 0.05, &outcome), 0);
    assert_int_equal(engine_predict(engine, b->images, NULL, count, probability, NULL), 0);
    assert_int_equal(engine_read(engine, parameters, momentum), 0);
    engine_close(engine);
}

static void test_same_bits_for_threads_and_instructions(void **state)
{
    (void)state;
    const struct {
        const char *isa;
        uint32_t threads;
    } way[] = {{"auto", 2}, {"auto", 3}, {"auto", 7}, {"avx2", 1}, {"avx2", 3}, {"c", 2}};
    for (int i = 0; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        size_t bytes = b->net.parameters * sizeof(float);
        size_t results = (size_t)cases[i].count * cases[i].classes * sizeof(float);
        float first[MOST * 10], found[MOST * 10];
        float *parameters = ealloc(bytes, 1), *momentum = ealloc(bytes, 1);
        run(b, "auto", 1, b->found, b->found_momentum, first);
        for (size_t k = 0; k < sizeof way / sizeof *way; k++) {
            if (!has_isa(b, way[k].isa))
                continue;
            run(b, way[k].isa, way[k].threads, parameters, momentum, found);
            assert_memory_equal(parameters, b->found, bytes);
            assert_memory_equal(momentum, b->found_momentum, bytes);
            assert_memory_equal(found, first, results);
        }
        free(parameters);
        free(momentum);
        bed_end(b);
    }
}

/* Lanes without an image and what an earlier, larger batch left behind change nothing. */
static void test_partial_batches(void **state)
{
    (void)state;
    struct bed *b = bed_make(&cases[3]);
    struct outcome outcome;
    size_t bytes = b->net.parameters * sizeof(float);
    float *found = ealloc(bytes, 1);
    for (uint32_t count = 1; count <= 18; count += 8) {
        b->options.batch = count;
        struct engine *exact = bed_engine(b);
        assert_int_equal(engine_step(exact, b->images, b->label, count, 0.05, &outcome), 0);
        assert_int_equal(engine_read(exact, b->found, NULL), 0);
        b->options.batch = 100;
        struct engine *large = bed_engine(b);
        assert_int_equal(engine_step(large, b->images, b->label, 33, 0.05, &outcome), 0);
        assert_int_equal(engine_write(large, b->start, NULL), 0);
        assert_int_equal(engine_step(large, b->images, b->label, count, 0.05, &outcome), 0);
        assert_int_equal(engine_read(large, found, NULL), 0);
        assert_memory_equal(found, b->found, bytes);
        engine_close(exact);
        engine_close(large);
    }
    free(found);
    bed_end(b);
}

static void test_prediction_of_an_image_alone(void **state)
{
    (void)state;
    const struct shape_case *c = &cases[3];
    struct bed *b = bed_make(c);
    struct engine *engine = bed_engine(b);
    float together[MOST * 10], alone[10];
    size_t size = (size_t)c->height * c->width * c->channels;
    assert_int_equal(engine_predict(engine, b->images, NULL, c->count, together, NULL), 0);
    for (uint32_t i = 0; i < c->count; i++) {
        assert_int_equal(engine_predict(engine, b->images + i * size, NULL, 1, alone, NULL), 0);
        assert_memory_equal(alone, together + i * c->classes, c->classes * sizeof(float));
    }
    engine_close(engine);
    bed_end(b);
}

/* Wherever a NaN enters, it comes out. */
static void test_nan_is_visible(void **state)
{
    (void)state;
    const char *isa[] = {"avx512", "avx2", "c"};
    struct bed *b = bed_make(&cases[4]);
    uint32_t count = cases[4].count;
    for (size_t k = 0; k < 3; k++) {
        if (!has_isa(b, isa[k]))
            continue;
        struct engine *engine = bed_engine(b);
        for (uint32_t t = 0; t < b->net.tensors; t++) {
            const struct tensor *tensor = &b->net.tensor[t];
            int running = tensor->kind == TENSOR_MEAN || tensor->kind == TENSOR_VARIANCE;
            size_t place = tensor->offset + tensor->size / 2;
            float kept = b->start[place];
            struct outcome outcome;
            b->start[place] = NAN;
            assert_int_equal(engine_write(engine, b->start, NULL), 0);
            b->start[place] = kept;
            assert_int_equal(engine_predict(engine, b->images, b->label, count, NULL, &outcome), 0);
            assert_true(isnan(outcome.loss));
            assert_int_equal(outcome.correct, 0);
            assert_int_equal(engine_step(engine, b->images, b->label, count, 0.05, &outcome), 0);
            assert_true(running || isnan(outcome.loss));
        }
        engine_close(engine);
    }
    bed_end(b);
}

static void test_refusals_are_sentences(void **state)
{
    (void)state;
    struct bed *b = bed_make(&cases[0]);
    struct engine *engine = (struct engine *)b;
    struct outcome outcome;
    assert_int_equal(engine_open(&engine, "cuda", &b->net, &b->options), -1);
    assert_null(engine);
    assert_string_equal(why(), "this build has no CUDA engine");
    assert_int_equal(engine_open(&engine, "tpu", &b->net, &b->options), -1);
    assert_non_null(strstr(why(), "'tpu'"));
    b->options.isa = "mmx";
    assert_int_equal(engine_open(&engine, "auto", &b->net, &b->options), -1);
    assert_non_null(strstr(why(), "'mmx'"));
    b->options.isa = NULL;
    b->options.deviation[1] = 0;
    assert_int_equal(engine_open(&engine, "cpu", &b->net, &b->options), -1);
    assert_non_null(strstr(why(), "channel 1"));
    b->options.deviation[1] = 1;

    engine = bed_engine(b);
    assert_string_equal(engine_name(engine), "cpu");
    assert_int_equal(engine_step(engine, b->images, b->label, 0, 0.05, &outcome), -1);
    assert_int_equal(engine_step(engine, b->images, b->label, 17, 0.05, &outcome), -1);
    assert_non_null(strstr(why(), "17 images"));
    b->label[3] = 7;
    assert_int_equal(engine_step(engine, b->images, b->label, 16, 0.05, &outcome), -1);
    assert_non_null(strstr(why(), "label 7"));
    engine_close(engine);
    b->options.train = 0;
    engine = bed_engine(b);
    b->label[3] = 0;
    assert_int_equal(engine_step(engine, b->images, b->label, 16, 0.05, &outcome), -1);
    assert_int_equal(engine_gradient(engine, b->found), -1);
    engine_close(engine);
    engine_close(NULL);
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_against_central_differences),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_planted_faults_are_found),
        cmocka_unit_test(test_same_bits_for_threads_and_instructions),
        cmocka_unit_test(test_partial_batches),
        cmocka_unit_test(test_prediction_of_an_image_alone),
        cmocka_unit_test(test_nan_is_visible),
        cmocka_unit_test(test_refusals_are_sentences),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
