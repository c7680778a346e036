/* Validation accuracy of all runs in one plot, each line named at its end. */
#include "terminal/page.h"

#include "label.h"
#include "message.h"
#include "palette.h"
#include "reading/overlay.h"
#include "terminal/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { GREY = 245 }; /* of a terminal's 256 */

static struct style style_of(const struct series *series)
{
    return (struct style){.ink = series->ink < 0 ? GREY : palette[series->ink].terminal};
}

/* Names beside the ends of the lines, for as many as there are rows: how many. */
static size_t draw_labels(const struct plot *plot, const struct overlay *overlay, int width)
{
    const struct box *box = &plot->box;
    struct screen *screen = plot->screen;
    double *place = ealloc(overlay->count, sizeof *place);
    size_t shown, *order = overlay_by_end(overlay, (size_t)box->rows, &shown);
    for (size_t i = 0; i < shown; i++) {
        int row = box->row + box->rows - 1, column;
        const struct line *line = &overlay->series[order[i]].line;
        plot_cell(plot, line->x[line->count - 1], line->y[line->count - 1], &row, &column);
        place[i] = row;
    }
    labels_spread(place, shown, box->row, box->row + box->rows - 1, 1);
    for (size_t i = 0; i < shown; i++) {
        const struct series *series = &overlay->series[order[i]];
        int row = (int)lround(place[i]), column = box->column + box->columns;
        screen_put(screen, row, column, screen_pick(screen, 0x2500, '-'), style_of(series));
        screen_text(screen, row, column + 2, width - 9, style_of(series), series->name);
        screen_right(screen, row, column + width - 7, 6, plain_style, series->figure);
    }
    free(place);
    free(order);
    return shown;
}

struct screen *text_overlay(const struct history *history, const struct page *page)
{
    struct overlay overlay = overlay_make(history);
    int widest = 0, most = page->columns * 2 / 5;
    for (size_t i = 0; i < overlay.count; i++) {
        int columns = label_columns(overlay.series[i].name);
        widest = columns > widest ? columns : widest;
    }
    int labels = (widest < most ? widest : most) + 10;
    int rows = page->rows > 0 ? page->rows : overlay.count > 16 ? (int)overlay.count + 8 : 24;
    struct ranges ranges = curve_ranges(history);
    struct screen *screen = screen_make(rows, page->columns, page->can);
    char heading[160], missing[128] = "";
    snprintf(heading, sizeof heading, "%s accuracy (%%)%s; at the ends: %s%s",
             overlay.training ? "Training" : "Validation",
             overlay.means ? ", means over seeds" : "", history->rank == RANK_LOSS ? "loss, " : "",
             rank_when(history->rank, overlay.training, rank_keeps(history->run, history->runs)));
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : heading);
    struct axis x = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis y = {100 * ranges.low, 100 * ranges.high, 0, NULL, .bare = 0};
    struct plot plot =
        plot_make(screen, (struct box){2, 0, rows - 3, page->columns - labels}, &x, &y);
    /* The worst first, so that the best stand before them. */
    for (size_t i = overlay.count; i-- > 0;) {
        const struct series *series = &overlay.series[i];
        plot_line(&plot, &series->line, style_of(series).ink);
        if (series->line.count == 1)
            plot_blot(&plot, series->line.x[0], series->line.y[0], style_of(series).ink);
    }
    plot_show(&plot);
    size_t unnamed = overlay.count - draw_labels(&plot, &overlay, labels);
    /* Under the plot: the runs that it cannot show or name. */
    if (overlay.without > 0)
        snprintf(missing, sizeof missing, "%zu run%s without validation records", overlay.without,
                 plural(overlay.without));
    else if (unnamed > 0)
        snprintf(missing, sizeof missing, "%zu more line%s than rows for names", unnamed,
                 plural(unnamed));
    screen_text(screen, screen->rows - 1, 0, screen->columns, faint_style, missing);
    overlay_free(&overlay);
    return screen;
}
