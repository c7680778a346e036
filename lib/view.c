#include "view.h"

#include <string.h>

struct view view_middle(const struct image *image, uint32_t height, uint32_t width)
{
    return (struct view){
        .row = (int32_t)((image->height - height) / 2),
        .column = (int32_t)((image->width - width) / 2),
        .height = height,
        .width = width,
    };
}

int view_is_plain(const struct view *view)
{
    static const uint8_t black[IMAGE_MAX_CHANNELS];
    return !view->upside_down && !view->mapped && !view->coloured && view->cutout == 0 &&
           view->fill == FILL_GROUND && memcmp(view->ground, black, sizeof black) == 0;
}

/* Which of n rows or columns of an image is at a place that may be beyond them: -1 is ground. */
static int64_t filled_from(enum view_fill fill, int64_t place, int64_t n)
{
    if (place >= 0 && place < n)
        return place;
    if (fill == FILL_GROUND)
        return -1;
    if (fill == FILL_EDGE || n == 1)
        return place < 0 ? 0 : n - 1;
    int64_t period = 2 * n - 2, phase = place % period;
    if (phase < 0)
        phase += period;
    return phase < n ? phase : period - phase;
}

static const uint8_t *row_of(const struct image *image, int64_t row)
{
    return image->pixels + (size_t)row * image->width * image->channels;
}

/* Rows of the view as they are drawn, flips aside: from the top or from the bottom. */
static int64_t row_at(const struct view *view, uint32_t y)
{
    return (int64_t)(view->upside_down ? view->height - 1 - y : y) + view->row;
}

static inline void reverse(uint8_t *row, uint32_t width, uint32_t channels)
{
    for (uint8_t *left = row, *right = row + (size_t)(width - 1) * channels; left < right;
         left += channels, right -= channels) {
        uint8_t kept[IMAGE_MAX_CHANNELS];
        memcpy(kept, left, channels);
        memcpy(left, right, channels);
        memcpy(right, kept, channels);
    }
}

/* Numbers of channels that the compiler knows make it twice as fast. */
static void reverse_row(uint8_t *row, uint32_t width, uint32_t channels)
{
    if (channels == 1)
        reverse(row, width, 1);
    else if (channels == 3)
        reverse(row, width, 3);
    else
        reverse(row, width, channels);
}

/* Paints pixels with the ground. */
static void paint(const struct view *view, uint32_t channels, uint8_t *pixel, size_t count)
{
    if (memcmp(view->ground, view->ground + 1, channels - 1) == 0) {
        memset(pixel, view->ground[0], count * channels);
        return;
    }
    for (; count > 0; count--, pixel += channels)
        memcpy(pixel, view->ground, channels);
}

/* Columns from … to - 1 of a row of the view, which lie beside the image, whose row is of. */
static void draw_beside(const struct view *view, const struct image *image, const uint8_t *of,
                        int64_t from, int64_t to, uint8_t *row)
{
    uint32_t channels = image->channels;
    for (int64_t x = from; x < to; x++) {
        int64_t column = filled_from(view->fill, x + view->column, image->width);
        memcpy(row + x * channels, of + column * channels, channels);
    }
}

/* A window of the image, and what comes in beside it. */
static void draw_window(const struct view *view, const struct image *image, uint8_t *pixels)
{
    uint32_t channels = image->channels;
    size_t row_size = (size_t)view->width * channels;
    /* Columns first … last - 1 of the view show the image; the others lie beside it. */
    int64_t first = view->column < 0 ? -(int64_t)view->column : 0;
    int64_t last = (int64_t)image->width - view->column;
    if (last > view->width)
        last = view->width;
    if (first >= last)
        first = last = view->width;
    int on_ground = view->fill == FILL_GROUND;
    if (on_ground) /* all at once is faster than what is seen of it, row by row */
        paint(view, channels, pixels, (size_t)view->height * view->width);
    for (uint32_t y = 0; y < view->height; y++, pixels += row_size) {
        int64_t row = filled_from(view->fill, row_at(view, y), image->height);
        if (row < 0)
            continue;
        const uint8_t *of = row_of(image, row);
        if (first < last)
            memcpy(pixels + first * channels, of + (first + view->column) * channels,
                   (size_t)(last - first) * channels);
        if (!on_ground) {
            draw_beside(view, image, of, 0, first, pixels);
            draw_beside(view, image, of, last, view->width, pixels);
        }
        if (view->flip)
            reverse_row(pixels, view->width, channels);
    }
}

/* A place in an image: whole rows (or columns), and 1/256 of the way to the next. */
struct between {
    int64_t whole;
    uint32_t part;
};

/* From 1/2^17 of a pixel. */
static inline struct between between(int64_t place)
{
    int64_t rounded = (place + 256) >> 9;
    return (struct between){rounded >> 8, rounded & 255};
}

/* The pixel between four, which are the upper ones and the lower ones, from left to right. */
static inline void weigh(const uint8_t *const corner[4], uint32_t down, uint32_t right,
                         uint32_t channels, uint8_t *pixel)
{
    for (uint32_t c = 0; c < channels; c++) {
        uint32_t upper = corner[0][c] * (256 - right) + corner[1][c] * right;
        uint32_t lower = corner[2][c] * (256 - right) + corner[3][c] * right;
        pixel[c] = (uint8_t)((upper * (256 - down) + lower * down + 32768) >> 16);
    }
}

/* Four pixels of the filled image, of which not all need lie inside. */
static void find_corners(const struct view *view, const struct image *image, int64_t down,
                         int64_t right, const uint8_t *corner[4])
{
    for (int i = 0; i < 4; i++) {
        int64_t row = filled_from(view->fill, down + i / 2, image->height);
        int64_t column = filled_from(view->fill, right + i % 2, image->width);
        corner[i] =
            row < 0 || column < 0 ? view->ground : row_of(image, row) + column * image->channels;
    }
}

/* A window of the mapped image. In halves of a pixel all distances to the middle are whole. */
static inline void draw_mapped_of(const struct view *view, const struct image *image,
                                  uint32_t channels, uint8_t *pixels)
{
    const int32_t *map = view->map;
    int64_t middle_row = (int64_t)image->height - 1, middle_column = (int64_t)image->width - 1;
    for (uint32_t y = 0; y < view->height; y++)
        for (uint32_t x = 0; x < view->width; x++, pixels += channels) {
            int64_t column = (int64_t)(view->flip ? view->width - 1 - x : x) + view->column;
            int64_t to_row = 2 * row_at(view, y) - middle_row;
            int64_t to_column = 2 * column - middle_column;
            struct between down =
                between(middle_row * VIEW_MAP_ONE + map[0] * to_row + map[1] * to_column);
            struct between right =
                between(middle_column * VIEW_MAP_ONE + map[2] * to_row + map[3] * to_column);
            const uint8_t *corner[4];
            if (down.whole >= 0 && down.whole < middle_row && right.whole >= 0 &&
                right.whole < middle_column) {
                corner[0] = image->pixels + (down.whole * image->width + right.whole) * channels;
                corner[1] = corner[0] + channels;
                corner[2] = corner[0] + (size_t)image->width * channels;
                corner[3] = corner[2] + channels;
            } else {
                find_corners(view, image, down.whole, right.whole, corner);
            }
            weigh(corner, down.part, right.part, channels, pixels);
        }
}

static void draw_mapped(const struct view *view, const struct image *image, uint8_t *pixels)
{
    if (image->channels == 1)
        draw_mapped_of(view, image, 1, pixels);
    else if (image->channels == 3)
        draw_mapped_of(view, image, 3, pixels);
    else
        draw_mapped_of(view, image, image->channels, pixels);
}

static uint8_t limited(int32_t value)
{
    int32_t rounded = value + VIEW_COLOUR_ONE / 2;
    return (uint8_t)(rounded < 0                        ? 0
                     : rounded >= 256 * VIEW_COLOUR_ONE ? 255
                                                        : rounded / VIEW_COLOUR_ONE);
}

static void change_colours(const int32_t *colour, uint32_t channels, uint8_t *pixel, size_t count)
{
    if (channels == 1) {
        for (; count > 0; count--, pixel++)
            *pixel = limited(colour[0] * *pixel + colour[1]);
        return;
    }
    for (; count > 0; count--, pixel += 3) {
        int32_t red = pixel[0], green = pixel[1], blue = pixel[2];
        for (int c = 0; c < 3; c++) {
            const int32_t *weight = colour + (ptrdiff_t)4 * c;
            pixel[c] = limited(weight[0] * red + weight[1] * green + weight[2] * blue + weight[3]);
        }
    }
}

static void cut_out(const struct view *view, uint32_t channels, uint8_t *pixels)
{
    int64_t top = view->cut_row, bottom = top + view->cutout, left = view->cut_column,
            right = left + view->cutout;
    top = top < 0 ? 0 : top;
    left = left < 0 ? 0 : left;
    bottom = bottom > view->height ? view->height : bottom;
    right = right > view->width ? view->width : right;
    for (int64_t y = top; y < bottom && left < right; y++)
        paint(view, channels, pixels + (y * view->width + left) * channels, (size_t)(right - left));
}

void view_draw(const struct view *view, const struct image *image, uint8_t *pixels)
{
    (view->mapped ? draw_mapped : draw_window)(view, image, pixels);
    if (view->coloured)
        change_colours(view->colour, image->channels, pixels, (size_t)view->height * view->width);
    if (view->cutout > 0)
        cut_out(view, image->channels, pixels);
}
