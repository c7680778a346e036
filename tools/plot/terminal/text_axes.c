/* Frames, tick labels, small bars: what the plots of a page share. */
#include "terminal/text.h"

#include "ticks.h"

#include <math.h>
#include <string.h>

enum { LABEL = 4 }; /* columns of a y label: "100", "0.75" */

static void left_edge(const struct dots *dots, const struct axis *axis)
{
    struct screen *screen = dots->screen;
    const struct box *box = &dots->box;
    int most = box->rows * 2 / 3 + 1;
    struct ticks ticks = ticks_make(axis->low, axis->high, most < 2 ? 2 : most, axis->smallest);
    for (int i = 0; i < box->rows; i++)
        screen_put(screen, box->row + i, box->column - 1, screen_pick(screen, 0x2502, '|'),
                   faint_style);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        int row, column;
        double value = tick_value(&ticks, i);
        if (!dots_cell(dots, dots->left, value, &row, &column))
            continue;
        tick_text(&ticks, value, text, sizeof text);
        screen_right(screen, row, box->column - 1 - LABEL, LABEL, faint_style, text);
        screen_put(screen, row, box->column - 1, screen_pick(screen, 0x2524, '+'), faint_style);
    }
}

/* The bottom edge, and under it the labels and, where they leave room, the axis' name. */
static void bottom_edge(const struct dots *dots, const struct axis *axis)
{
    struct screen *screen = dots->screen;
    const struct box *box = &dots->box;
    int row = box->row + box->rows, end = box->column + box->columns, used = box->column;
    screen_put(screen, row, box->column - 1, screen_pick(screen, axis->bare ? 0x251c : 0x2514, '+'),
               faint_style);
    for (int i = 0; i < box->columns; i++)
        screen_put(screen, row, box->column + i, screen_pick(screen, 0x2500, '-'), faint_style);
    if (axis->bare)
        return;
    int most = box->columns / 9 + 1;
    struct ticks ticks = ticks_make(axis->low, axis->high, most < 2 ? 2 : most, axis->smallest);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        int unused, column;
        double value = tick_value(&ticks, i);
        if (!dots_cell(dots, value, dots->bottom, &unused, &column))
            continue;
        tick_text(&ticks, value, text, sizeof text);
        int width = (int)strlen(text), left = column - width / 2;
        left = left + width > end ? end - width : left < box->column - 1 ? box->column - 1 : left;
        screen_put(screen, row, column, screen_pick(screen, 0x252c, '+'), faint_style);
        screen_text(screen, row + 1, left, width, faint_style, text);
        used = left + width;
    }
    if (axis->name && used + 2 + (int)strlen(axis->name) <= end)
        screen_right(screen, row + 1, box->column, box->columns, faint_style, axis->name);
}

struct dots text_axes(struct screen *screen, struct box box, const struct axis *x,
                      const struct axis *y)
{
    int below = x->bare ? 1 : 2;
    struct box inner = {box.row, box.column + LABEL + 1, box.rows - below, box.columns - LABEL - 1};
    /* A page too small for a plot shows what fits of its frame. */
    inner.rows = inner.rows < 1 ? 1 : inner.rows;
    inner.columns = inner.columns < 1 ? 1 : inner.columns;
    struct dots dots = dots_make(screen, inner, x->low, x->high, y->low, y->high);
    left_edge(&dots, y);
    bottom_edge(&dots, x);
    return dots;
}

void text_spark(struct screen *screen, int row, int column, int width, const struct line *line,
                double right, double low, double high, uint8_t ink)
{
    static const char ascii[] = "_.:-=+*#";
    size_t i = 0;
    for (int c = 0; c < width; c++) {
        /* The mean of what falls into this column. */
        double sum = 0, end = right * (c + 1) / width;
        size_t from = i, numbers = 0;
        for (; i < line->count && line->x[i] <= end; i++)
            if (isfinite(line->y[i])) {
                sum += line->y[i];
                numbers++;
            }
        if (numbers == 0) {
            if (i > from)
                screen_put(screen, row, column + c, 'x', (struct style){.ink = ink});
            continue;
        }
        double part = (sum / (double)numbers - low) / (high - low);
        int level = (int)(8 * fmax(0, fmin(part, 0.999)));
        screen_put(screen, row, column + c,
                   screen_pick(screen, 0x2581 + (uint32_t)level, ascii[level]),
                   (struct style){.ink = ink});
    }
}

struct grid text_grid(int panels, int columns, int rows)
{
    enum { NARROWEST = 30, LOWEST = 7 };
    struct grid best = {0};
    double best_fit = INFINITY;
    for (int across = 1; across <= panels && columns / across >= NARROWEST; across++) {
        struct grid grid = {across, (panels + across - 1) / across, columns / across, 0};
        grid.rows = rows / grid.down;
        if (grid.rows < LOWEST)
            continue;
        /* A cell is about twice as high as wide; panels look best at about 3 : 2, and free places
         * at the end are a waste. */
        double fit = fabs(log((double)grid.columns / grid.rows / 3.2)) +
                     1.5 * (across * grid.down - panels) / panels;
        if (fit < best_fit) {
            best_fit = fit;
            best = grid;
        }
    }
    return best;
}
