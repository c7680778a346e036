/* Validation accuracy of all runs in one plot, each line named at its end. */
#include "text.h"

#include "label.h"
#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct end {
    const struct run *run;
    double y;
    int row; /* of the label */
    uint8_t ink;
};

static int higher(const void *a, const void *b)
{
    double x = ((const struct end *)a)->y, y = ((const struct end *)b)->y;
    return (x < y) - (x > y);
}

/* Spreads the labels, best first, so that no two share a row; as many as there are rows. */
static size_t spread(struct end *ends, size_t count, const struct box *box)
{
    size_t shown = count < (size_t)box->rows ? count : (size_t)box->rows;
    for (size_t i = 1; i < shown; i++)
        if (ends[i].row <= ends[i - 1].row)
            ends[i].row = ends[i - 1].row + 1;
    int last = box->row + box->rows - 1;
    for (size_t i = shown; i-- > 0; last = ends[i].row - 1)
        if (ends[i].row > last)
            ends[i].row = last;
    return shown;
}

static size_t draw_lines(struct dots *dots, const struct history *history, struct end *ends)
{
    size_t count = 0;
    for (size_t r = 0; r < history->runs; r++) {
        const struct run *run = history->run[r];
        size_t n = run->validation.count;
        struct line line = curve_line(&run->validation, CURVE_ACCURACY, CURVE_RAW);
        uint8_t ink = palette[r % INKS].terminal;
        for (size_t i = 0; i < n; i++)
            line.x[i] = (double)run->validation.point[i].epoch;
        dots_line(dots, line.x, line.y, n, ink);
        if (n > 0 && isfinite(line.y[n - 1])) {
            ends[count] = (struct end){run, line.y[n - 1], dots->box.row, ink};
            int column;
            dots_cell(dots, line.x[n - 1], line.y[n - 1], &ends[count++].row, &column);
        }
        line_free(&line);
    }
    return count;
}

static void draw_labels(struct screen *screen, const struct box *box, const struct end *ends,
                        size_t shown, int width)
{
    for (size_t i = 0; i < shown; i++) {
        char figure[32];
        int row = ends[i].row, column = box->column + box->columns;
        snprintf(figure, sizeof figure, "%.2f", ends[i].y);
        screen_put(screen, row, column, screen_pick(screen, 0x2500, '-'),
                   (struct style){.ink = ends[i].ink});
        screen_text(screen, row, column + 2, width - 9, (struct style){.ink = ends[i].ink},
                    ends[i].run->name);
        screen_right(screen, row, column + width - 7, 6, plain_style, figure);
    }
}

/* Under the plot: the runs that it cannot show or name. */
static void draw_missing(struct screen *screen, size_t without, size_t unnamed)
{
    char text[128] = "";
    if (without > 0)
        snprintf(text, sizeof text, "%zu run%s without validation records", without,
                 without == 1 ? "" : "s");
    else if (unnamed > 0)
        snprintf(text, sizeof text, "%zu more line%s than rows for names", unnamed,
                 unnamed == 1 ? "" : "s");
    screen_text(screen, screen->rows - 1, 0, screen->columns, faint_style, text);
}

struct screen *text_overlay(const struct history *history, const struct page *page)
{
    int widest = 0;
    for (size_t r = 0; r < history->runs; r++) {
        int columns = label_columns(history->run[r]->name);
        widest = columns > widest ? columns : widest;
    }
    int labels = (widest < page->columns / 3 ? widest : page->columns / 3) + 10;
    int rows = page->rows > 0 ? page->rows : 24;
    if (page->rows == 0 && history->runs > 16)
        rows = (int)history->runs + 8;
    struct ranges ranges = curve_ranges(history);
    struct screen *screen = screen_make(rows, page->columns, page->look);
    screen_text(screen, 0, 0, page->columns, bold_style,
                page->title ? page->title : "Validation accuracy (%)");
    struct axis x = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis y = {100 * ranges.low, 100 * ranges.high, 0, NULL, .bare = 0};
    struct dots dots =
        text_axes(screen, (struct box){2, 0, rows - 3, page->columns - labels}, &x, &y);
    struct end *ends = ealloc(history->runs, sizeof *ends);
    size_t count = draw_lines(&dots, history, ends);
    dots_show(&dots);
    qsort(ends, count, sizeof *ends, higher);
    size_t shown = spread(ends, count, &dots.box);
    draw_labels(screen, &dots.box, ends, shown, labels);
    draw_missing(screen, history->runs - count, count - shown);
    free(ends);
    return screen;
}
