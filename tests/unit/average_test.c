/* Averages of the weights, with values by hand. */
#include "average.h"
#include "message.h"

#include "tap.h"

#include <math.h>
#include <string.h>

static struct averaging read_text(const char *text)
{
    struct averaging averaging = {0};
    assert_int_equal(average_read(text, &averaging), 0);
    return averaging;
}

static void exponential(void **state)
{
    (void)state;
    struct averaging ema = read_text("ema:0.75");
    float average[2] = {0, 8}, weights[2] = {4, 8};
    assert_true(average_is_due(&ema, 1) && average_is_due(&ema, 2));
    assert_int_equal(average_step(&ema, 1, 2, average, weights), 0);
    assert_true(average[0] == 1 && average[1] == 8);
    assert_int_equal(average_step(&ema, 2, 2, average, weights), 0);
    assert_true(average[0] == 1.75 && average[1] == 8);
    assert_true(weights[0] == 4 && weights[1] == 8);
}

static void lookahead(void **state)
{
    (void)state;
    struct averaging ahead = read_text("lookahead:5:0.5");
    float average[2] = {1, 8}, weights[2] = {2, 4};
    assert_false(average_is_due(&ahead, 4));
    assert_true(average_is_due(&ahead, 5) && average_is_due(&ahead, 10));
    assert_int_equal(average_step(&ahead, 5, 2, average, weights), 1);
    assert_true(average[0] == 1.5 && average[1] == 6);
    assert_true(weights[0] == 1.5 && weights[1] == 6);
}

/* A_t from 1 at the beginning to A at the horizon, and so behind it. */
static void lookahead_that_closes(void **state)
{
    (void)state;
    struct averaging ahead = read_text("lookahead:1:0.25:2");
    struct {
        uint64_t iteration;
        double share;
    } wanted[] = {{1, 1 - 0.75 / 64}, {4, 1 - 0.75 / 4}, {8, 0.25}, {9, 0.25}};
    ahead.horizon = 8;
    for (int i = 0; i < 4; i++) {
        float average[1] = {0}, weights[1] = {1};
        average_step(&ahead, wanted[i].iteration, 1, average, weights);
        assert_true(fabs(average[0] - wanted[i].share) < 1e-7);
    }
}

static void texts_that_are_none(void **state)
{
    static const char *const text[] = {
        "",
        "ema",
        "ema:",
        "ema:1",
        "ema:0",
        "ema:0.9:3",
        "ema:0.9x",
        "emas:0.9",
        "lookahead:5",
        "lookahead:0:0.5",
        "lookahead:",
        "lookahead:5:0",
        "lookahead:5:1.1",
        "lookahead:2.5:1",
        "lookahead:5:0.5:-1",
        "ema:nan",
        "lookahead:5:0.5:1:1",
    };
    struct averaging averaging = {.kind = AVERAGE_NONE};
    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        assert_int_equal(average_read(text[i], &averaging), -1);
    assert_non_null(strstr(why(), "ema:D, with D between 0 and 1"));
    assert_false(average_is_due(&averaging, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential),
        cmocka_unit_test(lookahead),
        cmocka_unit_test(lookahead_that_closes),
        cmocka_unit_test(texts_that_are_none),
    };
    return RUN_TESTS(tests);
}
