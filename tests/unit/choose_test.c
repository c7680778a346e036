#include "tools/augment/choose.h"

#include "tap.h"

static const uint8_t pixels[2 * 3 * 1] = {1, 2, 3, 4, 5, 6};
static const struct image image = {
    .id = 5, .height = 2, .width = 3, .channels = 1, .pixels = pixels};

/* Every shift of -4 … 4 comes up, about equally often in both directions, and half of the views are
 * flipped. */
static void choices_are_spread(void **state)
{
    struct view_options options = {.seed = 3, .shift = 4, .flip = 0.5};
    int rows[9] = {0}, columns[9] = {0}, flips = 0, both = 0;
    (void)state;
    for (uint32_t epoch = 1; epoch <= 9000; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        rows[view.row + 4]++;
        columns[view.column + 4]++;
        flips += view.flip;
        both += view.row == view.column;
    }
    for (int i = 0; i < 9; i++) {
        assert_in_range(rows[i], 850, 1150);
        assert_in_range(columns[i], 850, 1150);
    }
    assert_in_range(flips, 4300, 4700);
    assert_in_range(both, 850, 1150); /* row and column do not follow each other */
}

static void windows(void **state)
{
    struct view_options options = {.seed = 3, .crop = {1, 2}, .flip = 0};
    int seen[2][2] = {{0}};
    (void)state;
    for (uint32_t epoch = 1; epoch <= 100; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        assert_in_range(view.row, 0, 1);
        assert_in_range(view.column, 0, 1);
        assert_int_equal(view.height, 1);
        seen[view.row][view.column] = 1;
    }
    assert_true(seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_spread),
        cmocka_unit_test(windows),
    };
    return RUN_TESTS(tests);
}
