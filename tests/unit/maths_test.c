/* The project's exp, log, sin and cos against a longer type of the C library, and their special
 * values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "nn/maths.h"
#include "random.h"

/* Units in the last place of a double between a value and the exact one. */
static double units_off(double value, long double exact)
{
    int exponent;
    frexp((double)exact, &exponent);
    return (double)fabsl((value - exact) / ldexpl(1, (exponent < -1021 ? -1021 : exponent) - 53));
}

/* The largest error of a function over n numbers between low and high, evenly spread. */
static double worst_of(double (*ours)(double), long double (*theirs)(long double), double low,
                       double high)
{
    double worst = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        struct random r = philox(1, 0, i, PURPOSE_SYNTH);
        double x = low + (high - low) * (random_unit(r.word[0]) + random_unit(r.word[1]) * 0x1p-24);
        double off = units_off(ours(x), theirs(x));
        if (off > worst)
            worst = off;
    }
    return worst;
}

static void test_exp_is_close(void **state)
{
    (void)state;
    double range[][2] = {{-1, 1}, {-40, 0}, {-708, 709}, {-745, -708}, {-1e-3, 1e-3}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        double worst = worst_of(maths_exp, expl, range[i][0], range[i][1]);
        printf("# exp on %g … %g: at most %.3f units off\n", range[i][0], range[i][1], worst);
        assert_true(worst < 1.0);
    }
}

static void test_log_is_close(void **state)
{
    (void)state;
    double range[][2] = {{0.7, 1.5},    {1, 10}, {1, 1e300}, {1e-10, 1}, {0x1p-1074, 0x1p-1022},
                         {0.999, 1.001}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        double worst = worst_of(maths_log, logl, range[i][0], range[i][1]);
        printf("# log on %g … %g: at most %.3f units off\n", range[i][0], range[i][1], worst);
        assert_true(worst < 1.0);
    }
}

static void test_sin_and_cos_are_close(void **state)
{
    (void)state;
    double range[][2] = {{-0.8, 0.8}, {-10, 10}, {3.1415926, 3.1415927}, {-0x1p20, 0x1p20}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        double sine = worst_of(maths_sin, sinl, range[i][0], range[i][1]);
        double cosine = worst_of(maths_cos, cosl, range[i][0], range[i][1]);
        printf("# on %g … %g: sin at most %.3f units off, cos %.3f\n", range[i][0], range[i][1],
               sine, cosine);
        assert_true(sine < 1.0 && cosine < 1.0);
    }
}

static void test_special_values(void **state)
{
    (void)state;
    assert_true(maths_exp(0) == 1 && maths_exp(-0.0) == 1);
    assert_true(maths_exp(INFINITY) == INFINITY && maths_exp(-INFINITY) == 0);
    assert_true(maths_exp(1000) == INFINITY && maths_exp(-1000) == 0);
    assert_true(isfinite(maths_exp(709.78)) && maths_exp(709.79) == INFINITY);
    assert_true(maths_exp(-745.13) == 0x1p-1074 && maths_exp(-745.14) == 0);
    assert_true(isnan(maths_exp(NAN)));
    assert_true(maths_log(1) == 0);
    assert_true(maths_log(0) == -INFINITY && maths_log(INFINITY) == INFINITY);
    assert_true(isnan(maths_log(-1)) && isnan(maths_log(NAN)));
    assert_true(maths_sin(0) == 0 && maths_cos(0) == 1 && maths_cos(-0.0) == 1);
    assert_true(isnan(maths_sin(0x1p21)) && isnan(maths_cos(INFINITY)) && isnan(maths_sin(NAN)));
}

/* As far as the bias corrections of an optimiser need it: 1 - x^n. */
static void test_power_is_close(void **state)
{
    (void)state;
    const double bases[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
    double most = 0;
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        for (uint64_t n = 1; n < 1 << 20; n += n / 7 + 1) {
            long double expected = 1 - powl(bases[i], (long double)n);
            most = fmax(most,
                        (double)fabsl(1 - maths_power(bases[i], n) - expected) / (double)expected);
        }
    printf("# 1 - x^n: relative error at most %.1e\n", most);
    assert_true(most < 1e-12); /* 1 - 0.9999 alone is off by 1e-12 of itself */
    assert_true(maths_power(0, 0) == 1 && maths_power(0, 3) == 0 && maths_power(-2, 3) == -8);
    assert_true(maths_power(0.9, UINT64_MAX) == 0);
}

/* These bits are promised to every machine. */
static void test_bits_are_fixed(void **state)
{
    (void)state;
    assert_true(maths_exp(1) == 0x1.5bf0a8b14576ap+1);
    assert_true(maths_exp(-10.25) == 0x1.2899a7a835446p-15);
    assert_true(maths_log(10) == 0x1.26bb1bbb55516p+1);
    assert_true(maths_log(0.3) == -0x1.34378fcbda721p+0);
    assert_true(maths_power(0.999, 1000) == 0x1.788526411edacp-2);
    assert_true(maths_sin(1) == 0x1.aed548f090ceep-1);
    assert_true(maths_sin(-100.25) == 0x1.1bf00980dc35cp-2);
    assert_true(maths_cos(10) == -0x1.ad9ac890c6b1fp-1);
    assert_true(maths_cos(0.3) == 0x1.e921dd42f09bap-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_close),          cmocka_unit_test(test_log_is_close),
        cmocka_unit_test(test_sin_and_cos_are_close), cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_power_is_close),        cmocka_unit_test(test_bits_are_fixed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
