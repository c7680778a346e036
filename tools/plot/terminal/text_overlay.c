/* Validation accuracy of all runs in one plot, each line named at its end. */
#include "terminal/text.h"

#include "label.h"
#include "message.h"
#include "palette.h"
#include "spread.h"
#include "reading/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { GREY = 245 }; /* of a terminal's 256 */

static struct style style_of(const struct strand *strand)
{
    return (struct style){.ink = strand->ink < 0 ? GREY : palette[strand->ink].terminal};
}

/* The worst first, so that the best stand before them. */
static void draw_lines(struct dots *dots, const struct strands *strands)
{
    for (size_t i = strands->count; i-- > 0;) {
        const struct strand *strand = &strands->strand[i];
        dots_line(dots, strand->line.x, strand->line.y, strand->line.count, style_of(strand).ink);
        if (strand->line.count == 1)
            dots_blot(dots, strand->line.x[0], strand->line.y[0], style_of(strand).ink);
    }
}

static void draw_label(struct screen *screen, int row, int column, int width,
                       const struct strand *strand)
{
    screen_put(screen, row, column, screen_pick(screen, 0x2500, '-'), style_of(strand));
    screen_text(screen, row, column + 2, width - 9, style_of(strand), strand->name);
    screen_right(screen, row, column + width - 7, 6, plain_style, strand->figure);
}

/* Names beside the ends of the lines, for as many as there are rows. */
static size_t draw_labels(const struct dots *dots, const struct strands *strands, int width)
{
    const struct box *box = &dots->box;
    double *place = ealloc(strands->count, sizeof *place);
    size_t shown, *order = strands_by_end(strands, (size_t)box->rows, &shown);
    for (size_t i = 0; i < shown; i++) {
        int row = box->row + box->rows - 1, column;
        const struct line *line = &strands->strand[order[i]].line;
        dots_cell(dots, line->x[line->count - 1], line->y[line->count - 1], &row, &column);
        place[i] = row;
    }
    spread(place, shown, box->row, box->row + box->rows - 1, 1);
    for (size_t i = 0; i < shown; i++)
        draw_label(dots->screen, (int)lround(place[i]), box->column + box->columns, width,
                   &strands->strand[order[i]]);
    free(place);
    free(order);
    return shown;
}

/* Under the plot: the runs that it cannot show or name. */
static void draw_missing(struct screen *screen, size_t without, size_t unnamed)
{
    char text[128] = "";
    if (without > 0)
        snprintf(text, sizeof text, "%zu run%s without validation records", without,
                 plural(without));
    else if (unnamed > 0)
        snprintf(text, sizeof text, "%zu more line%s than rows for names", unnamed,
                 plural(unnamed));
    screen_text(screen, screen->rows - 1, 0, screen->columns, faint_style, text);
}

struct screen *text_overlay(const struct history *history, const struct page *page)
{
    struct strands strands = strands_make(history);
    int widest = 0;
    for (size_t i = 0; i < strands.count; i++) {
        int columns = label_columns(strands.strand[i].name);
        widest = columns > widest ? columns : widest;
    }
    int labels = (widest < page->columns * 2 / 5 ? widest : page->columns * 2 / 5) + 10;
    int rows = page->rows > 0 ? page->rows : 24;
    if (page->rows == 0 && strands.count > 16)
        rows = (int)strands.count + 8;
    struct ranges ranges = curve_ranges(history);
    struct screen *screen = screen_make(rows, page->columns, page->look);
    char heading[160];
    snprintf(heading, sizeof heading, "%s accuracy (%%)%s; at the ends: %s%s",
             strands.training ? "Training" : "Validation",
             strands.means ? ", means over seeds" : "", history->rank == RANK_LOSS ? "loss, " : "",
             rank_when(history->rank, strands.training));
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : heading);
    struct axis x = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis y = {100 * ranges.low, 100 * ranges.high, 0, NULL, .bare = 0};
    struct dots dots =
        text_axes(screen, (struct box){2, 0, rows - 3, page->columns - labels}, &x, &y);
    draw_lines(&dots, &strands);
    dots_show(&dots);
    size_t shown = draw_labels(&dots, &strands, labels);
    draw_missing(screen, strands.without, strands.count - shown);
    strands_free(&strands);
    return screen;
}
