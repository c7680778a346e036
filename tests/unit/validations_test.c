/* Which validation is the best, and for how long none was better. */
#include "validations.h"

#include "tap.h"

#include <math.h>

/* The iteration of the best, 1 being the first, and how many came after it in vain. */
static void expect(int by_accuracy, uint64_t best, uint64_t in_vain, size_t count,
                   const double (*told)[2])
{
    struct validations validations = {.last = 0};
    for (size_t i = 0; i < count; i++) {
        struct validation validation = {1, i + 1, told[i][0], told[i][1]};
        int better = validations_add(&validations, &validation, by_accuracy);
        assert_int_equal(better, validations.best.iteration == i + 1);
    }
    assert_int_equal(validations.best.iteration, best);
    assert_int_equal(validations.in_vain, in_vain);
    assert_int_equal(validations.last, count);
}

static void by_loss_and_by_accuracy(void **state)
{
    static const double told[][2] = {{2, 0.1}, {1, 0.5},   {1.5, 0.7},
                                     {1, 0.6}, {1.4, 0.7}, {1.4, 0.7}};
    (void)state;
    expect(0, 2, 4, 6, told); /* an equal loss is not smaller */
    expect(1, 5, 1, 6, told); /* of equal accuracies the smaller loss */
    expect(1, 3, 1, 4, told);
}

static void what_is_no_number_is_never_better(void **state)
{
    static const double told[][2] = {{NAN, 0.9}, {INFINITY, 0.9}, {9, 0}, {NAN, 0.5}};
    (void)state;
    expect(0, 3, 1, 4, told);
    expect(1, 3, 1, 4, told);
    expect(0, 0, 2, 2, told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_loss_and_by_accuracy),
        cmocka_unit_test(what_is_no_number_is_never_better),
    };
    return RUN_TESTS(tests);
}
