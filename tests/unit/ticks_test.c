#include "tools/plot/ticks.h"

#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Labels of all ticks, joined by blanks. */
static const char *labels(double low, double high, int most, double smallest)
{
    static char all[512];
    struct ticks ticks = ticks_make(low, high, most, smallest);
    all[0] = 0;
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", text);
    }
    return all;
}

static void round_numbers(void **state)
{
    (void)state;
    assert_string_equal(labels(0, 100, 6, 0), "0 20 40 60 80 100");
    assert_string_equal(labels(0, 100, 11, 0), "0 10 20 30 40 50 60 70 80 90 100");
    assert_string_equal(labels(0, 10530, 4, 1), "0 5000 10000");
    assert_string_equal(labels(0, 0.3, 4, 0), "0.0 0.1 0.2 0.3");
    assert_string_equal(labels(0.71, 0.79, 5, 0), "0.72 0.74 0.76 0.78");
    assert_string_equal(labels(-0.1, 0.1, 3, 0), "-0.1 0.0 0.1");
    assert_string_equal(labels(0, 9e6, 4, 0), "0 5000000");
    assert_string_equal(labels(0, 1.5e30, 4, 0), "0 5e29 1e30 1.5e30");
}

/* An axis that counts has no half steps. */
static void whole_steps(void **state)
{
    (void)state;
    assert_string_equal(labels(1, 3, 9, 1), "1 2 3");
    assert_string_equal(labels(0, 1, 9, 1), "0 1");
}

/* For all lengths: never too many, all inside, both neighbours outside. */
static void bounds(void **state)
{
    (void)state;
    for (double high = 1e-3; high < 1e6; high *= 1.37)
        for (int most = 2; most < 12; most++) {
            double low = high / 7;
            struct ticks ticks = ticks_make(low, high, most, 0);
            double slack = ticks.step * 1e-6;
            assert_in_range(ticks.count, 0, most);
            assert_true(ticks.first >= low - slack);
            assert_true(tick_value(&ticks, ticks.count - 1) <= high + slack);
            assert_true(tick_value(&ticks, ticks.count) > high - slack);
            assert_true(tick_value(&ticks, -1) < low + slack);
        }
}

static void nothing_to_divide(void **state)
{
    (void)state;
    assert_string_equal(labels(5, 5, 4, 0), "5");
    assert_string_equal(labels(NAN, 1, 4, 0), "");
    assert_string_equal(labels(0, INFINITY, 4, 0), "");
    assert_string_equal(labels(2, 1, 4, 0), "");
}

static void widening(void **state)
{
    (void)state;
    double low = 0.553, high = 0.787;
    ticks_widen(&low, &high, 8);
    assert_true(fabs(low - 0.55) < 1e-12 && fabs(high - 0.8) < 1e-12);
    assert_true(ticks_make(low, high, 8, 0).count <= 8);
    low = high = 3;
    ticks_widen(&low, &high, 8);
    assert_true(low == 3 && high == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_numbers), cmocka_unit_test(whole_steps),
        cmocka_unit_test(bounds),        cmocka_unit_test(nothing_to_divide),
        cmocka_unit_test(widening),
    };
    return RUN_TESTS(tests);
}
