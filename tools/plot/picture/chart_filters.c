/* The filters of first convolutions: a line of tiles for each model, all on one scale. */
#include "picture/chart.h"

#include "reading/titles.h"

#include "message.h"
#include "picture/tile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { USUAL_SIDE = 40, MOST_ACROSS = 16, MOST_FACTOR = 64 };

/* Where things are; lengths in pixels. */
struct layout {
    int factor;        /* by which a weight is enlarged */
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

static size_t lines_of(const struct filters *filters, const struct layout *l)
{
    return (filters->count + l->columns - 1) / l->columns;
}

/* The largest weight of all models, without its sign. */
static double range_of(const struct bank *bank)
{
    double most = 0;
    for (size_t m = 0; m < bank->models; m++) {
        const struct filters *f = &bank->filters[m];
        size_t size = (size_t)f->count * f->channels * f->height * f->width;
        for (size_t i = 0; i < size; i++)
            if (isfinite(f->weight[i]))
                most = fmax(most, fabs((double)f->weight[i]));
    }
    return most;
}

/* 0 is the middle grey. */
static uint8_t shade(double weight, double range)
{
    return (uint8_t)lround(127.5 + (range > 0 ? 127.5 * weight / range : 0));
}

static int has_no_number(const float *weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(weight[i]))
            return 1;
    return 0;
}

/* In place of a tile with weights that are no numbers, which no shade stands for. */
static void draw_blank(struct canvas *canvas, const struct layout *l, double x, double y)
{
    struct lettering lettering = {fmin(l->font, 0.4 * l->width), grey, 0.5, 0.5, 0, 0};
    canvas_box(canvas, x, y, l->width, l->height, pale_grey);
    canvas_text(canvas, x + l->width / 2.0, y + l->height / 2.0, &lettering, "nan");
}

/* Tile number down of filter number place. */
static struct tile tile_for(const struct filters *f, size_t place, size_t down, double range)
{
    size_t area = (size_t)f->height * f->width;
    const float *weight = f->weight + place * f->channels * area;
    uint8_t *pixels = ealloc(area, 3);
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < 3; c++)
            pixels[3 * i + c] = shade(weight[(f->channels == 3 ? c : down) * area + i], range);
    struct tile tile = tile_of(pixels, f->height, f->width, 3, f->height + f->width);
    free(pixels);
    return tile;
}

/* From the top of one line of a model to that of its next. */
static double pitch(const struct filters *f, const struct layout *l)
{
    return (double)tiles_down(f) * (l->height + 1) + l->gap;
}

/* What black, the middle grey and white stand for, in each channel. Returns where it ends; with
 * only_measure nothing is drawn. */
static double legend(struct canvas *canvas, double font, double x, double y, double range,
                     int only_measure)
{
    struct lettering lettering = {0.9 * font, grey, 0, 0.5, 0, 0};
    double side = floor(font);
    y = floor(y);
    for (int i = -1; i <= 1 && range > 0; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%.3g", i < 0 ? "−" : i > 0 ? "+" : "", i ? range : 0);
        double letters = x + side + floor(0.5 * font);
        if (!only_measure) {
            canvas_box(canvas, x - 1, y - 1, side + 2, side + 2, pale_grey);
            canvas_swatch(canvas, x, y, side, side, (i + 1) / 2.0);
            canvas_text(canvas, letters, y + side / 2, &lettering, text);
        }
        x = ceil(letters + canvas_text_width(canvas, &lettering, text) + font);
    }
    return x;
}

static struct layout layout_of(struct canvas *canvas, const struct bank *bank, int factor,
                               double range)
{
    struct layout l = {.factor = factor, .columns = 1};
    for (size_t m = 0; m < bank->models; m++) {
        const struct filters *f = &bank->filters[m];
        l.columns = f->count > l.columns ? f->count : l.columns;
        l.width = (int)f->width * factor > l.width ? (int)f->width * factor : l.width;
        l.height = (int)f->height * factor > l.height ? (int)f->height * factor : l.height;
    }
    l.columns = l.columns < MOST_ACROSS ? l.columns : MOST_ACROSS;
    l.font = fmin(fmax(0.33 * l.height, 9), 14);
    l.gap = fmax(4, round(l.font / 2));
    struct lettering lettering = {l.font, black, 0, 0, 0, 0};
    double names = 0;
    for (size_t m = 0; m < bank->models; m++)
        names = fmax(names, canvas_text_width(canvas, &lettering, title_of(bank->filters[m].run)));
    l.names = ceil(fmin(names, 16 * l.font)) + 2 * l.gap;
    l.right = l.names + (double)l.columns * (l.width + l.gap) + l.gap;
    l.right = fmax(l.right, legend(canvas, l.font, l.names, 0, range, 1));
    l.foot = l.gap;
    for (size_t m = 0; m < bank->models; m++)
        l.foot += (double)lines_of(&bank->filters[m], &l) * pitch(&bank->filters[m], &l);
    l.foot += 2.4 * l.font;
    return l;
}

static void draw_model(struct canvas *canvas, const struct layout *l, const struct filters *f,
                       double left, double top, double range)
{
    struct lettering name = {l->font, black, 1, 0.5, 0, 0};
    size_t size = (size_t)f->channels * f->height * f->width;
    canvas_text_in(canvas, left + l->names - l->gap, top + l->height / 2.0, l->names - 2 * l->gap,
                   &name, title_of(f->run));
    for (size_t i = 0; i < f->count; i++)
        for (size_t down = 0; down < tiles_down(f); down++) {
            double x = left + l->names + (double)(i % l->columns) * (l->width + l->gap);
            double y =
                top + (double)(i / l->columns) * pitch(f, l) + (double)down * (l->height + 1);
            if (has_no_number(f->weight + i * size, size)) {
                draw_blank(canvas, l, floor(x), floor(y));
                continue;
            }
            struct tile tile = tile_for(f, i, down, range);
            tile_draw(canvas, &tile, (int)x, (int)y, l->width, l->height);
            tile_free(&tile);
        }
}

int chart_filters(const struct bank *bank, const struct picture *picture)
{
    enum { TITLE_FONT = 14 };
    struct canvas canvas;
    double title = picture->title ? 2.2 * TITLE_FONT : 0, range = range_of(bank);
    double width = picture->width, height = picture->height;
    uint32_t side = 1;
    for (size_t m = 0; m < bank->models; m++)
        side = (uint32_t)fmax(side, fmax(bank->filters[m].width, bank->filters[m].height));
    int factor = width > 0 ? MOST_FACTOR : (int)fmax(1, floor(USUAL_SIDE / (double)side));
    canvas_measure(&canvas, picture->path);
    struct layout l = layout_of(&canvas, bank, factor, range);
    double right = width > 0 ? width : CHART_LONGEST, foot = width > 0 ? height : CHART_LONGEST;
    while (factor > 1 && (l.right > right || l.foot + title > foot))
        l = layout_of(&canvas, bank, --factor, range);
    canvas_measured(&canvas);
    if (l.right > right || l.foot + title > foot)
        return fail_as(USAGE, "the filters do not fit into the picture: %s",
                       width > 0 ? "a larger --size is needed" : "draw those of fewer models");
    if (width == 0) {
        width = l.right;
        height = l.foot + title;
    }
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    chart_title(&canvas, picture->title, TITLE_FONT);
    double left = floor((width - l.right) / 2), y = floor(title) + l.gap;
    for (size_t m = 0; m < bank->models; m++) {
        draw_model(&canvas, &l, &bank->filters[m], left, y, range);
        y += (double)lines_of(&bank->filters[m], &l) * pitch(&bank->filters[m], &l);
    }
    legend(&canvas, l.font, left + l.names, y + 0.3 * l.font, range, 0);
    return canvas_close(&canvas);
}
