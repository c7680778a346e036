/* What a model is shown with --tta, and the mean of what it says. */
#include "looks.h"

#include "tap.h"

#include <math.h>
#include <string.h>

/* Each look at an image of one channel, one after the other. */
static void expect(const struct looks *looks, const struct image *image, uint32_t height,
                   uint32_t width, const uint8_t *wanted)
{
    for (uint32_t l = 0; l < looks->count; l++, wanted += height * width) {
        uint8_t drawn[17];
        memset(drawn, 99, sizeof drawn);
        look_draw(&looks->look[l], image, height, width, drawn);
        assert_memory_equal(drawn, wanted, (size_t)height * width);
        assert_int_equal(drawn[height * width], 99);
    }
}

static void what_is_looked_at(void **state)
{
    static const uint8_t small[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t large[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct image image = {.height = 2, .width = 3, .channels = 1, .pixels = small};
    struct looks none = looks_of(NULL), flip = looks_of("flip"), shifts = looks_of("shifts");
    (void)state;
    expect(&none, &image, 2, 3, small);
    expect(&flip, &image, 2, 3, (uint8_t[]){1, 2, 3, 4, 5, 6, 3, 2, 1, 6, 5, 4});
    /* Edges go on outside … */
    expect(&shifts, &image, 2, 3,
           (uint8_t[]){1, 2, 3, 4, 5, 6, 3, 2, 1, 6, 5, 4, 5, 6, 6, 5, 6, 6,
                       6, 6, 5, 6, 6, 5, 1, 1, 2, 1, 1, 2, 2, 1, 1, 2, 1, 1});
    /* … of the image, not of a window in its middle. */
    image = (struct image){.height = 4, .width = 4, .channels = 1, .pixels = large};
    expect(&shifts, &image, 2, 2, (uint8_t[]){6,  7,  10, 11, 7, 6, 11, 10, 11, 12, 15, 16,
                                              12, 11, 16, 15, 1, 2, 5,  6,  2,  1,  6,  5});
    /* Channels stay together. */
    image = (struct image){.height = 1, .width = 2, .channels = 2, .pixels = small};
    uint8_t drawn[4];
    look_draw(&shifts.look[3], &image, 1, 2, drawn);
    assert_memory_equal(drawn, ((uint8_t[]){3, 4, 3, 4}), 4);
}

static void means(void **state)
{
    struct looks flip = looks_of("flip"), shifts = looks_of("shifts");
    float two[] = {0.25F, 0.75F, 0.5F, 0.5F};
    float six[] = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, NAN, 1};
    (void)state;
    looks_mean(&flip, two, 2);
    assert_true(two[0] == 0.375F && two[1] == 0.625F);
    looks_mean(&shifts, six, 2);
    assert_true(isnan(six[0]) && six[1] == 0.25F + 0.125F + 0.125F);
    /* The unmoved ones have half of the weight. */
    double unmoved = 0, all = 0;
    for (uint32_t l = 0; l < shifts.count; l++) {
        all += shifts.look[l].weight;
        unmoved += shifts.look[l].down == 0 ? shifts.look[l].weight : 0;
    }
    assert_true(all == 1 && unmoved == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_looked_at),
        cmocka_unit_test(means),
    };
    return RUN_TESTS(tests);
}
