#include "message.h"
#include "views.h"

#include "tap.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t pixels[2 * 3 * 1] = {1, 2, 3, 4, 5, 6};
static const struct image image = {
    .id = 5, .height = 2, .width = 3, .channels = 1, .pixels = pixels};

static void expect(struct view view, const uint8_t *wanted)
{
    uint8_t drawn[16];
    memset(drawn, 99, sizeof drawn);
    view_draw(&view, &image, drawn);
    assert_memory_equal(drawn, wanted, (size_t)view.height * view.width);
    assert_int_equal(drawn[view.height * view.width], 99);
}

/* Of those that are zero but for what is told. */
#define VIEW(...)                                                                                  \
    (struct view)                                                                                  \
    {                                                                                              \
        .height = 2, .width = 3, __VA_ARGS__                                                       \
    }
#define PIXELS(...) ((uint8_t[]){__VA_ARGS__})

static void shifts_and_flips(void **state)
{
    (void)state;
    expect(VIEW(0), PIXELS(1, 2, 3, 4, 5, 6));
    expect(VIEW(.flip = 1), PIXELS(3, 2, 1, 6, 5, 4));
    expect(VIEW(.row = 1), PIXELS(4, 5, 6, 0, 0, 0));
    expect(VIEW(.row = -1, .column = 1), PIXELS(0, 0, 0, 2, 3, 0));
    expect(VIEW(.column = -2), PIXELS(0, 0, 1, 0, 0, 4));
    expect(VIEW(.column = -2, .flip = 1), PIXELS(1, 0, 0, 4, 0, 0));
    expect(VIEW(.column = 3), PIXELS(0, 0, 0, 0, 0, 0));
    expect(VIEW(.column = -9), PIXELS(0, 0, 0, 0, 0, 0));
    expect((struct view){.row = 1, .column = 1, .flip = 1, .height = 1, .width = 2}, PIXELS(6, 5));
    expect(VIEW(.upside_down = 1), PIXELS(4, 5, 6, 1, 2, 3));
    expect(VIEW(.upside_down = 1, .flip = 1, .row = 1), PIXELS(0, 0, 0, 6, 5, 4));
}

static void fills(void **state)
{
    (void)state;
    expect(VIEW(.row = 1, .ground = {7}), PIXELS(4, 5, 6, 7, 7, 7));
    expect(VIEW(.row = -1, .column = 1, .fill = FILL_EDGE), PIXELS(2, 3, 3, 2, 3, 3));
    expect(VIEW(.row = 1, .column = -2, .fill = FILL_EDGE), PIXELS(4, 4, 4, 4, 4, 4));
    expect(VIEW(.row = INT32_MIN, .column = INT32_MAX, .fill = FILL_EDGE),
           PIXELS(3, 3, 3, 3, 3, 3));
    expect(VIEW(.row = -1, .column = -2, .fill = FILL_REFLECT), PIXELS(6, 5, 4, 3, 2, 1));
    expect(VIEW(.column = 3, .fill = FILL_REFLECT), PIXELS(2, 1, 2, 5, 4, 5));
    expect(VIEW(.column = 3, .fill = FILL_REFLECT, .flip = 1), PIXELS(2, 1, 2, 5, 4, 5));
    expect(VIEW(.row = 10, .column = -8, .fill = FILL_REFLECT), PIXELS(1, 2, 3, 4, 5, 6));
}

static const uint8_t nine_pixels[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const struct image nine = {.height = 3, .width = 3, .channels = 1, .pixels = nine_pixels};

/* A view of 3 × 3 pixels of the image above, mapped by these halves. */
static void expect_mapped(struct view view, const int32_t *halves, const uint8_t *wanted)
{
    uint8_t drawn[9];
    view.height = view.width = 3;
    view.mapped = 1;
    for (int i = 0; i < 4; i++)
        view.map[i] = halves[i] * (VIEW_MAP_ONE / 2);
    view_draw(&view, &nine, drawn);
    assert_memory_equal(drawn, wanted, 9);
}

static void maps(void **state)
{
    static const int32_t same[] = {2, 0, 0, 2}, left[] = {0, 2, -2, 0}, larger[] = {1, 0, 0, 1},
                         smaller[] = {4, 0, 0, 4}, leaning[] = {2, 0, -2, 2},
                         half[] = {2, 0, -1, 2};
    (void)state;
    expect_mapped((struct view){0}, same, nine_pixels);
    expect_mapped((struct view){0}, left, PIXELS(3, 6, 9, 2, 5, 8, 1, 4, 7));
    expect_mapped((struct view){.flip = 1, .upside_down = 1}, left,
                  PIXELS(7, 4, 1, 8, 5, 2, 9, 6, 3));
    /* The window moves over the mapped image. */
    expect_mapped((struct view){.row = 1, .column = -1}, left, PIXELS(0, 2, 5, 0, 1, 4, 0, 0, 0));
    expect_mapped((struct view){0}, larger, PIXELS(3, 4, 4, 5, 5, 6, 6, 7, 7));
    expect_mapped((struct view){0}, smaller, PIXELS(0, 0, 0, 0, 5, 0, 0, 0, 0));
    expect_mapped((struct view){.fill = FILL_EDGE}, smaller, nine_pixels);
    expect_mapped((struct view){.fill = FILL_REFLECT}, smaller, PIXELS(5, 5, 5, 5, 5, 5, 5, 5, 5));
    expect_mapped((struct view){0}, leaning, PIXELS(2, 3, 0, 4, 5, 6, 0, 7, 8));
    /* Half a pixel over the edge it is half ground. */
    expect_mapped((struct view){.ground = {100}}, half, PIXELS(2, 3, 52, 4, 5, 6, 54, 8, 9));
    /* Far outside, by the largest numbers that a record may have. */
    struct view far = {.row = INT32_MAX, .column = INT32_MIN, .height = 1, .width = 2, .mapped = 1};
    for (int i = 0; i < 4; i++)
        far.map[i] = VIEW_MAP_MOST;
    far.ground[0] = 4;
    expect(far, PIXELS(4, 4));
    far.fill = FILL_EDGE;
    expect(far, PIXELS(1, 1));
}

static void colours(void **state)
{
    enum { ONE = VIEW_COLOUR_ONE };
    (void)state;
    expect(VIEW(.coloured = 1, .colour = {2 * ONE, -3 * ONE}), PIXELS(0, 1, 3, 5, 7, 9));
    expect(VIEW(.coloured = 1, .colour = {100 * ONE, 0}), PIXELS(100, 200, 255, 255, 255, 255));
    expect(VIEW(.coloured = 1, .colour = {ONE / 2, 0}), PIXELS(1, 1, 2, 2, 3, 3));
    /* What came in is coloured, too. */
    expect(VIEW(.row = 1, .coloured = 1, .colour = {ONE, 9 * ONE}), PIXELS(13, 14, 15, 9, 9, 9));
    uint8_t drawn[6];
    struct image colour = {.height = 1, .width = 2, .channels = 3, .pixels = pixels};
    struct view view = {.height = 1,
                        .width = 2,
                        .coloured = 1,
                        .colour = {0, ONE, 0, 0, 0, 0, ONE, ONE, ONE, ONE, ONE, -2 * ONE}};
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, PIXELS(2, 4, 4, 5, 7, 13), 6);
    /* The largest numbers that a record may have. */
    for (int i = 0; i < 12; i++)
        view.colour[i] = i % 4 == 3 ? VIEW_OFFSET_MOST : VIEW_COLOUR_MOST;
    colour.pixels = (const uint8_t[]){255, 255, 255, 255, 255, 255};
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, colour.pixels, 6);
    for (int i = 0; i < 12; i++)
        view.colour[i] = -view.colour[i];
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, "\0\0\0\0\0\0", 6);
}

static void cutouts(void **state)
{
    (void)state;
    expect(VIEW(.cutout = 2, .cut_row = -1, .cut_column = 1, .ground = {9}),
           PIXELS(1, 9, 9, 4, 5, 6));
    expect(VIEW(.cutout = 1, .cut_row = 1, .cut_column = 0, .flip = 1), PIXELS(3, 2, 1, 0, 5, 4));
    expect(VIEW(.cutout = 65535, .cut_row = -9, .cut_column = -9), PIXELS(0, 0, 0, 0, 0, 0));
    expect(VIEW(.cutout = 9, .cut_row = INT32_MAX, .cut_column = INT32_MIN), pixels);
    /* Of one colour, though its channels differ; it is not changed as the colours are. */
    uint8_t drawn[6];
    struct image colour = {.height = 1, .width = 2, .channels = 3, .pixels = pixels};
    struct view view = {
        .height = 1, .width = 2, .cutout = 1, .cut_column = 1, .ground = {7, 8, 9}, .coloured = 1};
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, PIXELS(0, 0, 0, 7, 8, 9), 6);
}

static void the_middle(void **state)
{
    struct image large = {.height = 9, .width = 10};
    struct view middle = view_middle(&large, 4, 4);
    (void)state;
    assert_int_equal(middle.row, 2);
    assert_int_equal(middle.column, 3);
    expect(view_middle(&image, 1, 1), (uint8_t[]){2});
    expect(view_middle(&image, 2, 3), pixels);
}

static void colours_stay_together(void **state)
{
    uint8_t drawn[6];
    struct image colour = {.height = 1, .width = 2, .channels = 3, .pixels = pixels};
    struct view view = {.flip = 1, .height = 1, .width = 2};
    (void)state;
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, "\4\5\6\1\2\3", 6);
}

static void reads(struct reader *reader, struct views *views)
{
    struct record record;
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(record.type, RECORD_VIEW);
    assert_int_equal(views_read(&record, views), 0);
}

static void refuses(struct reader *reader, const char *reason)
{
    struct record record;
    struct views views;
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(views_read(&record, &views), -1);
    assert_int_equal(why_status(), DAMAGED);
    assert_non_null(strstr(why(), reason));
}

/* A record of one view whose field is this. */
static void write_odd(struct writer *writer, const char *field, const int32_t *numbers, size_t size)
{
    static const uint64_t id;
    write_begin(writer, "view");
    pack_uint(writer, "images", 1);
    pack_bin(writer, "ids", &id, 8);
    pack_bin(writer, "rows", &id, 4);
    pack_bin(writer, "columns", &id, 4);
    pack_bin(writer, "flips", &id, 1);
    pack_bin(writer, field, numbers, size);
    if (strcmp(field, "colours") == 0)
        pack_bin(writer, "ground", &id, 1);
    assert_int_equal(write_end(writer), 0);
}

/* Views as records and back: plain ones, and those with all there is, of one channel and three. */
static void records(void **state)
{
    enum { COUNT = 3 };
    static const uint64_t ids[COUNT] = {7, 1ull << 40, 0};
    const struct view view[COUNT] = {VIEW(.row = -4, .column = 4), VIEW(.column = 60000, .flip = 1),
                                     VIEW(.row = 1, .column = -1, .flip = 1)};
    struct view rich[COUNT];
    for (int i = 0; i < COUNT; i++) {
        rich[i] = VIEW(.row = i, .flip = i % 2, .upside_down = i / 2, .mapped = 1, .coloured = 1,
                       .fill = FILL_REFLECT, .ground = {0, 0, 3}, .cutout = 5, .cut_row = -i,
                       .cut_column = 70000 * i, .map = {-i, VIEW_MAP_MOST, 3, i});
        for (int k = 0; k < 12; k++)
            rich[i].colour[k] = k % 4 < 3 ? i - k : k == 7 ? -VIEW_OFFSET_MOST : VIEW_OFFSET_MOST;
    }
    static const int32_t large[12] = {VIEW_MAP_MOST + 1}, offset[2] = {0, VIEW_OFFSET_MOST + 1};
    int fd = memfd_create("views", 0);
    struct writer *writer = write_open(fd, "output");
    struct record record;
    struct views views;
    (void)state;
    write_header(writer, "epochs");
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(views_write(writer, ids, view, COUNT, 3), 0);
    assert_int_equal(views_write(writer, ids, rich, COUNT, 1), 0);
    assert_int_equal(views_write(writer, ids, rich, COUNT, 3), 0);
    write_begin(writer, "view");
    pack_uint(writer, "images", COUNT + 1);
    pack_bin(writer, "ids", ids, sizeof ids);
    pack_bin(writer, "rows", ids, 12);
    pack_bin(writer, "columns", ids, 12);
    pack_bin(writer, "flips", ids, 3);
    assert_int_equal(write_end(writer), 0);
    write_odd(writer, "maps", large, 16);
    write_odd(writer, "maps", large + 1, 12);
    write_odd(writer, "colours", large, 8);
    write_odd(writer, "colours", offset, 8);
    write_odd(writer, "colours", large, 20);
    write_odd(writer, "colours", large + 1, 44);
    write_odd(writer, "ground", large, 17);
    write_odd(writer, "fill", large, 1);
    write_odd(writer, "cutout", large, 1);
    assert_int_equal(write_flush(writer), 0);
    write_close(writer);
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "views", READ_STREAM);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    reads(reader, &views);
    assert_int_equal(views.count, COUNT);
    assert_int_equal(views.channels, 0);
    for (size_t i = 0; i < COUNT; i++) {
        struct view got = views_view(&views, i, 2, 3);
        assert_true(views_id(&views, i) == ids[i]);
        assert_memory_equal(&got, &view[i], sizeof got);
        assert_true(view_is_plain(&got));
    }
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        reads(reader, &views);
        assert_int_equal(views.channels, channels);
        for (size_t i = 0; i < COUNT; i++) {
            struct view got = views_view(&views, i, 2, 3), wanted = rich[i];
            if (channels == 1) {
                wanted.ground[2] = 0;
                memset(wanted.colour + 2, 0, 10 * sizeof *wanted.colour);
            }
            assert_memory_equal(&got, &wanted, sizeof got);
            assert_false(view_is_plain(&got));
        }
    }
    refuses(reader, "has 24 bytes of ids for 4 views");
    refuses(reader, "has 16777217 among its maps, which go to 16777216");
    refuses(reader, "has 12 bytes of maps for 1 view");
    refuses(reader, "has 16777217 among its colours, which go to 1048576");
    refuses(reader, "has 536870913 among its colours, which go to 536870912");
    refuses(reader, "has 20 bytes of colours for 1 view");
    refuses(reader, "has 44 bytes of colours for 1 view");
    refuses(reader, "ground in a record of type view has 17 bytes");
    refuses(reader, "fill in a record of type view is neither edge nor reflect");
    refuses(reader, "cutout");
    record_close(reader);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifts_and_flips),
        cmocka_unit_test(fills),
        cmocka_unit_test(maps),
        cmocka_unit_test(colours),
        cmocka_unit_test(cutouts),
        cmocka_unit_test(the_middle),
        cmocka_unit_test(colours_stay_together),
        cmocka_unit_test(records),
    };
    return RUN_TESTS(tests);
}
