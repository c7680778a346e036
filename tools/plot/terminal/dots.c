#include "terminal/dots.h"

#include "message.h"

#include <math.h>
#include <stdlib.h>

/* The bit of a cell of ASCII that has a blot in it, behind those of its three dots. */
enum { BLOT = 8 };

struct dots dots_make(struct screen *screen, struct box box, double left, double right,
                      double bottom, double top)
{
    struct dots dots = {screen, box, left, right, bottom, top, .across = 1, .down = 3};
    if (screen->look.unicode)
        dots.across = 2, dots.down = 4;
    size_t cells = (size_t)box.rows * (size_t)box.columns;
    dots.mark = ealloc(cells, 1);
    dots.ink = ealloc(cells, 1);
    dots.level = ealloc(cells, 1);
    return dots;
}

/* Sets that bit of the cell in which the dot lies. */
static void set_bit(struct dots *dots, int x, int y, int bit, uint8_t ink)
{
    int column = x / dots->across, row = y / dots->down;
    if (x < 0 || y < 0 || column >= dots->box.columns || row >= dots->box.rows)
        return;
    size_t cell = (size_t)row * (size_t)dots->box.columns + (size_t)column;
    if (dots->level[cell] != dots->above)
        dots->mark[cell] = 0;
    dots->level[cell] = dots->above;
    dots->mark[cell] |= (uint8_t)bit;
    dots->ink[cell] = ink;
}

static void set(struct dots *dots, int x, int y, uint8_t ink)
{
    if (x >= 0 && y >= 0)
        set_bit(dots, x, y, 1 << (y % dots->down * dots->across + x % dots->across), ink);
}

/* Values to dots, which may lie outside the box: far enough for a line to leave it, no farther. */
static int place_x(const struct dots *dots, double x)
{
    double width = dots->box.columns * dots->across - 1;
    return (int)lround(fmax(fmin((x - dots->left) / (dots->right - dots->left), 2), -1) * width);
}

static int place_y(const struct dots *dots, double y)
{
    double height = dots->box.rows * dots->down - 1;
    double up = fmax(fmin((y - dots->bottom) / (dots->top - dots->bottom), 2), -1);
    return (int)lround((1 - up) * height);
}

void dots_blot(struct dots *dots, double x, double y, uint8_t ink)
{
    if (!(x >= dots->left && x <= dots->right && y >= dots->bottom && y <= dots->top))
        return;
    int left = place_x(dots, x), top = place_y(dots, y);
    if (dots->across == 1) {
        set_bit(dots, left, top, BLOT, ink);
        return;
    }
    /* Inside the box, with the point nearest to its middle. */
    int last_x = dots->box.columns * dots->across - 2, last_y = dots->box.rows * dots->down - 2;
    left = left > last_x ? last_x : left;
    top = top > last_y ? last_y : top;
    for (int i = 0; i < 4; i++)
        set(dots, left + i % 2, top + i / 2, ink);
}

/* Every dot on the straight way from one to the other (Bresenham's line). */
static void connect(struct dots *dots, int x0, int y0, int x1, int y1, uint8_t ink)
{
    int right = abs(x1 - x0), down = -abs(y1 - y0);
    int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    for (int error = right + down;;) {
        set(dots, x0, y0, ink);
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

void dots_line(struct dots *dots, const double *x, const double *y, size_t count, uint8_t ink)
{
    int drawn = 0, last_x = 0, last_y = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) {
            drawn = 0;
            continue;
        }
        int next_x = place_x(dots, x[i]), next_y = place_y(dots, y[i]);
        if (!drawn)
            set(dots, next_x, next_y, ink);
        else if (next_x != last_x || next_y != last_y)
            connect(dots, last_x, last_y, next_x, next_y, ink);
        drawn = 1;
        last_x = next_x;
        last_y = next_y;
    }
}

void dots_above(struct dots *dots)
{
    dots->above++;
}

/* Dots 1 2 / 3 4 / 5 6 / 7 8, counted along the rows, to the bits of a braille pattern (Unicode: 1
 * to 3 and 7 down the left, 4 to 6 and 8 down the right). */
static uint32_t braille(uint8_t mark)
{
    static const uint8_t bit[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint32_t pattern = 0x2800;
    for (int i = 0; i < 8; i++)
        if (mark >> i & 1)
            pattern |= bit[i];
    return pattern;
}

void dots_show(struct dots *dots)
{
    /* Dots at the top, middle, bottom of a cell, and more than one of them. */
    static const char ascii[BLOT] = {' ', '\'', '-', '|', '.', '|', '|', '|'};
    for (int row = 0; row < dots->box.rows; row++)
        for (int column = 0; column < dots->box.columns; column++) {
            size_t cell = (size_t)row * (size_t)dots->box.columns + (size_t)column;
            uint8_t mark = dots->mark[cell];
            if (mark == 0)
                continue;
            uint32_t code = dots->across == 2 ? braille(mark)
                            : mark & BLOT     ? 'o' /* whatever else is in the cell */
                                              : (uint32_t)ascii[mark];
            screen_put(dots->screen, dots->box.row + row, dots->box.column + column, code,
                       (struct style){.ink = dots->ink[cell]});
        }
    free(dots->mark);
    free(dots->ink);
    free(dots->level);
    dots->mark = dots->ink = dots->level = NULL;
}

int dots_cell(const struct dots *dots, double x, double y, int *row, int *column)
{
    if (!(x >= dots->left && x <= dots->right && y >= dots->bottom && y <= dots->top))
        return 0;
    *row = dots->box.row + place_y(dots, y) / dots->down;
    *column = dots->box.column + place_x(dots, x) / dots->across;
    return 1;
}
