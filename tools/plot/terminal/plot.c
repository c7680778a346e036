#include "terminal/plot.h"

#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bit of a cell of ASCII that has a blot in it, behind those of its three dots. */
enum { BLOT = 8 };

enum { LABEL = 4 }; /* columns of a y label: "100", "0.75" */

/* Sets that bit of the cell in which the dot lies; 0: the dot's own. */
static void set(struct plot *plot, int x, int y, int bit, uint8_t ink)
{
    int column = x / plot->across, row = y / plot->down;
    if (x < 0 || y < 0 || column >= plot->box.columns || row >= plot->box.rows)
        return;
    struct dots *dots = &plot->cell[row * plot->box.columns + column];
    int before = dots->level == plot->level ? dots->mark : 0;
    bit = bit ? bit : 1 << (y % plot->down * plot->across + x % plot->across);
    *dots = (struct dots){(uint8_t)(before | bit), ink, plot->level};
}

/* Values to dots, which may lie outside the box: far enough for a line to leave it, no farther. */
static int place_x(const struct plot *plot, double x)
{
    double width = plot->box.columns * plot->across - 1;
    return (int)lround(fmax(fmin((x - plot->left) / (plot->right - plot->left), 2), -1) * width);
}

static int place_y(const struct plot *plot, double y)
{
    double height = plot->box.rows * plot->down - 1;
    double up = fmax(fmin((y - plot->bottom) / (plot->top - plot->bottom), 2), -1);
    return (int)lround((1 - up) * height);
}

int plot_cell(const struct plot *plot, double x, double y, int *row, int *column)
{
    if (!(x >= plot->left && x <= plot->right && y >= plot->bottom && y <= plot->top))
        return 0;
    *row = plot->box.row + place_y(plot, y) / plot->down;
    *column = plot->box.column + place_x(plot, x) / plot->across;
    return 1;
}

void plot_blot(struct plot *plot, double x, double y, uint8_t ink)
{
    if (!(x >= plot->left && x <= plot->right && y >= plot->bottom && y <= plot->top))
        return;
    int left = place_x(plot, x), top = place_y(plot, y);
    if (plot->across == 1) {
        set(plot, left, top, BLOT, ink);
        return;
    }
    /* Inside the box, with the point nearest to its middle. */
    int last_x = plot->box.columns * plot->across - 2, last_y = plot->box.rows * plot->down - 2;
    left = left > last_x ? last_x : left;
    top = top > last_y ? last_y : top;
    for (int i = 0; i < 4; i++)
        set(plot, left + i % 2, top + i / 2, 0, ink);
}

/* Every dot on the straight way from one to the other (Bresenham's line). */
static void connect_dots(struct plot *plot, int x0, int y0, int x1, int y1, uint8_t ink)
{
    int right = abs(x1 - x0), down = -abs(y1 - y0);
    int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    for (int error = right + down;;) {
        set(plot, x0, y0, 0, ink);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * error;
        if (twice >= down) {
            error += down;
            x0 += step_x;
        }
        if (twice <= right) {
            error += right;
            y0 += step_y;
        }
    }
}

void plot_line(struct plot *plot, const struct line *line, uint8_t ink)
{
    int drawn = 0, last_x = 0, last_y = 0;
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i])) {
            drawn = 0;
            continue;
        }
        int x = place_x(plot, line->x[i]), y = place_y(plot, line->y[i]);
        if (!drawn || x != last_x || y != last_y)
            connect_dots(plot, drawn ? last_x : x, drawn ? last_y : y, x, y, ink);
        drawn = 1;
        last_x = x;
        last_y = y;
    }
}

void plot_above(struct plot *plot)
{
    plot->level++;
}

void plot_show(struct plot *plot)
{
    /* Dots at the top, middle, bottom of a cell, and more than one of them. */
    static const char ascii[BLOT] = {' ', '\'', '-', '|', '.', '|', '|', '|'};
    /* Dots 1 2 / 3 4 / 5 6 / 7 8, counted along the rows, as bits of a braille pattern (Unicode: 1
     * to 3 and 7 down the left, 4 to 6 and 8 down the right). */
    static const uint8_t braille[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    for (int i = 0; i < plot->box.rows * plot->box.columns; i++) {
        const struct dots *dots = &plot->cell[i];
        uint32_t code = 0x2800;
        if (dots->mark == 0)
            continue;
        for (int bit = 0; bit < 8; bit++)
            code |= dots->mark >> bit & 1 ? braille[bit] : 0;
        if (plot->across == 1)
            code = dots->mark & BLOT ? 'o' : (uint32_t)ascii[dots->mark];
        screen_put(plot->screen, plot->box.row + i / plot->box.columns,
                   plot->box.column + i % plot->box.columns, code,
                   (struct style){.ink = dots->ink});
    }
    free(plot->cell);
    plot->cell = NULL;
}

static void left_edge(const struct plot *plot, const struct axis *axis)
{
    struct screen *screen = plot->screen;
    const struct box *box = &plot->box;
    int most = box->rows * 2 / 3 + 1, row, column;
    struct ticks ticks = ticks_make(axis->low, axis->high, most < 2 ? 2 : most, axis->smallest);
    for (int i = 0; i < box->rows; i++)
        screen_put(screen, box->row + i, box->column - 1, screen_pick(screen, 0x2502, '|'),
                   faint_style);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        double value = tick_value(&ticks, i);
        if (!plot_cell(plot, plot->left, value, &row, &column))
            continue;
        tick_text(&ticks, value, text, sizeof text);
        screen_right(screen, row, box->column - 1 - LABEL, LABEL, faint_style, text);
        screen_put(screen, row, box->column - 1, screen_pick(screen, 0x2524, '+'), faint_style);
    }
}

/* The bottom edge, and under it the labels and, where they leave room, the axis' name. */
static void bottom_edge(const struct plot *plot, const struct axis *axis)
{
    struct screen *screen = plot->screen;
    const struct box *box = &plot->box;
    int row = box->row + box->rows, end = box->column + box->columns, used = box->column;
    screen_put(screen, row, box->column - 1, screen_pick(screen, axis->bare ? 0x251c : 0x2514, '+'),
               faint_style);
    for (int i = 0; i < box->columns; i++)
        screen_put(screen, row, box->column + i, screen_pick(screen, 0x2500, '-'), faint_style);
    if (axis->bare)
        return;
    int most = box->columns / 9 + 1, unused, column;
    struct ticks ticks = ticks_make(axis->low, axis->high, most < 2 ? 2 : most, axis->smallest);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        double value = tick_value(&ticks, i);
        if (!plot_cell(plot, value, plot->bottom, &unused, &column))
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

struct plot plot_make(struct screen *screen, struct box box, const struct axis *x,
                      const struct axis *y)
{
    struct plot plot = {screen, box, x->low, x->high, y->low, y->high, .across = 1, .down = 3};
    if (screen->can.unicode)
        plot.across = 2, plot.down = 4;
    plot.box.column += LABEL + 1;
    plot.box.columns -= LABEL + 1;
    plot.box.rows -= x->bare ? 1 : 2;
    /* A page too small for a plot shows what fits of its frame. */
    plot.box.rows = plot.box.rows < 1 ? 1 : plot.box.rows;
    plot.box.columns = plot.box.columns < 1 ? 1 : plot.box.columns;
    plot.cell = ealloc((size_t)plot.box.rows * (size_t)plot.box.columns, sizeof *plot.cell);
    left_edge(&plot, y);
    bottom_edge(&plot, x);
    return plot;
}

void plot_bars(struct screen *screen, struct box row, const struct samples *samples,
               enum curve_field field, double right, double high)
{
    static const char ascii[] = "_.:-=+*#";
    struct style style = {.ink = palette[INK_TRAINING].terminal};
    struct line line = curve_line(samples, field, field == CURVE_RATE ? CURVE_RAW : CURVE_SMOOTH);
    size_t i = 0;
    for (int c = 0; c < row.columns; c++) {
        /* The mean of the mini-batches that end in this column, or the one that goes on in it. */
        double sum = 0, end = right * (c + 1) / row.columns;
        size_t from = i, numbers = 0;
        while (i < line.count && line.x[i] <= end)
            i++;
        size_t to = i > from || i == line.count ? i : i + 1;
        for (size_t j = from; j < to; j++)
            if (isfinite(line.y[j])) {
                sum += line.y[j];
                numbers++;
            }
        int level = (int)(8 * fmax(0, fmin(sum / (double)numbers / high, 0.999)));
        if (numbers > 0)
            screen_put(screen, row.row, row.column + c,
                       screen_pick(screen, 0x2581 + (uint32_t)level, ascii[level]), style);
        else if (to > from)
            screen_put(screen, row.row, row.column + c, 'x', style);
    }
    line_free(&line);
}
