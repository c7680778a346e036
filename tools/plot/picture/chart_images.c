/* A contact sheet: images in lines, what they are beneath them or, where a line shares it, before
 * them. */
#include "picture/chart.h"

#include "message.h"
#include "reading/sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { USUAL_SIDE = 112, LEAST_SIDE = 4, MOST_LENGTH = 16000, TITLE_FONT = 14 };

/* Where things are; lengths in pixels. */
struct sheet_grid {
    int width, height;    /* of a tile's box */
    double font, gap;     /* gap: between tiles, and around all */
    int lines;            /* of letters beneath a tile */
    double names;         /* width of the names before the lines */
    double labels;        /* width that the widest label beneath a tile would like */
    double across, down;  /* from one tile to the next */
    size_t columns, rows; /* of tiles */
    double right, foot;   /* of the whole */
};

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

/* What follows from the sheet: the largest tile, the widest class name and the widest label. */
struct extent {
    int width, height;
    int classes, guesses; /* whether an image has one */
    double class, guess;
    size_t longest; /* strip */
};

static struct extent extent_of(struct canvas *canvas, const struct sheet *sheet, double font)
{
    struct extent most = {1, 1, 0, 0, 0, 0, 0};
    struct lettering lettering = {font, black, 0, 0, 0, 0};
    for (size_t i = 0; i < sheet->strips; i++) {
        const struct strip *strip = &sheet->strip[i];
        most.longest = strip->count > most.longest ? strip->count : most.longest;
        for (size_t j = 0; j < strip->count; j++) {
            const struct shown *shown = &strip->shown[j];
            most.width = (int)fmax(most.width, shown->tile.width);
            most.height = (int)fmax(most.height, shown->tile.height);
            most.classes |= shown->class != NULL;
            most.guesses |= shown->guess != NULL;
            if (shown->class)
                most.class = fmax(most.class, canvas_text_width(canvas, &lettering, shown->class));
            if (shown->guess)
                most.guess = fmax(most.guess, guess_width(canvas, &lettering, shown));
        }
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

/* All that follows from the size of a tile and the height that there is (0: any). tight: labels
 * must not push the tiles far apart. */
static struct sheet_grid grid_of(struct canvas *canvas, const struct sheet *sheet, int width,
                                 int height, double room, int tight)
{
    struct sheet_grid grid = {.width = width, .height = height, .rows = sheet->strips};
    int one = in_one_strip(sheet);
    grid.font = fmin(fmax(0.115 * width, 9), 16);
    grid.gap = fmax(4, round(grid.font / 2));
    struct extent most = extent_of(canvas, sheet, grid.font);
    grid.lines = (one && most.classes) + most.guesses;
    grid.names = one ? 0 : fmin(most.class, 14 * grid.font) + grid.gap;
    grid.labels = one ? fmax(most.class, most.guess) : most.guess;
    /* Labels may be wider than their tiles, which then stand further apart. */
    double apart = tight ? 1.25 * width : fmax(1.5 * width, 90);
    grid.across = ceil(fmax(width, fmin(grid.labels, apart)) + grid.gap);
    grid.down = ceil(height + grid.lines * 1.3 * grid.font + (grid.lines ? 1.6 : 1) * grid.gap);
    grid.columns = most.longest;
    /* The one strip is broken into lines: as few columns as the height allows, or what looks well.
     */
    if (one) {
        double rows = floor((room - grid.gap) / grid.down);
        grid.columns = room == 0  ? columns_for(most.longest)
                       : rows < 1 ? most.longest
                                  : (size_t)ceil((double)most.longest / rows);
        grid.rows = (most.longest + grid.columns - 1) / grid.columns;
    }
    grid.right = grid.names + (double)grid.columns * grid.across + grid.gap;
    grid.foot = (double)grid.rows * grid.down + grid.gap;
    return grid;
}

/* Tries whole factors from large to small, then whole parts, until no side of a tile is above side
 * and the sheet fits into width × height (0: any). 0 where not even the smallest does. */
static int fit(struct canvas *canvas, const struct sheet *sheet, int side, double width,
               double height, struct sheet_grid *grid)
{
    struct extent most = extent_of(canvas, sheet, 9);
    int w = most.width, h = most.height, longer = w > h ? w : h;
    for (int factor = side / longer, part = 1; longer / part >= LEAST_SIDE || part == 1;) {
        int wide = factor > 0 ? w * factor : (w + part - 1) / part;
        int high = factor > 0 ? h * factor : (h + part - 1) / part;
        for (int tight = 0; tight < 2; tight++) {
            *grid = grid_of(canvas, sheet, wide, high, height, tight);
            if (wide <= side && high <= side && grid->right <= (width > 0 ? width : MOST_LENGTH) &&
                grid->foot <= (height > 0 ? height : MOST_LENGTH) &&
                (width > 0 || grid->right * grid->foot <= CHART_MOST))
                return 1;
        }
        part += factor <= 1;
        factor = factor > 1 ? factor - 1 : 0;
    }
    return 0;
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

static void draw_shown(struct canvas *canvas, const struct sheet_grid *grid,
                       const struct sheet *sheet, const struct shown *shown, double x, double y)
{
    struct lettering lettering = {grid->font, black, 0.5, 0, 0, 0};
    double middle = x + (grid->across - grid->gap) / 2, room = grid->across - 0.5 * grid->gap;
    chart_tile(canvas, &shown->tile, (int)(middle - grid->width / 2), (int)y, grid->width,
               grid->height);
    y += grid->height + 0.4 * grid->font;
    if (in_one_strip(sheet) && shown->class) {
        canvas_text_in(canvas, middle, y, room, &lettering, shown->class);
        y += 1.3 * grid->font;
    }
    if (shown->guess) {
        if (shown->class && strcmp(shown->guess, shown->class) != 0)
            lettering.colour = colour_of(INK_VERMILLION, 1);
        draw_guess(canvas, middle, y, room, lettering, shown);
    }
}

int chart_images(const struct sheet *sheet, const struct picture *picture)
{
    struct canvas canvas;
    struct sheet_grid grid;
    double width = picture->width, height = picture->height;
    double title = picture->title ? 2.2 * TITLE_FONT : 0;
    int side = width > 0 ? (int)fmax(width, height) : USUAL_SIDE;
    canvas_measure(&canvas, picture->path);
    int fits = fit(&canvas, sheet, side, width, height > 0 ? height - title : 0, &grid);
    canvas_measured(&canvas);
    if (!fits)
        return fail("%zu images do not fit into the picture: fewer of them with --limit, or a "
                    "larger --size",
                    sheet->images);
    if (width > 0) {
        /* Labels of the width that is left get what they would like. */
        double across = floor((width - grid.names - grid.gap) / (double)grid.columns);
        grid.across = fmax(grid.across, fmin(across, ceil(grid.labels + grid.gap)));
        grid.right = grid.names + (double)grid.columns * grid.across + grid.gap;
    } else {
        width = grid.right;
        height = grid.foot + title;
    }
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    chart_title(&canvas, picture->title, TITLE_FONT);
    double left = floor((width - grid.right) / 2) + grid.names;
    struct lettering name = {grid.font, black, 1, 0.5, 0, 0};
    for (size_t i = 0; i < sheet->strips; i++) {
        const struct strip *strip = &sheet->strip[i];
        double y = title + grid.gap + (double)i * grid.down;
        if (grid.names > 0 && strip->count > 0 && strip->shown[0].class)
            canvas_text_in(&canvas, left, y + grid.height / 2.0, grid.names - grid.gap, &name,
                           strip->shown[0].class);
        for (size_t j = 0; j < strip->count; j++)
            draw_shown(&canvas, &grid, sheet, &strip->shown[j],
                       left + grid.gap + (double)(j % grid.columns) * grid.across,
                       y + (double)(j / grid.columns) * grid.down);
    }
    return canvas_close(&canvas);
}
