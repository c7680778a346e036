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

static int32_t number_of(const uint8_t *numbers, size_t place)
{
    int32_t number;
    memcpy(&number, numbers + place * sizeof number, sizeof number);
    return number;
}

/* Numbers that are multiplied later must not be too large for it. */
static int check_numbers(const uint8_t *numbers, size_t count, const char *key, int32_t most)
{
    for (size_t i = 0; i < count; i++)
        if (number_of(numbers, i) > most || number_of(numbers, i) < -most)
            return fail_as(DAMAGED, "a record of type view has %d among its %s, which go to %d",
                           number_of(numbers, i), key, most);
    return 0;
}

static int read_fill(const struct record *record, struct views *views)
{
    const msgpack_object *fill = record_field(record, "fill");
    if (object_is(fill, "edge"))
        views->common.fill = FILL_EDGE;
    else if (object_is(fill, "reflect"))
        views->common.fill = FILL_REFLECT;
    else if (fill)
        return fail_as(DAMAGED, "the fill in a record of type view is neither edge nor reflect");
    if (record_field(record, "ground") == NULL)
        return 0;
    const uint8_t *ground;
    size_t channels;
    if (record_bin(record, "ground", &ground, &channels) < 0)
        return -1;
    if (channels == 0 || channels > IMAGE_MAX_CHANNELS)
        return fail_as(DAMAGED, "the ground in a record of type view has %zu bytes", channels);
    memcpy(views->common.ground, ground, channels);
    views->channels = (uint32_t)channels;
    return 0;
}

/* Of each channel what it takes of the others, and what is added, which may be more. */
static int check_colours(const struct views *views, uint32_t channels)
{
    size_t row = channels * sizeof(int32_t);
    const uint8_t *numbers = views->colours;
    for (size_t i = 0; i < views->count * channels; i++, numbers += row + sizeof(int32_t))
        if (check_numbers(numbers, channels, "colours", VIEW_COLOUR_MOST) < 0 ||
            check_numbers(numbers + row, 1, "colours", VIEW_OFFSET_MOST) < 0)
            return -1;
    return 0;
}

static int read_colours(const struct record *record, struct views *views)
{
    if (record_field(record, "colours") == NULL || views->count == 0)
        return 0;
    size_t size;
    if (record_bin(record, "colours", &views->colours, &size) < 0)
        return -1;
    uint32_t channels = size == views->count * 2 * sizeof(int32_t) ? 1 : 3;
    views->colour_size = channels * (channels + 1);
    if (read_numbers(record, "colours", views->count, views->colour_size * sizeof(int32_t),
                     &views->colours) < 0 ||
        check_colours(views, channels) < 0)
        return -1;
    if (views->channels > 0 && views->channels != channels)
        return fail_as(DAMAGED,
                       "a record of type view has colours of %u channel%s and a ground of %u",
                       channels, plural(channels), views->channels);
    views->channels = channels;
    views->common.coloured = 1;
    return 0;
}

static int read_cuts(const struct record *record, struct views *views)
{
    uint64_t cutout;
    if (record_field(record, "cutout") == NULL)
        return 0;
    if (record_uint(record, "cutout", IMAGE_MAX_SIDE, &cutout) < 0)
        return -1;
    views->common.cutout = (uint32_t)cutout;
    return read_numbers(record, "cuts", views->count, 2 * sizeof(int32_t), &views->cuts);
}

int views_read(const struct record *record, struct views *views)
{
    uint64_t count;
    *views = (struct views){0};
    if (record_uint(record, "images", UINT32_MAX, &count) < 0 ||
        read_numbers(record, "ids", count, sizeof(uint64_t), &views->ids) < 0 ||
        read_numbers(record, "rows", count, sizeof(int32_t), &views->rows) < 0 ||
        read_numbers(record, "columns", count, sizeof(int32_t), &views->columns) < 0 ||
        read_numbers(record, "flips", count, 1, &views->flips) < 0)
        return -1;
    views->count = count;
    if (record_field(record, "maps")) {
        if (read_numbers(record, "maps", count, 4 * sizeof(int32_t), &views->maps) < 0 ||
            check_numbers(views->maps, 4 * count, "maps", VIEW_MAP_MOST) < 0)
            return -1;
        views->common.mapped = 1;
    }
    return read_fill(record, views) < 0 || read_colours(record, views) < 0 ||
                   read_cuts(record, views) < 0
               ? -1
               : 0;
}

uint64_t views_id(const struct views *views, size_t place)
{
    uint64_t id;
    memcpy(&id, views->ids + place * sizeof id, sizeof id);
    return id;
}

enum { FLIP = 1, UPSIDE_DOWN = 2 };

struct view views_view(const struct views *views, size_t place, uint32_t height, uint32_t width)
{
    struct view view = views->common;
    view.row = number_of(views->rows, place);
    view.column = number_of(views->columns, place);
    view.flip = (views->flips[place] & FLIP) != 0;
    view.upside_down = (views->flips[place] & UPSIDE_DOWN) != 0;
    view.height = height;
    view.width = width;
    if (views->maps)
        memcpy(view.map, views->maps + place * sizeof view.map, sizeof view.map);
    if (views->cuts) {
        view.cut_row = number_of(views->cuts, 2 * place);
        view.cut_column = number_of(views->cuts, 2 * place + 1);
    }
    size_t size = views->colour_size * sizeof *view.colour;
    if (views->colours)
        memcpy(view.colour, views->colours + place * size, size);
    return view;
}

/* The fields that not all streams have. */
static void write_steps(struct writer *writer, const struct view *view, size_t count,
                        uint32_t channels)
{
    static const uint8_t black[IMAGE_MAX_CHANNELS];
    int32_t numbers[VIEWS_MOST * 12];
    size_t size = (size_t)channels * (channels + 1);
    if (view->fill != FILL_GROUND)
        pack_text(writer, "fill", view->fill == FILL_EDGE ? "edge" : "reflect");
    if (memcmp(view->ground, black, channels) != 0)
        pack_bin(writer, "ground", view->ground, channels);
    if (view->mapped) {
        for (size_t i = 0; i < count; i++)
            memcpy(numbers + 4 * i, view[i].map, sizeof view->map);
        pack_bin(writer, "maps", numbers, count * sizeof view->map);
    }
    if (view->coloured) {
        for (size_t i = 0; i < count; i++)
            memcpy(numbers + size * i, view[i].colour, size * sizeof *numbers);
        pack_bin(writer, "colours", numbers, count * size * sizeof *numbers);
    }
    if (view->cutout == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        numbers[2 * i] = view[i].cut_row;
        numbers[2 * i + 1] = view[i].cut_column;
    }
    pack_uint(writer, "cutout", view->cutout);
    pack_bin(writer, "cuts", numbers, 2 * count * sizeof *numbers);
}

int views_write(struct writer *writer, const uint64_t *ids, const struct view *view, size_t count,
                uint32_t channels)
{
    int32_t rows[VIEWS_MOST], columns[VIEWS_MOST];
    uint8_t flips[VIEWS_MOST];
    for (size_t i = 0; i < count; i++) {
        rows[i] = view[i].row;
        columns[i] = view[i].column;
        flips[i] = (uint8_t)((view[i].flip ? FLIP : 0) | (view[i].upside_down ? UPSIDE_DOWN : 0));
    }
    write_begin(writer, "view");
    pack_uint(writer, "images", count);
    pack_bin(writer, "ids", ids, count * sizeof *ids);
    pack_bin(writer, "rows", rows, count * sizeof *rows);
    pack_bin(writer, "columns", columns, count * sizeof *columns);
    pack_bin(writer, "flips", flips, count);
    write_steps(writer, view, count, channels);
    return write_end(writer);
}
