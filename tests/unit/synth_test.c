/* synth:shapes: the bytes that are promised, and the laws that the figures keep. */
#include "tools/fetch/sources/synth.h"

#include "message.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

static struct synth set(const char *name)
{
    struct synth synth;
    assert_int_equal(synth_parse(name, &synth), 0);
    return synth;
}

static uint64_t digest(const struct synth *synth, uint32_t label, uint32_t number)
{
    uint8_t pixels[SYNTH_BYTES];
    synth_draw(synth, label, number, pixels);
    return XXH3_64bits(pixels, sizeof pixels);
}

static void test_sources(void **state)
{
    (void)state;
    struct synth synth = set("synth:shapes");
    assert_string_equal(synth.name, "synth:shapes");
    assert_int_equal(synth.per_class, 1000);
    synth = set("synth:shapes/test");
    assert_string_equal(synth.name, "synth:shapes/test");
    assert_int_equal(synth.per_class, 200);

    assert_int_equal(synth_parse("synth:shape", &synth), -1);
    assert_non_null(strstr(why(), "synth:shape:"));
    assert_non_null(strstr(why(), "synth:shapes/test"));
    assert_int_equal(synth_parse("synth:shapes/", &synth), -1);
    assert_int_equal(synth_parse("", &synth), -1);
}

static void test_classes_are_sorted(void **state)
{
    (void)state;
    for (int i = 1; i < SYNTH_CLASSES; i++)
        assert_true(strcmp(synth_class[i - 1], synth_class[i]) < 0);
}

/* A digest of the digests of images 0 … 99 of each class. */
static void test_promised_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        uint64_t digest[SYNTH_CLASSES];
    } promised[] = {
        {"synth:shapes",
         {0xee6c1d7af5ecbec9, 0x167ff1e2c2b60393, 0x88a5ba8285e8bc08, 0xcbfbc530328af636,
          0x39e9ab279a7aaa43, 0xa74be6ba20601ce9, 0x49682459fc2ac3ff, 0x56f7daee4bd4172b,
          0x9164c2a8ceab7332, 0xf4d44c19ce2c3e5c}},
        {"synth:shapes/test",
         {0xe3ec5724639acfd6, 0x5c9d3ba072dd27e9, 0x751777c2438161f0, 0x42fa62f0f379ed55,
          0x59b2daf9d4fe9745, 0xb26621cfd5a85303, 0x9ccb7243d0d12d51, 0x654ae23b6cb905ba,
          0x50de886e0fc4fd71, 0x2d274b0f656253f7}},
    };
    for (size_t s = 0; s < sizeof promised / sizeof promised[0]; s++) {
        struct synth synth = set(promised[s].source);
        for (uint32_t label = 0; label < SYNTH_CLASSES; label++) {
            uint64_t of_image[100];
            for (uint32_t number = 0; number < 100; number++)
                of_image[number] = digest(&synth, label, number);
            assert_int_equal(XXH3_64bits(of_image, sizeof of_image), promised[s].digest[label]);
        }
    }
}

static void test_same_image_twice(void **state)
{
    (void)state;
    struct synth synth = set("synth:shapes");
    uint64_t first = digest(&synth, 3, 14);
    digest(&synth, 1, 59);
    assert_int_equal(digest(&synth, 3, 14), first);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_all_images_differ(void **state)
{
    (void)state;
    enum { NUMBERS = 100, IMAGES = 2 * SYNTH_CLASSES * NUMBERS };
    struct synth train = set("synth:shapes"), test = set("synth:shapes/test");
    static uint64_t seen[IMAGES];
    uint64_t *next = seen;
    for (uint32_t label = 0; label < SYNTH_CLASSES; label++)
        for (uint32_t number = 0; number < NUMBERS; number++) {
            *next++ = digest(&train, label, number);
            *next++ = digest(&test, label, number);
        }
    qsort(seen, IMAGES, sizeof seen[0], compare);
    for (int i = 1; i < IMAGES; i++)
        assert_int_not_equal(seen[i - 1], seen[i]);
}

/* A flip must not change the class: every figure is its own mirror image. The bounds are those of
 * synth.h. */
static void test_figures(void **state)
{
    (void)state;
    const double step = 0.01;
    for (int label = 0; label < SYNTH_CLASSES; label++) {
        double area = 0;
        for (double x = -2; x < 2; x += step)
            for (double y = -2; y < 2; y += step) {
                double distance = synth_figure(label, x, y);
                assert_true(fabs(distance - synth_figure(label, -x, y)) < 1e-12);
                if (distance >= 0)
                    continue;
                area += step * step;
                assert_true(x * x + y * y < FIGURE_REACH * FIGURE_REACH);
            }
        assert_true(area > 2.3 && area < 2.9);
    }
}

/* The nearest pair, circle and hexagon, still differ in a fifteenth of their area. */
static void test_figures_differ(void **state)
{
    (void)state;
    const double step = 0.02;
    for (int a = 0; a < SYNTH_CLASSES; a++)
        for (int b = 0; b < a; b++) {
            double apart = 0;
            for (double x = -2; x < 2; x += step)
                for (double y = -2; y < 2; y += step)
                    if ((synth_figure(a, x, y) < 0) != (synth_figure(b, x, y) < 0))
                        apart += step * step;
            assert_true(apart > 0.15);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),           cmocka_unit_test(test_classes_are_sorted),
        cmocka_unit_test(test_promised_bytes),    cmocka_unit_test(test_same_image_twice),
        cmocka_unit_test(test_all_images_differ), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_figures_differ),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
