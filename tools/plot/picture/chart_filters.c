/* The filters of first convolutions: a line of tiles for each model, all on one scale. */
#include "picture/chart.h"

#include "message.h"
#include "reading/tile.h"
#include "reading/titles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { USUAL_SIDE = 40, MOST_ACROSS = 16, MOST_FACTOR = 64, TITLE_FONT = 14 };

/* Where things are; lengths in pixels. */
struct filters_grid {
    double range;      /* the largest weight of all models, without its sign */
    int width, height; /* of a tile's box */
    double font, gap, names;
    size_t columns;
    double right, foot; /* of the whole */
};

/* Filters of three channels are colours; of others each channel is a grey tile below the last. */
static size_t tiles_down(const struct filters *filters)
{
    return filters->channels == 3 ? 1 : filters->channels;
}

/* The height of a model's lines, as many as its filters need. */
static double lines_height(const struct filters *f, const struct filters_grid *grid, size_t filters)
{
    size_t lines = (filters + grid->columns - 1) / grid->columns;
    return (double)lines * ((double)tiles_down(f) * (grid->height + 1) + grid->gap);
}

/* Tile number down of filter number place, 0 as the middle grey; in place of one with weights that
 * are no numbers, which no shade stands for, a pale box. */
static void draw_filter(struct canvas *canvas, const struct filters_grid *grid,
                        const struct filters *f, size_t place, size_t down, double x, double y)
{
    size_t area = (size_t)f->height * f->width, all = f->channels * area;
    const float *weight = f->weight + place * all;
    uint8_t *pixels = ealloc(area, 3);
    int numbers = 1;
    for (size_t i = 0; i < all; i++)
        numbers &= isfinite(weight[i]) != 0;
    for (size_t i = 0; numbers && i < area; i++)
        for (size_t c = 0; c < 3; c++) {
            double value = weight[(f->channels == 3 ? c : down) * area + i];
            pixels[3 * i + c] =
                (uint8_t)lround(127.5 + (grid->range > 0 ? 127.5 * value / grid->range : 0));
        }
    if (numbers) {
        struct tile tile = tile_of(pixels, f->height, f->width, 3, f->height + f->width);
        chart_tile(canvas, &tile, (int)x, (int)y, grid->width, grid->height);
        tile_free(&tile);
    } else {
        struct lettering nan = {fmin(grid->font, 0.4 * grid->width), grey, 0.5, 0.5, 0, 0};
        x = floor(x);
        y = floor(y);
        canvas_box(canvas, x, y, grid->width, grid->height, pale_grey);
        canvas_text(canvas, x + grid->width / 2.0, y + grid->height / 2.0, &nan, "nan");
    }
    free(pixels);
}

/* What black, the middle grey and white stand for, in each channel. Returns where it ends; with
 * only_measure nothing is drawn. */
static double legend(struct canvas *canvas, const struct filters_grid *grid, double x, double y,
                     int only_measure)
{
    struct lettering lettering = {0.9 * grid->font, grey, 0, 0.5, 0, 0};
    double side = floor(grid->font);
    y = floor(y);
    for (int i = -1; i <= 1 && grid->range > 0; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%.3g", i < 0 ? "−" : i > 0 ? "+" : "", i ? grid->range : 0);
        double letters = x + side + floor(0.5 * grid->font);
        if (!only_measure) {
            canvas_box(canvas, x - 1, y - 1, side + 2, side + 2, pale_grey);
            canvas_swatch(canvas, x, y, side, side, (i + 1) / 2.0);
            canvas_text(canvas, letters, y + side / 2, &lettering, text);
        }
        x = ceil(letters + canvas_text_width(canvas, &lettering, text) + grid->font);
    }
    return x;
}

/* All that follows from the factor by which a weight is enlarged. */
static struct filters_grid grid_of(struct canvas *canvas, const struct bank *bank, int factor)
{
    struct filters_grid grid = {.columns = 1};
    double names = 0;
    for (size_t m = 0; m < bank->models; m++) {
        const struct filters *f = &bank->filters[m];
        size_t size = (size_t)f->count * f->channels * f->height * f->width;
        for (size_t i = 0; i < size; i++)
            if (isfinite(f->weight[i]))
                grid.range = fmax(grid.range, fabs((double)f->weight[i]));
        grid.columns = f->count > grid.columns ? f->count : grid.columns;
        grid.width = (int)fmax(grid.width, (int)f->width * factor);
        grid.height = (int)fmax(grid.height, (int)f->height * factor);
    }
    grid.columns = grid.columns < MOST_ACROSS ? grid.columns : MOST_ACROSS;
    grid.font = fmin(fmax(0.33 * grid.height, 9), 14);
    grid.gap = fmax(4, round(grid.font / 2));
    struct lettering lettering = {grid.font, black, 0, 0, 0, 0};
    grid.foot = grid.gap;
    for (size_t m = 0; m < bank->models; m++) {
        const struct filters *f = &bank->filters[m];
        names = fmax(names, canvas_text_width(canvas, &lettering, title_of(f->run)));
        grid.foot += lines_height(f, &grid, f->count);
    }
    grid.foot += 2.4 * grid.font;
    grid.names = ceil(fmin(names, 16 * grid.font)) + 2 * grid.gap;
    grid.right = grid.names + (double)grid.columns * (grid.width + grid.gap) + grid.gap;
    grid.right = fmax(grid.right, legend(canvas, &grid, grid.names, 0, 1));
    return grid;
}

int chart_filters(const struct bank *bank, const struct picture *picture)
{
    struct canvas canvas;
    double title = picture->title ? 2.2 * TITLE_FONT : 0;
    double width = picture->width, height = picture->height;
    uint32_t side = 1;
    for (size_t m = 0; m < bank->models; m++)
        side = (uint32_t)fmax(side, fmax(bank->filters[m].width, bank->filters[m].height));
    int factor = width > 0 ? MOST_FACTOR : (int)fmax(1, floor(USUAL_SIDE / (double)side));
    canvas_measure(&canvas, picture->path);
    struct filters_grid grid = grid_of(&canvas, bank, factor);
    double right = width > 0 ? width : CHART_LONGEST, foot = width > 0 ? height : CHART_LONGEST;
    while (factor > 1 && (grid.right > right || grid.foot + title > foot))
        grid = grid_of(&canvas, bank, --factor);
    canvas_measured(&canvas);
    if (grid.right > right || grid.foot + title > foot)
        return fail("the filters do not fit into the picture: %s",
                    width > 0 ? "a larger --size is needed" : "draw those of fewer models");
    if (width == 0) {
        width = grid.right;
        height = grid.foot + title;
    }
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    chart_title(&canvas, picture->title, TITLE_FONT);
    double left = floor((width - grid.right) / 2) + grid.names, top = floor(title) + grid.gap;
    struct lettering name = {grid.font, black, 1, 0.5, 0, 0};
    for (size_t m = 0; m < bank->models; m++) {
        const struct filters *f = &bank->filters[m];
        canvas_text_in(&canvas, left - grid.gap, top + grid.height / 2.0, grid.names - 2 * grid.gap,
                       &name, title_of(f->run));
        for (size_t i = 0; i < f->count; i++)
            for (size_t down = 0; down < tiles_down(f); down++)
                draw_filter(&canvas, &grid, f, i, down,
                            left + (double)(i % grid.columns) * (grid.width + grid.gap),
                            top + lines_height(f, &grid, i / grid.columns * grid.columns) +
                                (double)down * (grid.height + 1));
        top += lines_height(f, &grid, f->count);
    }
    legend(&canvas, &grid, left, top + 0.3 * grid.font, 0);
    return canvas_close(&canvas);
}
