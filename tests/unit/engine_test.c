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

#include "bed.h"
#include "message.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

enum { STEPS = 3 };

/* How far a float engine may be from the reference: absolute + relative·|expected|. */
enum { GRADIENT, PARAMETERS, MOMENTUM, MOVE, PROBABILITIES, LOSS };
static const struct tolerance {
    const char *what;
    double absolute, relative;
    const char *reason;
} tolerances[] = {
    [GRADIENT] =
        {"gradient", 3e-6, 2e-5,
         "up to six convolutions, each with a relative error of 5e-7 in the mean and some 3e-6 at "
         "most (winograd.h), through normalisations of few values, which multiply an error by 1 / "
         "deviation"},
    [PARAMETERS] = {"parameters", 2e-7, 1e-6,
                    "the gradient's error times the rate, 0.05, and two roundings"},
    [MOMENTUM] = {"momentum", 3e-6, 2e-5, "the gradient's error"},
    [MOVE] = {"a move", 2e-8, 2e-7,
              "one rounding of momentum, one of the parameter, which is moved by a tenth of it"},
    [PROBABILITIES] = {"probabilities", 3e-7, 1e-6, "logits of size 1 with an error of 1e-6"},
    [LOSS] = {"loss", 2e-6, 0, "the same, where the right class is improbable"},
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
    printf("# %s: %s: largest error %.1e, %.2f of the tolerance\n", bed_words(c),
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
    const struct engine_options plain = {0}, smooth = {.label_smoothing = 0.3},
                                dropping = {.label_smoothing = 0.1, .dropout = 0.4};
    const struct shape_case small[] = {
        {1, 3, 8, 4, 2, 3, 3, NULL, &plain},
        {2, 4, 4, 8, 1, 2, 5, NULL, &plain},
        {0, 0, 3, 6, 2, 3, 4, "4k1-4+1-3k1-max", &smooth},
        {0, 0, 6, 4, 1, 3, 4, "4wp-5-3-5+2-5+1", &dropping},
    };
    for (size_t s = 0; s < sizeof small / sizeof *small; s++) {
        struct bed *b = bed_make(&small[s]);
        double most = 0;
        size_t corners = 0, derivatives = 0;
        reference_loss(&b->reference, b->expected, b->gradient);
        for (uint32_t t = 0; t < b->net.tensors; t++) {
            const struct tensor *tensor = &b->net.tensor[t];
            for (size_t i = tensor->offset; i < tensor->offset + tensor->size; i++) {
                if (!tensor_is_trained(tensor->kind)) {
                    assert_true(b->gradient[i] == 0);
                    continue;
                }
                derivatives++;
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
        bed_step(b, engine, 1, &outcome);
        assert_int_equal(engine_gradient(engine, b->found), 0);
        double loss = reference_loss(&b->reference, b->expected, b->gradient);
        float found = (float)(outcome.loss / cases[i].count);
        check(LOSS, &cases[i], &found, &loss, 1);
        check(GRADIENT, &cases[i], b->found, b->gradient, b->net.parameters);
        engine_close(engine);
        bed_end(b);
    }
}

/* What the engine has learnt so far is what the reference goes on from. */
static void go_on(struct bed *b, struct engine *engine)
{
    bed_read(b, engine);
    for (size_t p = 0; p < b->net.parameters; p++) {
        b->expected[p] = b->found[p];
        b->drift[p] = b->found_momentum[p];
        b->expected_second[p] = b->found_second[p];
    }
}

/* Steps, each from where the engine is: two trainings that round differently come to stand on
 * different sides of a corner of a ReLU one day, and then part. A step from such a corner is not
 * compared, nor one of Adam, which divides a gradient by its own size, so that the least gradient
 * moves as far as others: test_moves() is of these. */
static void test_steps(void **state)
{
    (void)state;
    int compared = 0, steps = 0;
    for (int i = 0; i < CASES; i++) {
        /* Two of them take as long as the others together. */
        int is_large = cases[i].depth > 2 && cases[i].filters == 16;
        if (cases[i].step->optimizer == OPTIMIZER_ADAM || (is_large && !getenv("PSWEEP_LONG")))
            continue;
        struct bed *b = bed_make(&cases[i]);
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        for (uint64_t step = 1; step <= STEPS; step++, steps++) {
            go_on(b, engine);
            bed_step(b, engine, step, &outcome);
            b->corner = 1;
            reference_step(&b->reference, b->expected, b->drift, b->expected_second);
            bed_read(b, engine);
            compared += b->corner >= BED_CORNER;
            if (b->corner < BED_CORNER)
                continue;
            check(PARAMETERS, &cases[i], b->found, b->expected, b->net.parameters);
            check(MOMENTUM, &cases[i], b->found_momentum, b->drift, b->net.parameters);
        }
        engine_close(engine);
        bed_end(b);
    }
    printf("# %d of %d steps compared\n", compared, steps);
    assert_true(compared > steps / 2);
}

/* What a step makes of the gradient that the engine says it has: every option of the step. Running
 * statistics move too, and are not looked at. */
static void test_moves(void **state)
{
    (void)state;
    for (int i = PLAIN_CASES - 1; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        for (uint64_t step = 1; step <= STEPS; step++) {
            go_on(b, engine);
            bed_step(b, engine, step, &outcome);
            assert_int_equal(engine_gradient(engine, b->found), 0);
            for (size_t p = 0; p < b->net.parameters; p++)
                b->gradient[p] = b->found[p];
            reference_move(&b->reference, b->gradient, b->expected, b->drift, b->expected_second);
            bed_read(b, engine);
            for (uint32_t t = 0; t < b->net.tensors; t++) {
                size_t at = b->net.tensor[t].offset, size = b->net.tensor[t].size;
                int runs = b->net.tensor[t].kind == TENSOR_MEAN ||
                           b->net.tensor[t].kind == TENSOR_VARIANCE;
                check(MOVE, &cases[i], b->found + at, b->expected + at, runs ? 0 : size);
                check(MOVE, &cases[i], b->found_momentum + at, b->drift + at, size);
                check(MOVE, &cases[i], b->found_second + at, b->expected_second + at, size);
            }
        }
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
        float found[MOST * MOST_CLASSES];
        double expected[MOST * MOST_CLASSES];
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

static void planted_faults_are_found(const struct shape_case *c)
{
    struct bed *b = bed_make(c);
    struct engine *engine = bed_engine(b);
    struct outcome outcome;
    bed_step(b, engine, 1, &outcome);
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

/* A test of the tests above: one wrong weight anywhere in the reference must be found. */
static void test_planted_faults_are_found(void **state)
{
    (void)state;
    planted_faults_are_found(&cases[getenv("PSWEEP_LONG") ? 3 : 8]);
    planted_faults_are_found(&cases[CASES - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_against_central_differences),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_planted_faults_are_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
