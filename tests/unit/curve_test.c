/* What is computed from runs, and what they are called. */
#include "tools/plot/reading/curve.h"

#include "tools/plot/reading/titles.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>

static void smoothing_and_divergence(void **state)
{
    (void)state;
    enum { COUNT = 160 };
    struct run run = {0};
    struct sample point[COUNT];
    for (int i = 0; i < COUNT; i++)
        point[i] = (struct sample){.iteration = i + 1, .loss = i < 150 ? i : NAN, .accuracy = 0.5};
    point[20].loss = INFINITY;
    run.progress = (struct samples){point, COUNT, COUNT};
    /* Three points to each side; at the beginning fewer, on both sides alike, at the end those that
     * are there. */
    struct line line = curve_line(&run.progress, CURVE_LOSS, CURVE_SMOOTH);
    assert_true(fabs(line.y[0]) < 1e-9);
    assert_true(fabs(line.y[2] - 2) < 1e-9);
    assert_true(fabs(line.y[149] - (146 + 147 + 148 + 149) / 4.0) < 1e-9);
    assert_true(fabs(line.y[100] - 100) < 1e-9);
    assert_true(isnan(line.y[20]));
    assert_true(fabs(line.y[19] - (16 + 17 + 18 + 19 + 21 + 22) / 6.0) < 1e-9);
    assert_true(isnan(line.y[COUNT - 1]));
    line_free(&line);
    /* The single infinity healed; what begins at iteration 151 did not. */
    assert_true(curve_diverged(&run) == 151);
    run.progress.count = 150;
    assert_true(curve_diverged(&run) == 0);
}

/* The last mini-batch of an epoch has what is left: it weighs as much as that, in lines, and in
 * means of epochs and of what was thinned out. */
static void weights(void **state)
{
    (void)state;
    enum { COUNT = 9 };
    struct sample point[COUNT];
    for (int i = 0; i < COUNT; i++)
        point[i] = (struct sample){.iteration = i + 1, .epoch = 1, .loss = i, .images = 6};
    point[COUNT - 1] = (struct sample){.iteration = COUNT, .epoch = 1, .loss = 100, .images = 2};
    struct samples points = {point, COUNT, COUNT};
    struct line line = curve_line(&points, CURVE_LOSS, CURVE_SMOOTH);
    assert_true(fabs(line.y[7] - (6 * 6 + 6 * 7 + 2 * 100) / 14.0) < 1e-9);
    assert_true(fabs(line.y[8] - (6 * 7 + 2 * 100) / 8.0) < 1e-9);
    assert_true(fabs(line.y[4] - 4) < 1e-9);
    line_free(&line);
    assert_true(fabs(samples_epoch(&points, 1).loss - (6 * 28 + 2 * 100) / 50.0) < 1e-9);
    assert_true(samples_epoch(&points, 1).images == 50);
    struct samples many = {0};
    for (int i = 0; i <= SAMPLES_MOST_LIVE; i++)
        samples_add(&many, (struct sample){.iteration = i, .loss = i % 2, .images = i % 2 ? 2 : 6},
                    1);
    assert_true(many.sample[0].loss == 0.25 && many.sample[0].images == 8);
    free(many.sample);
}

/* A run that was stopped after six of nine epochs, of which the fourth was the best. */
static void outcomes(void **state)
{
    (void)state;
    struct sample point[6];
    for (int i = 0; i < 6; i++)
        point[i] = (struct sample){.iteration = 2 * i + 2,
                                   .epoch = (uint64_t)i + 1,
                                   .loss = 1,
                                   .accuracy = i == 3 ? 0.9 : 0.1 * (i + 1)};
    struct run run = {.validation = {point, 6, 6}, .epoch = 6, .epochs = 9, .state = RUN_STOPPED};
    char text[64], figure[RANK_ROOM];
    curve_state(&run, text, sizeof text);
    assert_string_equal(text, "epoch 6 of 9, stopped");
    curve_outcome(&run, RANK_LAST, text, sizeof text, figure);
    assert_string_equal(text, "epoch 6 of 9, stopped: 60.00 %");
    curve_outcome(&run, RANK_MEAN5, text, sizeof text, figure);
    assert_string_equal(text, "epoch 6 of 9, stopped, last five: 50.00 %");
    assert_string_equal(figure, "50.00 %");
}

/* Thirty iterations in twenty seconds, the last of them after a pause. */
static void speed(void **state)
{
    (void)state;
    enum { COUNT = 31 };
    struct sample point[COUNT];
    for (int i = 0; i < COUNT; i++)
        point[i] = (struct sample){.iteration = i + 1, .time = 1000 + (i > 0 ? (i + 1) / 4.0 : 0)};
    point[COUNT - 1].time = 1020;
    struct run run = {.progress = {point, COUNT, COUNT}, .iterations = 100};
    assert_true(fabs(curve_speed(&run).iterations - 30.0 / 20) < 1e-9);
    assert_true(fabs(curve_left(&run) - 69 / 1.5) < 1e-9);
}

static void names(void **state)
{
    (void)state;
    static const char a[] = "a/net.bin", b[] = "b/net.bin", joined[] = "input";
    struct run made[] = {
        {.path = a, .stem = "net", .ordinal = 1, .network = "depth 2"},
        {.path = b, .stem = "net", .ordinal = 1, .network = "depth 2"},
        {.path = joined, .ordinal = 1, .network = "depth 4"},
        {.path = joined, .ordinal = 2, .network = "depth 4", .seed = 1},
    };
    struct run *run[] = {&made[0], &made[1], &made[2], &made[3]};
    struct history history = {.run = run, .runs = 4};
    give_titles(&history);
    assert_string_equal(run[0]->name, "net (a/net.bin)");
    assert_string_equal(run[1]->name, "net (b/net.bin)");
    assert_string_equal(run[2]->name, "depth 4, seed 0");
    assert_string_equal(run[3]->name, "depth 4, seed 1");
    for (int i = 0; i < 4; i++) {
        free(made[i].name);
        free(made[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smoothing_and_divergence),
        cmocka_unit_test(weights),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(speed),
        cmocka_unit_test(names),
    };
    return RUN_TESTS(tests);
}
