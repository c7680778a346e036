#include "picture/tile.h"

#include "message.h"

#include <stdlib.h>

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Each pixel is the mean of factor × factor; at the edges of fewer. */
static struct tile shrink(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                          uint32_t factor)
{
    struct tile tile = {(height + factor - 1) / factor, (width + factor - 1) / factor, NULL};
    tile.pixels = ealloc((size_t)tile.height * tile.width, 3);
    uint8_t *to = tile.pixels;
    for (uint32_t y = 0; y < height; y += factor)
        for (uint32_t x = 0; x < width; x += factor, to += 3) {
            uint32_t all = 0;
            for (uint32_t c = 0; c < channels; c++) {
                uint64_t sum = 0, count = 0;
                for (uint32_t i = y; i < y + factor && i < height; i++)
                    for (uint32_t j = x; j < x + factor && j < width; j++, count++)
                        sum += pixels[((size_t)i * width + j) * channels + c];
                uint32_t mean = (uint32_t)((sum + count / 2) / count);
                all += mean;
                if (channels == 3)
                    to[c] = (uint8_t)mean;
            }
            if (channels != 3)
                to[0] = to[1] = to[2] = (uint8_t)((all + channels / 2) / channels);
        }
    return tile;
}

struct tile tile_of(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                    uint32_t most)
{
    return shrink(pixels, height, width, channels, (larger(height, width) + most - 1) / most);
}

void tile_free(struct tile *tile)
{
    free(tile->pixels);
    tile->pixels = NULL;
}

/* How often part goes into whole, rounded up. */
static uint32_t times(uint32_t whole, int part)
{
    return part > 0 ? (whole + (uint32_t)part - 1) / (uint32_t)part : whole;
}

void tile_draw(struct canvas *canvas, const struct tile *tile, int x, int y, int width, int height)
{
    uint32_t part = larger(times(tile->width, width), times(tile->height, height));
    struct tile small = shrink(tile->pixels, tile->height, tile->width, 3, part);
    int across = width / (int)small.width, down = height / (int)small.height;
    int factor = across < down ? across : down;
    int wide = (int)small.width * factor, high = (int)small.height * factor;
    /* Each pixel as a square of factor × factor. */
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, wide, high);
    unsigned char *row = cairo_image_surface_get_data(surface);
    for (int i = 0; row && i < high; i++, row += cairo_image_surface_get_stride(surface))
        for (int j = 0; j < wide; j++) {
            const uint8_t *from =
                small.pixels + ((size_t)(i / factor) * small.width + (size_t)(j / factor)) * 3;
            ((uint32_t *)(void *)row)[j] =
                (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        }
    cairo_surface_mark_dirty(surface);
    /* A hairline around it: what is as light as the paper still has an edge. */
    x += (width - wide) / 2;
    y += (height - high) / 2;
    canvas_box(canvas, x - 1, y - 1, wide + 2, high + 2, pale_grey);
    cairo_set_source_surface(canvas->cairo, surface, x, y);
    cairo_pattern_set_filter(cairo_get_source(canvas->cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cairo, x, y, wide, high);
    cairo_fill(canvas->cairo);
    cairo_surface_destroy(surface);
    tile_free(&small);
}
