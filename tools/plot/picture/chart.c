#include "picture/chart.h"

#include <math.h>

int chart_across(size_t count)
{
    return count < 2 ? 1 : (int)ceil(sqrt((double)count));
}

void chart_limit(double *width, double *height)
{
    double part = sqrt(CHART_MOST / (*width * *height));
    if (part < 1) {
        *width = floor(*width * part);
        *height = floor(*height * part);
    }
}

double chart_title(struct canvas *canvas, const char *title, double font)
{
    struct lettering lettering = {1.35 * font, black, 0, 0, 1, 0};
    if (title == NULL)
        return 0;
    /* A long one is smaller, and only where that does not do it is it cut. */
    double room = canvas->width - 2 * font;
    double part = 0.99 * room / canvas_text_width(canvas, &lettering, title);
    if (part < 1)
        lettering.size *= fmax(part, 0.6);
    canvas_text_in(canvas, font, font, room, &lettering, title);
    return 2.2 * font;
}

void chart_tile(struct canvas *canvas, const struct tile *tile, int x, int y, int width, int height)
{
    struct tile small = tile_within(tile, width, height);
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
