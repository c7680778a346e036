/* Which views are chosen: their ranges, and the maps and colours that are made of them. */
#include "choice.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const struct image image = {.id = 5, .height = 20, .width = 30, .channels = 3};

/* Options settled for a set whose channels have these means. */
static struct view_options settled(struct view_options options, uint32_t channels)
{
    struct images_about about = {
        .channels = channels, .counts = {[SPLIT_TRAIN] = 9}, .mean = {100.4, 50.5, 200, 90}};
    options.fill = options.fill ? options.fill : "black";
    options.scale[0] = options.scale[0] > 0 ? options.scale[0] : 1;
    options.scale[1] = options.scale[1] > 0 ? options.scale[1] : 1;
    assert_int_equal(view_options_settle(&options, &about), 0);
    return options;
}
#define SETTLED(...) settled((struct view_options){.seed = 3, __VA_ARGS__}, 3)

/* Every shift of -4 … 4 comes up, about equally often in both directions, and half of the views are
 * flipped. */
static void choices_are_spread(void **state)
{
    struct view_options options = SETTLED(.shift = {4, 4}, .flip = 0.5, .flip_vertical = 0.25);
    int rows[9] = {0}, columns[9] = {0}, flips = 0, upside_down = 0, both = 0, same = 0;
    (void)state;
    for (uint32_t epoch = 1; epoch <= 9000; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        rows[view.row + 4]++;
        columns[view.column + 4]++;
        flips += view.flip;
        upside_down += view.upside_down;
        both += view.flip && view.upside_down;
        same += view.row == view.column;
    }
    for (int i = 0; i < 9; i++) {
        assert_in_range(rows[i], 850, 1150);
        assert_in_range(columns[i], 850, 1150);
    }
    assert_in_range(flips, 4300, 4700);
    assert_in_range(upside_down, 2100, 2400);
    assert_in_range(both, 1000, 1250);
    assert_in_range(same, 850, 1150); /* row and column do not follow each other */
}

static void rows_and_columns_have_their_own_shifts(void **state)
{
    struct view_options options = SETTLED(.shift = {1, 3});
    int least[2] = {9, 9}, most[2] = {-9, -9};
    (void)state;
    for (uint32_t epoch = 1; epoch <= 200; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        int32_t place[2] = {view.row, view.column};
        for (int i = 0; i < 2; i++) {
            least[i] = place[i] < least[i] ? place[i] : least[i];
            most[i] = place[i] > most[i] ? place[i] : most[i];
        }
    }
    assert_true(least[0] == -1 && most[0] == 1 && least[1] == -3 && most[1] == 3);
}

static void windows(void **state)
{
    struct view_options options = SETTLED(.crop = {19, 28}, .flip = 0);
    int seen[2][3] = {{0}};
    (void)state;
    for (uint32_t epoch = 1; epoch <= 100; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        assert_in_range(view.row, 0, 1);
        assert_in_range(view.column, 0, 2);
        assert_int_equal(view.height, 19);
        assert_int_equal(view.width, 28);
        seen[view.row][view.column] = 1;
    }
    for (int i = 0; i < 6; i++)
        assert_true(seen[i / 3][i % 3]);
}

/* Half of the images are flipped in the first epoch, and each in turns from then on. */
static void flips_in_turns(void **state)
{
    struct view_options options = SETTLED(.flip = 0.5, .alternate = 1);
    int flips = 0;
    (void)state;
    for (uint64_t id = 0; id < 2000; id++) {
        struct image one = {.id = id, .height = 2, .width = 2, .channels = 3};
        int first = view_random(&options, 1, &one).flip;
        flips += first;
        for (uint32_t epoch = 2; epoch < 6; epoch++)
            assert_int_equal(view_random(&options, epoch, &one).flip, first ^ (epoch % 2 == 0));
    }
    assert_in_range(flips, 900, 1100);
}

/* As they were when there were no others: epochs on end in the bytes of runs. */
static void shifts_and_flips_are_fixed(void **state)
{
    static const struct {
        uint32_t epoch, id;
        int32_t row, column;
        int flip;
    } known[] = {{1, 0, 0, -3, 0}, {1, 1, 0, 0, 0},  {1, 2, -1, -1, 1}, {1, 3, 3, 4, 1},
                 {1, 4, -1, 3, 0}, {2, 0, -1, 1, 0}, {2, 1, 1, 1, 0},   {2, 3, 2, -3, 1}};
    struct view_options options = SETTLED(.shift = {4, 4}, .flip = 0.5);
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct image one = {.id = known[i].id, .height = 32, .width = 32, .channels = 3};
        struct view view = view_random(&options, known[i].epoch, &one);
        assert_int_equal(view.row, known[i].row);
        assert_int_equal(view.column, known[i].column);
        assert_int_equal(view.flip, known[i].flip);
    }
}

/* What was chosen before there were others stays what it was beside them. */
static void other_steps_change_no_shift(void **state)
{
    struct view_options plain = SETTLED(.shift = {4, 4}, .flip = 0.5),
                        rich = SETTLED(.shift = {4, 4}, .flip = 0.5, .flip_vertical = 0.5,
                                       .rotate = 30, .shear = 5, .scale = {0.5, 2}, .hue = 0.2,
                                       .brightness = 1, .cutout = 4, .fill = "reflect");
    (void)state;
    assert_true(view_options_plain(&plain));
    assert_false(view_options_plain(&rich));
    for (uint32_t epoch = 1; epoch <= 50; epoch++) {
        struct view a = view_random(&plain, epoch, &image), b = view_random(&rich, epoch, &image);
        assert_true(a.row == b.row && a.column == b.column && a.flip == b.flip);
        assert_true(view_is_plain(&a));
        assert_true(b.mapped && b.coloured && b.cutout == 4 && b.fill == FILL_REFLECT);
    }
}

/* The least and the most of one number of the views of many epochs are near the ends of its range.
 */
static void expect_range(const struct view_options *options, size_t offset, double low, double high)
{
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (uint32_t epoch = 1; epoch <= 500; epoch++) {
        struct view view = view_random(options, epoch, &image);
        int32_t number;
        memcpy(&number, (const char *)&view + offset, sizeof number);
        least = number < least ? number : least;
        most = number > most ? number : most;
    }
    double slack = 0.02 * (high - low);
    assert_true(least >= (int32_t)(low - 1) && least <= low + slack);
    assert_true(most <= (int32_t)(high + 1) && most >= high - slack);
}

static void ranges(void **state)
{
    struct view_options options = SETTLED(.rotate = 30);
    (void)state;
    expect_range(&options, offsetof(struct view, map[1]), -32768, 32768);
    options = SETTLED(.scale = {0.5, 2});
    expect_range(&options, offsetof(struct view, map[0]), 32768, 131072);
    options = SETTLED(.shear = 45);
    expect_range(&options, offsetof(struct view, map[2]), -65536, 65536);
    options = SETTLED(.brightness = 0.25);
    expect_range(&options, offsetof(struct view, colour[0]), 3072, 5120);
    options = SETTLED(.contrast = 3);
    expect_range(&options, offsetof(struct view, colour[0]), 0, 16384);
    options = SETTLED(.saturation = 1); /* green from red: 0.299·(1 - s) */
    expect_range(&options, offsetof(struct view, colour[4]), -1225, 1225);
    options = SETTLED(.hue = 0.05); /* blue from red: as below for ±18° */
    expect_range(&options, offsetof(struct view, colour[8]), -1521, 1642);
    options = SETTLED(.cutout = 8);
    expect_range(&options, offsetof(struct view, cut_row), -4, 15);
    expect_range(&options, offsetof(struct view, cut_column), -4, 25);
}

static void expect_numbers(const int32_t *got, const int32_t *wanted, int count)
{
    for (int i = 0; i < count; i++)
        if (got[i] != wanted[i])
            fail_msg("number %d is %d, not %d", i, got[i], wanted[i]);
}

/* tan 60° is 1.7320508, sin 30° 0.5, cos 30° 0.8660254. */
static void maps_by_hand(void **state)
{
    int32_t map[4];
    (void)state;
    map_of(0, 1, 0, map);
    expect_numbers(map, (int32_t[]){65536, 0, 0, 65536}, 4);
    map_of(90, 1, 0, map);
    expect_numbers(map, (int32_t[]){0, 65536, -65536, 0}, 4);
    map_of(-30, 2, 0, map);
    expect_numbers(map, (int32_t[]){28378, -16384, 16384, 28378}, 4);
    map_of(0, 0.5, 45, map);
    expect_numbers(map, (int32_t[]){131072, 0, -131072, 131072}, 4);
    map_of(90, 1, 60, map);
    expect_numbers(map, (int32_t[]){0, 65536, -65536, -113512}, 4);
}

static void colours_by_hand(void **state)
{
    static const struct {
        struct colour_change change; /* contrast, middle, brightness, saturation, hue */
        int32_t matrix[12];
    } table[] = {
        {{1, 77, 1, 1, 0}, {4096, 0, 0, 0, 0, 4096, 0, 0, 0, 0, 4096, 0}},
        {{1, 77, 1.5, 1, 0}, {6144, 0, 0, 0, 0, 6144, 0, 0, 0, 0, 6144, 0}},
        {{0.5, 100, 1, 1, 0}, {2048, 0, 0, 204800, 0, 2048, 0, 204800, 0, 0, 2048, 204800}},
        {{0.5, 100, 2, 1, 0}, {4096, 0, 0, 409600, 0, 4096, 0, 409600, 0, 0, 4096, 409600}},
        {{1, 0, 1, 0, 0}, {1225, 2404, 467, 0, 1225, 2404, 467, 0, 1225, 2404, 467, 0}},
        {{1, 0, 1, 2, 0}, {6967, -2404, -467, 0, -1225, 5788, -467, 0, -1225, -2404, 7725, 0}},
        /* 2·Y - p */
        {{1, 0, 1, 1, 0.5}, {-1647, 4809, 934, 0, 2449, 713, 934, 0, 2449, 4809, -3162, 0}},
        /* R' = Y + (B - Y)·0.492/0.877, B' = Y - (R - Y)·0.877/0.492, Y' = Y */
        {{1, 0, 1, 1, 0.25}, {538, 1056, 2503, 0, 2569, 2259, -732, 0, -3893, 6690, 1299, 0}},
    };
    int32_t colour[12];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        colour_of(&table[i].change, 3, colour);
        expect_numbers(colour, table[i].matrix, 12);
    }
    colour_of(&table[3].change, 1, colour);
    expect_numbers(colour, (int32_t[]){4096, 409600}, 2);
    /* A small turn goes from red to yellow, as that of torchvision's hue does. */
    colour_of(&(struct colour_change){1, 0, 1, 1, 0.05}, 3, colour);
    assert_true(colour[4] > 100 && colour[8] < -100);
}

/* The strongest options give numbers that a record of views may have. */
static void the_strongest_can_be_told(void **state)
{
    struct view_options options =
        SETTLED(.rotate = 180, .shear = 80, .scale = {0.1, 0.1}, .brightness = 4, .contrast = 4,
                .saturation = 4, .hue = 0.5);
    (void)state;
    options.grey = 255;
    for (uint32_t epoch = 1; epoch <= 2000; epoch++) {
        struct view view = view_random(&options, epoch, &image);
        for (int i = 0; i < 4; i++)
            assert_in_range(view.map[i] + VIEW_MAP_MOST, 0, 2 * VIEW_MAP_MOST);
        for (int i = 0; i < 12; i++) {
            int32_t most = i % 4 == 3 ? VIEW_OFFSET_MOST : VIEW_COLOUR_MOST;
            assert_in_range(view.colour[i] + most, 0, 2 * most);
        }
    }
}

static void grounds(void **state)
{
    struct view_options options = SETTLED(.fill = "mean");
    (void)state;
    assert_memory_equal(options.common.ground, "\x64\x33\xc8\0", 4);
    assert_int_equal(options.common.fill, FILL_GROUND);
    options = SETTLED(.fill = "grey");
    assert_memory_equal(options.common.ground, "\x80\x80\x80\0", 4);
    options = SETTLED(.fill = "edge");
    assert_memory_equal(options.common.ground, "\0\0\0\0", 4);
    options = SETTLED(.fill = "edge", .cutout = 1); /* has no colour of its own */
    assert_memory_equal(options.common.ground, "\x64\x33\xc8\0", 4);
    assert_int_equal(options.common.fill, FILL_EDGE);
    options = SETTLED(.fill = "black", .cutout = 1);
    assert_memory_equal(options.common.ground, "\0\0\0\0", 4);
    /* The contrast is about the grey of the mean: 0.299·100.4 + 0.587·50.5 + 0.114·200. */
    assert_true(options.grey > 82.46 && options.grey < 82.47);
}

static void colours_want_channels(void **state)
{
    struct view_options options = {.fill = "black", .scale = {1, 1}, .hue = 0.1};
    struct images_about about = {.channels = 1, .counts = {[SPLIT_TRAIN] = 9}};
    (void)state;
    assert_int_equal(view_options_settle(&options, &about), -1);
    assert_non_null(strstr(why(), "--saturation and --hue are for images with 3 channels"));
    options.hue = 0;
    options.contrast = 1;
    assert_int_equal(view_options_settle(&options, &about), 0);
    about.channels = 4;
    assert_int_equal(view_options_settle(&options, &about), -1);
    assert_non_null(strstr(why(), "--brightness and --contrast are for images with 1 or 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_spread),
        cmocka_unit_test(rows_and_columns_have_their_own_shifts),
        cmocka_unit_test(windows),
        cmocka_unit_test(flips_in_turns),
        cmocka_unit_test(shifts_and_flips_are_fixed),
        cmocka_unit_test(other_steps_change_no_shift),
        cmocka_unit_test(ranges),
        cmocka_unit_test(maps_by_hand),
        cmocka_unit_test(colours_by_hand),
        cmocka_unit_test(the_strongest_can_be_told),
        cmocka_unit_test(grounds),
        cmocka_unit_test(colours_want_channels),
    };
    return RUN_TESTS(tests);
}
