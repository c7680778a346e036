/* A contact sheet: images in lines, what they are beneath them or, where a line shares it, before
 * them. */
#include "picture/chart.h"

#include "message.h"
#include "reading/sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { USUAL_SIDE = 112, LEAST_SIDE = 4, MOST_LENGTH = 16000 };

/* Where things are; lengths in pixels. */
struct layout {
    int width, height;    /* of a tile's box */
    double font, gap;     /* gap: between tiles, and around all */
    int lines;            /* of letters beneath a tile */
    double names;         /* width of the names before the lines */
    double labels;        /* width that the widest label beneath a tile would like */
    double across, down;  /* from one tile to the next */
    size_t columns, rows; /* of tiles */
};

static int has_guesses(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->strips; i++)
        for (size_t j = 0; j < sheet->strip[i].count; j++)
            if (sheet->strip[i].shown[j].guess)
                return 1;
    return 0;
}

static int in_one_strip(const struct sheet *sheet)
{
    return sheet->options.by == SHEET_ORDER;
}

/* A guess beneath a tile, "→ dog: 98 %", is arrow, name and figure; a class may be called 7. */
static const char arrow[] = "→ ";

/* ": 98 %", ": 99.8 %": what is not quite sure is not rounded to 100. */
static void figure_of(const struct shown *shown, char figure[static 16])
{
    double p = 100 * shown->probability;
    if (isfinite(p))
        snprintf(figure, 16, p < 99.5 || p == 100 ? ": %.0f %%" : ": %.1f %%",
                 p < 99.5 ? p : floor(10 * p) / 10);
    else
        snprintf(figure, 16, ": ?");
}

static double guess_width(struct canvas *canvas, const struct lettering *lettering,
                          const struct shown *shown)
{
    char figure[16];
    figure_of(shown, figure);
    return canvas_text_width(canvas, lettering, arrow) +
           canvas_text_width(canvas, lettering, shown->guess) +
           canvas_text_width(canvas, lettering, figure);
}

/* The widest of the names (before lines) or of the labels (beneath tiles). */
static double widest(struct canvas *canvas, const struct sheet *sheet, double font, int names)
{
    struct lettering lettering = {font, black, 0, 0, 0, 0};
    double most = 0;
    for (size_t i = 0; i < sheet->strips; i++)
        for (size_t j = 0; j < sheet->strip[i].count; j++) {
            const struct shown *shown = &sheet->strip[i].shown[j];
            if (names || in_one_strip(sheet))
                most = fmax(most, canvas_text_width(canvas, &lettering, shown->class));
            if (!names && shown->guess)
                most = fmax(most, guess_width(canvas, &lettering, shown));
        }
    return most;
}

/* Columns for count tiles: somewhat more than rows, and such that the last row is full or nearly.
 */
static size_t columns_for(size_t count)
{
    double root = sqrt((double)count);
    size_t best = 0, least = 0;
    for (size_t columns = (size_t)ceil(root); columns <= (size_t)ceil(1.6 * root); columns++) {
        size_t blanks = (columns - count % columns) % columns;
        if (best == 0 || blanks < least) {
            best = columns;
            least = blanks;
        }
    }
    return best;
}

static size_t longest_strip(const struct sheet *sheet)
{
    size_t longest = 0;
    for (size_t i = 0; i < sheet->strips; i++)
        if (sheet->strip[i].count > longest)
            longest = sheet->strip[i].count;
    return longest;
}

/* Breaks the one strip into lines: as few columns as the height allows, or what looks well. */
static void break_strip(struct layout *l, size_t count, double height)
{
    double rows = floor((height - l->gap) / l->down);
    l->columns = height == 0 ? columns_for(count)
                 : rows < 1  ? count
                             : (size_t)ceil((double)count / rows);
    l->rows = (count + l->columns - 1) / l->columns;
}

/* All that follows from the size of a tile and the height that there is (0: any). tight: labels
 * must not push the tiles far apart. */
static struct layout layout_of(struct canvas *canvas, const struct sheet *sheet, int width,
                               int height, double room, int tight)
{
    struct layout l = {.width = width, .height = height, .rows = sheet->strips};
    l.font = fmin(fmax(0.115 * width, 9), 16);
    l.gap = fmax(4, round(l.font / 2));
    l.lines = in_one_strip(sheet) + has_guesses(sheet);
    if (!in_one_strip(sheet))
        l.names = fmin(widest(canvas, sheet, l.font, 1), 14 * l.font) + l.gap;
    if (l.lines > 0)
        l.labels = widest(canvas, sheet, l.font, 0);
    /* Labels may be wider than their tiles, which then stand further apart. */
    double most = tight ? 1.25 * width : fmax(1.5 * width, 90);
    l.across = ceil(fmax(width, fmin(l.labels, most)) + l.gap);
    l.down = ceil(height + l.lines * 1.3 * l.font + (l.lines ? 1.6 : 1) * l.gap);
    l.columns = longest_strip(sheet);
    if (in_one_strip(sheet))
        break_strip(&l, l.columns, room);
    return l;
}

static double width_of(const struct layout *l)
{
    return l->names + (double)l->columns * l->across + l->gap;
}

static double height_of(const struct layout *l)
{
    return (double)l->rows * l->down + l->gap;
}

/* The largest image decides the box of all. */
static void largest(const struct sheet *sheet, int *width, int *height)
{
    *width = *height = 1;
    for (size_t i = 0; i < sheet->strips; i++)
        for (size_t j = 0; j < sheet->strip[i].count; j++) {
            const struct tile *tile = &sheet->strip[i].shown[j].tile;
            *width = (int)tile->width > *width ? (int)tile->width : *width;
            *height = (int)tile->height > *height ? (int)tile->height : *height;
        }
}

/* Tries whole factors from large to small, then whole parts, until no side of a tile is above side
 * and the sheet fits into width × height (0: any). 0 where not even the smallest does. */
static int fit(struct canvas *canvas, const struct sheet *sheet, int side, double width,
               double height, struct layout *l)
{
    int w, h;
    largest(sheet, &w, &h);
    int most = w > h ? w : h, factor = side / most, part = 1;
    while (most / part >= LEAST_SIDE || part == 1) {
        int wide = factor > 0 ? w * factor : (w + part - 1) / part;
        int high = factor > 0 ? h * factor : (h + part - 1) / part;
        for (int tight = 0; tight < 2; tight++) {
            *l = layout_of(canvas, sheet, wide, high, height, tight);
            if (wide <= side && high <= side && width_of(l) <= (width > 0 ? width : MOST_LENGTH) &&
                height_of(l) <= (height > 0 ? height : MOST_LENGTH) &&
                (width > 0 || width_of(l) * height_of(l) <= CHART_MOST))
                return 1;
        }
        if (factor > 1)
            factor--;
        else
            factor = 0, part++;
    }
    return 0;
}

/* Gives labels of the width that is left what they would like. */
static void spread(struct layout *l, double width)
{
    double across = floor((width - l->names - l->gap) / (double)l->columns);
    l->across = fmax(l->across, fmin(across, ceil(l->labels + l->gap)));
}

/* Where there is no room for all, the name is cut, not the figure. */
static void draw_guess(struct canvas *canvas, double middle, double y, double room,
                       struct lettering lettering, const struct shown *shown)
{
    char figure[16];
    double end = middle + room / 2, x = middle;
    x -= fmin(guess_width(canvas, &lettering, shown), room) / 2;
    figure_of(shown, figure);
    lettering.across = 0;
    x += canvas_text_in(canvas, x, y, end - x, &lettering, arrow);
    double name = end - x - canvas_text_width(canvas, &lettering, figure);
    x += canvas_text_in(canvas, x, y, name + 0.01, &lettering, shown->guess);
    canvas_text_in(canvas, x, y, end - x + 0.01, &lettering, figure);
}

static void draw_shown(struct canvas *canvas, const struct layout *l, const struct sheet *sheet,
                       const struct shown *shown, double x, double y)
{
    struct lettering lettering = {l->font, black, 0.5, 0, 0, 0};
    double middle = x + (l->across - l->gap) / 2, room = l->across - 0.5 * l->gap;
    tile_draw(canvas, &shown->tile, (int)(middle - l->width / 2), (int)y, l->width, l->height);
    y += l->height + 0.4 * l->font;
    if (in_one_strip(sheet)) {
        canvas_text_in(canvas, middle, y, room, &lettering, shown->class);
        y += 1.3 * l->font;
    }
    if (shown->guess) {
        if (strcmp(shown->guess, shown->class) != 0)
            lettering.colour = colour_of(INK_VERMILLION, 1);
        draw_guess(canvas, middle, y, room, lettering, shown);
    }
}

static void draw_sheet(struct canvas *canvas, const struct layout *l, const struct sheet *sheet,
                       double left, double top)
{
    struct lettering name = {l->font, black, 1, 0.5, 0, 0};
    for (size_t i = 0; i < sheet->strips; i++) {
        const struct strip *strip = &sheet->strip[i];
        double y = top + l->gap + (double)i * l->down;
        if (l->names > 0 && strip->count > 0)
            canvas_text_in(canvas, left + l->names, y + l->height / 2.0, l->names - l->gap, &name,
                           strip->shown[0].class);
        for (size_t j = 0; j < strip->count; j++)
            draw_shown(canvas, l, sheet, &strip->shown[j],
                       left + l->names + l->gap + (double)(j % l->columns) * l->across,
                       y + (double)(j / l->columns) * l->down);
    }
}

int chart_images(const struct sheet *sheet, const struct picture *picture)
{
    enum { TITLE_FONT = 14 };
    struct canvas canvas;
    struct layout l;
    double width = picture->width, height = picture->height;
    double title = picture->title ? 2.2 * TITLE_FONT : 0;
    int side = width > 0 ? (int)fmax(width, height) : USUAL_SIDE;
    canvas_measure(&canvas, picture->path);
    int fits = fit(&canvas, sheet, side, width, height > 0 ? height - title : 0, &l);
    canvas_measured(&canvas);
    if (!fits)
        return fail_as(USAGE,
                       "%zu images do not fit into the picture: fewer of them with --limit, "
                       "or a larger --size",
                       sheet->images);
    if (width > 0) {
        spread(&l, width);
    } else {
        width = width_of(&l);
        height = height_of(&l) + title;
    }
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    chart_title(&canvas, picture->title, TITLE_FONT);
    draw_sheet(&canvas, &l, sheet, floor((width - width_of(&l)) / 2), title);
    return canvas_close(&canvas);
}
