/* resize() against its formula in double precision, and where the answer is known. */
#include "tools/fetch/decoding/resize.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct pixels make(uint32_t height, uint32_t width, uint32_t channels)
{
    struct pixels pixels = {0};
    assert_int_equal(pixels_shape(&pixels, height, width, channels), 0);
    for (size_t i = 0; i < (size_t)height * width * channels; i++)
        pixels.data[i] = (uint8_t)(i * i * 13 + i * 101);
    return pixels;
}

/* The weight of input j for output i along an axis of n inputs and m outputs: a triangle around the
 * output's centre, one input wide when it grows, one output wide when it shrinks. */
static double weight(uint32_t i, uint32_t j, uint32_t n, uint32_t m)
{
    double scale = (double)n / m, reach = scale > 1 ? scale : 1;
    double distance = fabs((j + 0.5) - (i + 0.5) * scale) / reach;
    return distance < 1 ? 1 - distance : 0;
}

static double exact(const struct pixels *in, uint32_t height, uint32_t width, uint32_t y,
                    uint32_t x, uint32_t c)
{
    double sum = 0, whole = 0;
    for (uint32_t j = 0; j < in->height; j++)
        for (uint32_t k = 0; k < in->width; k++) {
            double w = weight(y, j, in->height, height) * weight(x, k, in->width, width);
            sum += w * in->data[((size_t)j * in->width + k) * in->channels + c];
            whole += w;
        }
    return sum / whole;
}

/* Half a step of rounding, and half of 1/256 between the two passes. */
static void test_formula(void **state)
{
    (void)state;
    static const uint32_t size[][4] = {{9, 7, 3, 2},  {5, 6, 13, 17}, {8, 8, 8, 8},    {1, 1, 4, 3},
                                       {7, 12, 1, 1}, {10, 3, 7, 5},  {31, 33, 32, 32}};
    for (size_t s = 0; s < sizeof size / sizeof *size; s++) {
        uint32_t height = size[s][2], width = size[s][3];
        struct pixels in = make(size[s][0], size[s][1], s % 2 ? 1 : 3), out = {0};
        assert_int_equal(resize(&in, height, width, &out), 0);
        assert_int_equal(out.channels, in.channels);
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++)
                for (uint32_t c = 0; c < in.channels; c++) {
                    double is = out.data[((size_t)y * width + x) * in.channels + c];
                    assert_true(fabs(is - exact(&in, height, width, y, x, c)) <= 0.5 + 0.002);
                }
        pixels_free(&in);
        pixels_free(&out);
    }
}

static void test_same_size_is_a_copy(void **state)
{
    (void)state;
    struct pixels in = make(6, 5, 3), out = {0};
    assert_int_equal(resize(&in, 6, 5, &out), 0);
    assert_memory_equal(out.data, in.data, 6 * 5 * 3);
    pixels_free(&in);
    pixels_free(&out);
}

/* Flat stays flat at any size, white included: the sums do not overflow. */
static void test_flat_and_extreme(void **state)
{
    (void)state;
    struct pixels in = make(3, 65535, 1), out = {0};
    memset(in.data, 255, 3 * 65535);
    assert_int_equal(resize(&in, 65535, 1, &out), 0);
    for (int i = 0; i < 65535; i++)
        assert_int_equal(out.data[i], 255);
    assert_int_equal(resize(&out, 2, 3, &in), 0);
    assert_memory_equal(in.data, "\xff\xff\xff\xff\xff\xff", 6);
    assert_int_equal(resize(&in, 0, 3, &out), -1);
    pixels_free(&in);
    pixels_free(&out);
}

/* Columns come first: a tall image would be wide and tall in between, 8 GB here. */
static void test_between_is_bounded(void **state)
{
    (void)state;
    struct pixels in = make(65535, 1, 1), out = {0};
    assert_int_equal(resize(&in, 1, 65535, &out), -1);
    assert_non_null(strstr(why(), "65535 x 65535"));
    pixels_free(&in);
    pixels_free(&out);
}

/* What a fit gives is a resize() of the whole or the middle, and black; the sizes are written out.
 */
static void test_fits(void **state)
{
    (void)state;
    static const struct {
        uint32_t in[2], to[2], inner[2], at[2];
        enum fit fit;
    } want[] = {
        {{4, 8}, {6, 6}, {3, 6}, {1, 0}, FIT_PAD},
        {{8, 4}, {6, 6}, {6, 3}, {0, 1}, FIT_PAD},
        {{3, 1000}, {8, 8}, {1, 8}, {3, 0}, FIT_PAD},
        {{5, 5}, {4, 4}, {4, 4}, {0, 0}, FIT_PAD},
        {{10, 20}, {3, 7}, {3, 6}, {0, 0}, FIT_PAD},
        {{4, 9}, {6, 6}, {4, 4}, {0, 2}, FIT_CROP},
        {{9, 4}, {2, 2}, {4, 4}, {2, 0}, FIT_CROP},
        {{10, 10}, {4, 8}, {5, 10}, {2, 0}, FIT_CROP},
        {{1, 1000}, {8, 8}, {1, 1}, {0, 499}, FIT_CROP},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        uint32_t channels = i % 2 ? 1 : 3, height = want[i].to[0], width = want[i].to[1];
        struct pixels in = make(want[i].in[0], want[i].in[1], channels), part = {0}, wanted = {0},
                      out = {0};
        if (want[i].fit == FIT_PAD) {
            assert_int_equal(resize(&in, want[i].inner[0], want[i].inner[1], &part), 0);
            assert_int_equal(pixels_shape(&wanted, height, width, channels), 0);
            memset(wanted.data, 0, (size_t)height * width * channels);
        } else {
            assert_int_equal(pixels_shape(&part, want[i].inner[0], want[i].inner[1], channels), 0);
        }
        const struct pixels *small = &part;
        for (uint32_t y = 0; y < small->height; y++)
            for (uint32_t x = 0; x < small->width; x++)
                for (uint32_t c = 0; c < channels; c++) {
                    const struct pixels *large = want[i].fit == FIT_PAD ? &wanted : &in;
                    size_t there =
                        ((y + want[i].at[0]) * large->width + x + want[i].at[1]) * channels + c;
                    size_t here = (y * small->width + x) * channels + c;
                    if (want[i].fit == FIT_PAD)
                        wanted.data[there] = part.data[here];
                    else
                        part.data[here] = in.data[there];
                }
        if (want[i].fit == FIT_CROP)
            assert_int_equal(resize(&part, height, width, &wanted), 0);
        assert_int_equal(resize_to_fit(&in, height, width, want[i].fit, &out), 0);
        assert_int_equal(out.height, height);
        assert_int_equal(out.width, width);
        assert_memory_equal(out.data, wanted.data, (size_t)height * width * channels);
        pixels_free(&in);
        pixels_free(&part);
        pixels_free(&wanted);
        pixels_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula),
        cmocka_unit_test(test_same_size_is_a_copy),
        cmocka_unit_test(test_flat_and_extreme),
        cmocka_unit_test(test_between_is_bounded),
        cmocka_unit_test(test_fits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
