#include "views.h"

#include "message.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "views stand little-endian in a stream");

/* A bin of count numbers of size bytes each. */
static int read_numbers(const struct record *record, const char *key, size_t count, size_t size,
                        const uint8_t **bytes)
{
    size_t got;
    if (record_bin(record, key, bytes, &got) < 0)
        return -1;
    if (got != count * size)
        return fail_as(DAMAGED, "a record of type view has %zu byte%s of %s for %zu view%s", got,
                       plural(got), key, count, plural(count));
    return 0;
}

int views_read(const struct record *record, struct views *views)
{
    uint64_t count;
    if (record_uint(record, "images", UINT32_MAX, &count) < 0 ||
        read_numbers(record, "ids", count, sizeof(uint64_t), &views->ids) < 0 ||
        read_numbers(record, "rows", count, sizeof(int32_t), &views->rows) < 0 ||
        read_numbers(record, "columns", count, sizeof(int32_t), &views->columns) < 0 ||
        read_numbers(record, "flips", count, 1, &views->flips) < 0)
        return -1;
    views->count = count;
    return 0;
}

uint64_t views_id(const struct views *views, size_t place)
{
    uint64_t id;
    memcpy(&id, views->ids + place * sizeof id, sizeof id);
    return id;
}

struct view views_view(const struct views *views, size_t place, uint32_t height, uint32_t width)
{
    struct view view = {.flip = views->flips[place] != 0, .height = height, .width = width};
    memcpy(&view.row, views->rows + place * sizeof view.row, sizeof view.row);
    memcpy(&view.column, views->columns + place * sizeof view.column, sizeof view.column);
    return view;
}

int views_write(struct writer *writer, const uint64_t *ids, const struct view *view, size_t count)
{
    int32_t rows[VIEWS_MOST], columns[VIEWS_MOST];
    uint8_t flips[VIEWS_MOST];
    for (size_t i = 0; i < count; i++) {
        rows[i] = view[i].row;
        columns[i] = view[i].column;
        flips[i] = view[i].flip != 0;
    }
    write_begin(writer, "view");
    pack_uint(writer, "images", count);
    pack_bin(writer, "ids", ids, count * sizeof *ids);
    pack_bin(writer, "rows", rows, count * sizeof *rows);
    pack_bin(writer, "columns", columns, count * sizeof *columns);
    pack_bin(writer, "flips", flips, count);
    return write_end(writer);
}
