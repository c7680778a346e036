/* Which run is the better one. */
#include "runs/rank.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

/* A run of epochs of two mini-batches of 6 and 2 images. */
struct made {
    struct run run;
    struct sample progress[MOST], validation[MOST];
};

/* accuracy[i] and loss at the validation after epoch i + 1, up to 0. */
static void validated(struct made *made, const double *accuracy, double loss)
{
    memset(made, 0, sizeof *made);
    made->run.progress.sample = made->progress;
    made->run.validation.sample = made->validation;
    for (size_t i = 0; accuracy[i] > 0; i++)
        made->validation[made->run.validation.count++] =
            (struct sample){2.0 * (double)(i + 1), loss, accuracy[i], 0, 10, i + 1, NAN, 0};
}

static void trained(struct made *made, double first, double second, size_t epochs)
{
    made->run.progress.sample = made->progress;
    made->run.train = 8;
    for (size_t i = 0; i < 2 * epochs; i++)
        made->progress[made->run.progress.count++] = (struct sample){(double)(i + 1),
                                                                     i % 2 ? second : first,
                                                                     i % 2 ? second : first,
                                                                     0,
                                                                     i % 2 ? 2 : 6,
                                                                     i / 2 + 1,
                                                                     NAN,
                                                                     0};
    made->run.epoch = epochs;
}

static void near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-12);
}

static void the_four_rules(void **state)
{
    (void)state;
    struct made made;
    validated(&made, (double[]){0.1, 0.2, 0.9, 0.4, 0.5, 0.6, 0.7, 0}, 0.25);
    near(rank_merit(&made.run, RANK_LAST, 0).figure, 0.7);
    near(rank_merit(&made.run, RANK_MEAN5, 0).figure, (0.9 + 0.4 + 0.5 + 0.6 + 0.7) / 5);
    near(rank_merit(&made.run, RANK_BEST, 0).figure, 0.9);
    near(rank_merit(&made.run, RANK_LOSS, 0).figure, 0.25);
    assert_int_equal(rank_merit(&made.run, RANK_BEST, 0).epoch, 7);
    assert_false(rank_merit(&made.run, RANK_LAST, 0).training);
    /* As of an epoch nothing later is known. */
    near(rank_merit(&made.run, RANK_LAST, 2).figure, 0.2);
    near(rank_merit(&made.run, RANK_MEAN5, 2).figure, 0.15);
    near(rank_merit(&made.run, RANK_BEST, 2).figure, 0.2);
    assert_int_equal(rank_merit(&made.run, RANK_LAST, 2).epoch, 2);
    assert_int_equal(rank_rule("mean5"), RANK_MEAN5);
}

/* With --keep best figures are those of the network that is kept, at any time. */
static void kept(void **state)
{
    (void)state;
    struct made made;
    validated(&made, (double[]){0.1, 0.7, 0.9, 0.9, 0.4, 0}, 0.5);
    made.validation[1].loss = 0.2;
    made.validation[3].loss = 0.45;
    assert_ptr_equal(run_kept(&made.run, 5), &made.validation[4]);
    made.run.keeps_best = 1;
    assert_ptr_equal(run_kept(&made.run, 5), &made.validation[1]);
    near(rank_merit(&made.run, RANK_LAST, 0).figure, 0.7);
    near(rank_merit(&made.run, RANK_LOSS, 0).figure, 0.2);
    assert_int_equal(rank_merit(&made.run, RANK_LAST, 0).epoch, 5);
    near(rank_merit(&made.run, RANK_LAST, 1).figure, 0.1);
    made.run.by_accuracy = 1;
    assert_ptr_equal(run_kept(&made.run, 3), &made.validation[2]);
    assert_ptr_equal(run_kept(&made.run, 5), &made.validation[3]);
    near(rank_merit(&made.run, RANK_MEAN5, 0).loss, 0.45);
    near(rank_merit(&made.run, RANK_BEST, 0).figure, 0.9);
    /* What is no number is not kept, unless there is nothing else. */
    made.validation[3].loss = NAN;
    assert_ptr_equal(run_kept(&made.run, 5), &made.validation[2]);
    made.validation[0].loss = NAN;
    assert_ptr_equal(run_kept(&made.run, 1), &made.validation[0]);
    assert_null(run_kept(&made.run, 0));
    /* A validation in the middle of an epoch does not end it. */
    made.run.keeps_best = 0;
    made.validation[4].inside = 1;
    near(rank_merit(&made.run, RANK_LAST, 0).figure, 0.4);
    assert_true(isnan(rank_merit(&made.run, RANK_LAST, 5).figure));
    near(rank_merit(&made.run, RANK_LAST, 4).figure, 0.9);
}

/* Images, not mini-batches, are counted; an epoch that has only begun is not. */
static void without_validation(void **state)
{
    (void)state;
    struct made made = {0};
    trained(&made, 0.8, 0.4, 3);
    struct merit merit = rank_merit(&made.run, RANK_MEAN5, 0);
    near(merit.figure, 0.7);
    near(merit.loss, 0.7);
    near(rank_merit(&made.run, RANK_LOSS, 0).figure, 0.7);
    assert_true(merit.training);
    assert_int_equal(merit.epoch, 3);
    made.run.progress.count--;
    assert_int_equal(rank_merit(&made.run, RANK_LAST, 0).epoch, 2);
    near(rank_merit(&made.run, RANK_LAST, 0).figure, 0.7);
    made.run.progress.count = made.run.epoch = 1;
    near(rank_merit(&made.run, RANK_LAST, 0).figure, 0.8);
    /* One that has only begun has not diverged. */
    made.run.progress.count = made.run.epoch = 0;
    assert_int_equal(rank_merit(&made.run, RANK_LAST, 0).epoch, 0);
    assert_false(rank_merit(&made.run, RANK_LAST, 0).diverged);
}

static void divergence(void **state)
{
    (void)state;
    struct made made, other;
    validated(&made, (double[]){0.5, 0.9, 0}, 0.3);
    trained(&made, 0.5, 0.5, 2);
    assert_false(rank_merit(&made.run, RANK_LAST, 0).diverged);
    /* In the middle of the way it healed; at the end, of either kind, it did not. */
    made.progress[1].loss = INFINITY;
    assert_false(rank_merit(&made.run, RANK_LAST, 0).diverged);
    made.progress[3].loss = NAN;
    assert_true(rank_merit(&made.run, RANK_LAST, 0).diverged);
    assert_true(rank_merit(&made.run, RANK_LAST, 1).diverged);
    made.progress[3].loss = 0.5;
    made.validation[1].loss = INFINITY;
    assert_true(rank_merit(&made.run, RANK_BEST, 0).diverged);
    made.validation[1].loss = 0.5;
    made.validation[1].accuracy = NAN;
    assert_true(rank_merit(&made.run, RANK_LAST, 0).diverged);
    /* However good it looks. */
    made.validation[1].accuracy = 0.9;
    made.validation[1].loss = NAN;
    validated(&other, (double[]){0.1, 0}, 2);
    struct merit a = rank_merit(&made.run, RANK_BEST, 0), b = rank_merit(&other.run, RANK_BEST, 0);
    assert_true(rank_compare(RANK_BEST, &a, &b) > 0);
    assert_true(rank_compare(RANK_BEST, &b, &a) < 0);
}

static void order(void **state)
{
    (void)state;
    const struct merit low = {0.1, 0.4, 1, 0, 0}, high = {0.9, 8e7, 1, 0, 0};
    struct merit tie = {0.9, 0.39, 1, 0, 0}, training = {1, 0, 1, 1, 0}, none = {0.9, NAN, 1, 0, 0};
    assert_true(rank_compare(RANK_LAST, &high, &low) < 0);
    assert_true(rank_compare(RANK_LOSS, &high, &low) > 0);
    /* A huge loss is no divergence, and loses the tie only. */
    assert_true(rank_compare(RANK_LAST, &tie, &high) < 0);
    assert_true(rank_compare(RANK_LAST, &none, &high) > 0);
    assert_true(rank_compare(RANK_LAST, &low, &training) < 0);
    assert_int_equal(rank_compare(RANK_LAST, &tie, &tie), 0);
    /* The same five in another order. */
    struct merit sum = {((0.1 + 0.2) + 0.3) / 3, 0.5, 1, 0, 0},
                 other = {(0.1 + (0.2 + 0.3)) / 3, 0.4, 1, 0, 0};
    assert_true(sum.figure > other.figure);
    assert_true(rank_compare(RANK_MEAN5, &other, &sum) < 0);
}

/* What cannot be judged is left out, and equals stand as they came. */
static void all_of_them(void **state)
{
    (void)state;
    struct made made[5];
    struct run *run[5];
    for (int i = 0; i < 5; i++) {
        validated(&made[i], i == 3 ? (double[]){0.9, 0} : (double[]){0.5, 0.6, 0}, 1);
        run[i] = &made[i].run;
    }
    made[1].run.validation.count = 0;
    made[4].validation[1].loss = 0.5;
    size_t count;
    struct ranked *row = rank_runs(run, 5, RANK_LAST, 0, &count);
    const struct run *const wanted[] = {run[3], run[4], run[0], run[2]};
    assert_int_equal(count, 4);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(row[i].run, wanted[i]);
    free(row);
    row = rank_runs(run, 5, RANK_LAST, 2, &count);
    assert_int_equal(count, 3);
    assert_ptr_equal(row[0].run, run[4]);
    free(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_rules),
        cmocka_unit_test(kept),
        cmocka_unit_test(without_validation),
        cmocka_unit_test(divergence),
        cmocka_unit_test(order),
        cmocka_unit_test(all_of_them),
    };
    return RUN_TESTS(tests);
}
