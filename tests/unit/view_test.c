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

static void shifts_and_flips(void **state)
{
    (void)state;
    expect((struct view){0, 0, 0, 2, 3}, (uint8_t[]){1, 2, 3, 4, 5, 6});
    expect((struct view){0, 0, 1, 2, 3}, (uint8_t[]){3, 2, 1, 6, 5, 4});
    expect((struct view){1, 0, 0, 2, 3}, (uint8_t[]){4, 5, 6, 0, 0, 0});
    expect((struct view){-1, 1, 0, 2, 3}, (uint8_t[]){0, 0, 0, 2, 3, 0});
    expect((struct view){0, -2, 0, 2, 3}, (uint8_t[]){0, 0, 1, 0, 0, 4});
    expect((struct view){0, -2, 1, 2, 3}, (uint8_t[]){1, 0, 0, 4, 0, 0});
    expect((struct view){0, 3, 0, 2, 3}, (uint8_t[]){0, 0, 0, 0, 0, 0});
    expect((struct view){0, -9, 0, 2, 3}, (uint8_t[]){0, 0, 0, 0, 0, 0});
    expect((struct view){1, 1, 1, 1, 2}, (uint8_t[]){6, 5});
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
    struct view view = {0, 0, 1, 1, 2};
    (void)state;
    view_draw(&view, &colour, drawn);
    assert_memory_equal(drawn, "\4\5\6\1\2\3", 6);
}

/* Views as a record and back. */
static void records(void **state)
{
    enum { COUNT = 3 };
    static const uint64_t ids[COUNT] = {7, 1ull << 40, 0};
    static const struct view view[COUNT] = {
        {-4, 4, 0, 2, 3}, {0, 60000, 1, 2, 3}, {1, -1, 1, 2, 3}};
    int fd = memfd_create("views", 0);
    struct writer *writer = write_open(fd, "output");
    struct record record;
    struct views views;
    (void)state;
    write_header(writer, "epochs");
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(views_write(writer, ids, view, COUNT), 0);
    write_begin(writer, "view");
    pack_uint(writer, "images", COUNT + 1);
    pack_bin(writer, "ids", ids, sizeof ids);
    pack_bin(writer, "rows", ids, 12);
    pack_bin(writer, "columns", ids, 12);
    pack_bin(writer, "flips", ids, 3);
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(write_flush(writer), 0);
    write_close(writer);
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "views", READ_STREAM);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(record.type, RECORD_VIEW);
    assert_int_equal(views_read(&record, &views), 0);
    assert_int_equal(views.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct view got = views_view(&views, i, 2, 3);
        assert_true(views_id(&views, i) == ids[i]);
        assert_memory_equal(&got, &view[i], sizeof got);
    }
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(views_read(&record, &views), -1);
    assert_int_equal(why_status(), DAMAGED);
    record_close(reader);
    close(fd);
}

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
        cmocka_unit_test(shifts_and_flips),      cmocka_unit_test(the_middle),
        cmocka_unit_test(colours_stay_together), cmocka_unit_test(records),
        cmocka_unit_test(choices_are_spread),    cmocka_unit_test(windows),
    };
    return RUN_TESTS(tests);
}
