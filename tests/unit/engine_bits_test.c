/* What must not change a bit of what the engine computes, and what it refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "message.h"
#include "nn/device.h"
#include "nn/cpu/kernels.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

enum { STEPS = 3 };

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

/* All that is learnt in some steps, in b->found and so on, and probabilities, as the engine's
 * options say. */
static void run(struct bed *b, const char *isa, uint32_t threads, float *probability)
{
    struct outcome outcome;
    b->options.isa = isa;
    b->options.threads = threads;
    struct engine *engine = bed_engine(b);
    for (uint64_t step = 1; step <= STEPS; step++)
        bed_step(b, engine, step, &outcome);
    assert_int_equal(engine_predict(engine, b->images, NULL, b->reference.count, probability, NULL),
                     0);
    bed_read(b, engine);
    engine_close(engine);
}

static void test_same_bits_for_threads_and_instructions(void **state)
{
    (void)state;
    const struct {
        const char *isa;
        uint32_t threads;
    } way[] = {{"auto", 2}, {"auto", 3}, {"auto", 7}, {"avx2", 1},
               {"avx2", 3}, {"neon", 3}, {"c", 2}};
    for (int i = 0; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        size_t bytes = b->net.parameters * sizeof(float);
        size_t results = (size_t)cases[i].count * cases[i].classes * sizeof(float);
        float first[MOST * MOST_CLASSES], found[MOST * MOST_CLASSES];
        float *learnt[3], **there[3] = {&b->found, &b->found_momentum, &b->found_second};
        run(b, "auto", 1, first);
        for (int n = 0; n < 3; n++) {
            learnt[n] = *there[n];
            *there[n] = ealloc(bytes, 1);
        }
        for (size_t k = 0; k < sizeof way / sizeof *way; k++) {
            if (!has_isa(b, way[k].isa))
                continue;
            run(b, way[k].isa, way[k].threads, found);
            for (int n = 0; n < 3; n++)
                assert_memory_equal(*there[n], learnt[n], bytes);
            assert_memory_equal(found, first, results);
        }
        for (int n = 0; n < 3; n++)
            free(learnt[n]);
        bed_end(b);
    }
}

/* An engine that begins with what another one has learnt goes on as that one does. */
static void test_what_is_learnt_is_all(void **state)
{
    (void)state;
    for (int i = PLAIN_CASES; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        struct outcome outcome, other;
        size_t bytes = b->net.parameters * sizeof(float);
        struct engine *one = bed_engine(b), *two = bed_engine(b);
        bed_step(b, one, 1, &outcome);
        bed_step(b, two, 7, &outcome); /* which must leave nothing */
        bed_read(b, one);
        assert_int_equal(
            engine_write(two, &(struct learnt){b->found, b->found_momentum, b->found_second}), 0);
        bed_step(b, one, 2, &outcome);
        bed_step(b, two, 2, &other);
        assert_true(outcome.loss == other.loss);
        bed_read(b, one);
        float *found = ealloc(bytes, 1);
        memcpy(found, b->found, bytes);
        bed_read(b, two);
        assert_memory_equal(found, b->found, bytes);
        free(found);
        engine_close(one);
        engine_close(two);
        bed_end(b);
    }
}

/* Lanes without an image and what an earlier, larger batch left behind change nothing. */
static void partial_batches(const struct shape_case *c)
{
    struct bed *b = bed_make(c);
    struct outcome outcome;
    size_t bytes = b->net.parameters * sizeof(float);
    float *found = ealloc(bytes, 1);
    for (uint32_t count = 1; count <= 18; count += 8) {
        b->options.batch = count;
        struct engine *exact = bed_engine(b);
        assert_int_equal(
            engine_step(exact, b->images, b->label, count, &(struct step){0.05, 1}, &outcome), 0);
        assert_int_equal(engine_read(exact, &(struct learnt){b->found, NULL, NULL}), 0);
        b->options.batch = 100;
        struct engine *large = bed_engine(b);
        assert_int_equal(
            engine_step(large, b->images, b->label, 33, &(struct step){0.05, 1}, &outcome), 0);
        assert_int_equal(engine_write(large, &(struct learnt){b->start, NULL, NULL}), 0);
        assert_int_equal(
            engine_step(large, b->images, b->label, count, &(struct step){0.05, 1}, &outcome), 0);
        assert_int_equal(engine_read(large, &(struct learnt){found, NULL, NULL}), 0);
        assert_memory_equal(found, b->found, bytes);
        engine_close(exact);
        engine_close(large);
    }
    free(found);
    bed_end(b);
}

static void test_partial_batches(void **state)
{
    (void)state;
    partial_batches(&cases[3]);
    partial_batches(&cases[CASES - 1]);
}

static void test_prediction_of_an_image_alone(void **state)
{
    (void)state;
    const struct shape_case *c = &cases[3];
    struct bed *b = bed_make(c);
    struct engine *engine = bed_engine(b);
    float together[MOST * MOST_CLASSES], alone[MOST_CLASSES];
    size_t size = (size_t)c->height * c->width * c->channels;
    assert_int_equal(engine_predict(engine, b->images, NULL, c->count, together, NULL), 0);
    for (uint32_t i = 0; i < c->count; i++) {
        assert_int_equal(engine_predict(engine, b->images + i * size, NULL, 1, alone, NULL), 0);
        assert_memory_equal(alone, together + i * c->classes, c->classes * sizeof(float));
    }
    engine_close(engine);
    bed_end(b);
}

static void nan_is_visible(const struct shape_case *c, const char *isa)
{
    struct bed *b = bed_make(c);
    struct outcome outcome;
    if (!has_isa(b, isa)) {
        bed_end(b);
        return;
    }
    struct engine *engine = bed_engine(b);
    for (uint32_t t = 0; t < b->net.tensors; t++) {
        const struct tensor *tensor = &b->net.tensor[t];
        int running = tensor->kind == TENSOR_MEAN || tensor->kind == TENSOR_VARIANCE;
        size_t place = tensor->offset + tensor->size / 2;
        float kept = b->start[place];
        b->start[place] = NAN;
        assert_int_equal(engine_write(engine, &(struct learnt){b->start, NULL, NULL}), 0);
        b->start[place] = kept;
        assert_int_equal(engine_predict(engine, b->images, b->label, c->count, NULL, &outcome), 0);
        assert_true(isnan(outcome.loss));
        assert_int_equal(outcome.correct, 0);
        bed_step(b, engine, 1, &outcome);
        assert_true(running || isnan(outcome.loss));
    }
    engine_close(engine);
    bed_end(b);
}

/* Wherever a NaN enters, it comes out. */
static void test_nan_is_visible(void **state)
{
    (void)state;
    const char *isa[] = {"avx512", "avx2", "neon", "c"};
    for (size_t k = 0; k < sizeof isa / sizeof *isa; k++) {
        nan_is_visible(&cases[4], isa[k]);
        nan_is_visible(&cases[18], isa[k]); /* additions, the largest at the end */
    }
}

/* One NaN of a window's four pixels, in one lane, is its maximum, whichever it is. */
static void test_nan_wins_the_pool(void **state)
{
    (void)state;
    const char *isa[] = {"avx512", "avx2", "neon", "c"};
    for (size_t k = 0; k < sizeof isa / sizeof *isa; k++) {
        const struct kernels *kernels = kernels_choose(isa[k]);
        for (int place = 0; kernels && place < 4; place++) {
            _Alignas(64) float y[4 * LANES], strip[36 * LANES], tile[PLACES * LANES];
            for (int i = 0; i < 4 * LANES; i++)
                y[i] = (float)(i % 7) - 3;
            y[place * LANES + 5] = NAN;
            struct normal normal = {.gain = 1};
            struct output output = {y, &normal, 1, 2, 2, POOL_MAX};
            kernels->input_transform_activation(&output, 0,
                                                &(struct input_tiles){strip, tile, LANES, 1});
            for (int lane = 0; lane < LANES; lane++)
                assert_int_equal(isnan(tile[(6 + 1) * LANES + lane]) != 0, lane == 5);
        }
    }
}

/* Options of a step that no engine takes. */
static void refuses_options(const struct bed *b)
{
    const struct {
        struct engine_options o;
        const char *complaint;
    } wrong[] = {
        {{.momentum = 1.5}, "momentum must be from 0 to 1, not 1.5"},
        {{.momentum = NAN}, "momentum must be"},
        {{.optimizer = OPTIMIZER_ADAM, .momentum = 1}, "not 1 with Adam"},
        {{.optimizer = OPTIMIZER_ADAM, .second = 1, .epsilon = 1}, "less than 1, not 1"},
        {{.optimizer = OPTIMIZER_ADAM, .second = 0.9}, "epsilon must be greater than 0"},
        {{.optimizer = OPTIMIZER_ADAM, .epsilon = 1, .nesterov = 1}, "Adam has none"},
        {{.nesterov = 1}, "needs a momentum"},
        {{.weight_decay = -1}, "decay must be a number from 0 on, not -1"},
        {{.vector_rate = INFINITY}, "factor of the rate for biases"},
        {{.offset_rate = -1}, "factor of the rate for offsets must be a number greater than 0"},
        {{.clip_norm = -3}, "not -3"},
        {{.label_smoothing = 1}, "label smoothing must be at least 0 and less than 1, not 1"},
        {{.dropout = NAN}, "dropout must be at least 0 and less than 1, not"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct engine *engine;
        struct engine_options o = wrong[i].o;
        o.batch = 1;
        o.train = 1;
        memcpy(o.deviation, b->options.deviation, sizeof o.deviation);
        assert_int_equal(engine_open(&engine, "cpu", &b->net, &o), -1);
        if (strstr(why(), wrong[i].complaint) == NULL)
            fail_msg("%s: %s", wrong[i].complaint, why());
        o.train = 0; /* they are not looked at */
        assert_int_equal(engine_open(&engine, "cpu", &b->net, &o), 0);
        engine_close(engine);
    }
}

static void test_refusals_are_sentences(void **state)
{
    (void)state;
    struct bed *b = bed_make(&cases[0]);
    struct engine *engine = (struct engine *)b;
    struct outcome outcome;
    assert_int_equal(engine_open(&engine, "cuda", &b->net, &b->options), -1);
    assert_null(engine);
    assert_string_equal(why(), "this build has no cuda engine");
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
    refuses_options(b);

    engine = bed_engine(b);
    assert_string_equal(engine_name(engine), "cpu");
    assert_int_equal(engine_step(engine, b->images, b->label, 0, &(struct step){0.05, 1}, &outcome),
                     -1);
    assert_int_equal(
        engine_step(engine, b->images, b->label, 17, &(struct step){0.05, 1}, &outcome), -1);
    assert_non_null(strstr(why(), "17 images"));
    const struct kept_view view = {0};
    const struct batch views = {.view = &view, .label = b->label, .count = 1};
    assert_int_equal(engine_begin_test(engine, &views), -1);
    assert_non_null(strstr(why(), "takes pixels"));
    b->label[3] = 7;
    assert_int_equal(
        engine_step(engine, b->images, b->label, 16, &(struct step){0.05, 1}, &outcome), -1);
    assert_non_null(strstr(why(), "label 7"));
    assert_int_equal(
        engine_step(engine, b->images, b->label, 16, &(struct step){0.05, 0}, &outcome), -1);
    assert_non_null(strstr(why(), "from 1 on"));
    engine_close(engine);
    b->options.train = 0;
    engine = bed_engine(b);
    b->label[3] = 0;
    assert_int_equal(
        engine_step(engine, b->images, b->label, 16, &(struct step){0.05, 1}, &outcome), -1);
    assert_int_equal(engine_gradient(engine, b->found), -1);
    engine_close(engine);
    engine_close(NULL);
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits_for_threads_and_instructions),
        cmocka_unit_test(test_what_is_learnt_is_all),
        cmocka_unit_test(test_partial_batches),
        cmocka_unit_test(test_prediction_of_an_image_alone),
        cmocka_unit_test(test_nan_is_visible),
        cmocka_unit_test(test_nan_wins_the_pool),
        cmocka_unit_test(test_refusals_are_sentences),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
