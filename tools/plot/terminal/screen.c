#include "terminal/screen.h"

#include "label.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

struct screen *screen_make(int rows, int columns, struct capabilities can)
{
    struct screen *screen = ealloc(1, sizeof *screen);
    *screen = (struct screen){.rows = rows, .columns = columns, .can = can};
    screen->cell = ealloc((size_t)rows * (size_t)columns, sizeof *screen->cell);
    return screen;
}

void screen_free(struct screen *screen)
{
    free(screen->cell);
    free(screen);
}

void screen_put(struct screen *screen, int row, int column, uint32_t code, struct style style)
{
    if (row < 0 || row >= screen->rows || column < 0 || column >= screen->columns)
        return;
    screen->cell[(size_t)row * (size_t)screen->columns + (size_t)column] =
        (struct cell){code, style};
}

int screen_text(struct screen *screen, int row, int column, int width, struct style style,
                const char *text)
{
    int all = label_columns(text), cut = all > width, at = 0, used = 0, columns;
    /* Of a text that is too wide the columns before head and from tail on. */
    int head = cut ? width / 2 : all, tail = cut ? all - (width - head - 1) : all;
    if (cut && width <= 0)
        return 0;
    for (uint32_t code; label_next(&text, &code, &columns); at += columns) {
        if (cut && at + columns > head) {
            screen_put(screen, row, column + used++, screen_pick(screen, 0x2026, '~'), style);
            cut = 0;
        }
        if (at + columns > head && at < tail)
            continue;
        if (code > 0x7e && !screen->can.unicode)
            code = '?';
        if (columns > 0)
            screen_put(screen, row, column + used, code, style);
        used += columns;
    }
    return used;
}

int screen_right(struct screen *screen, int row, int column, int width, struct style style,
                 const char *text)
{
    int columns = label_columns(text);
    int left = columns < width ? width - columns : 0;
    return screen_text(screen, row, column + left, width - left, style, text);
}

static int same_style(struct style a, struct style b)
{
    return a.ink == b.ink && a.ground == b.ground && a.bold == b.bold && a.faint == b.faint;
}

/* The escape sequence (ECMA-48 SGR) from any style to this one. */
static void write_style(FILE *out, struct style style)
{
    fputs("\033[0", out);
    if (style.bold)
        fputs(";1", out);
    if (style.faint)
        fputs(";2", out);
    if (style.ink)
        fprintf(out, ";38;5;%d", style.ink);
    if (style.ground)
        fprintf(out, ";48;5;%d", style.ground);
    fputc('m', out);
}

/* Cells [from, to) of a row; what stands before from is plain. */
static void write_cells(const struct screen *screen, const struct cell *cell, int from, int to,
                        FILE *out)
{
    struct style now = plain_style;
    for (int i = from; i < to; i++) {
        /* Nothing to write for the right half of a wide character. */
        if (cell[i].code == 0 && i > 0 && label_wide(cell[i - 1].code))
            continue;
        if (screen->can.colour && !same_style(now, cell[i].style))
            write_style(out, now = cell[i].style);
        char bytes[4];
        int length = label_encode(cell[i].code ? cell[i].code : ' ', bytes);
        fwrite(bytes, 1, (size_t)length, out);
    }
    if (!same_style(now, plain_style))
        fputs("\033[0m", out);
}

/* Where the blanks at the end of a row begin. */
static int row_end(const struct screen *screen, const struct cell *cell)
{
    int end = screen->columns;
    while (end > 0 && (cell[end - 1].code == 0 || cell[end - 1].code == ' ') &&
           (cell[end - 1].style.ground == 0 || !screen->can.colour))
        end--;
    /* A wide character takes its right half along. */
    return end > 0 && end < screen->columns && label_wide(cell[end - 1].code) ? end + 1 : end;
}

void screen_write(const struct screen *screen, FILE *out, const char *line_end)
{
    for (int row = 0; row < screen->rows; row++) {
        const struct cell *cell = screen->cell + (size_t)row * (size_t)screen->columns;
        write_cells(screen, cell, 0, row_end(screen, cell), out);
        fputs(line_end, out);
    }
}

static int same_cell(struct cell a, struct cell b)
{
    return (a.code ? a.code : ' ') == (b.code ? b.code : ' ') && same_style(a.style, b.style);
}

/* The spans of a row that changed; those a few cells apart are written as one, for the order that
 * moves the cursor is as long. */
static void update_row(const struct screen *screen, int row, const struct cell *old, FILE *out)
{
    enum { APART = 8 };
    const struct cell *cell = screen->cell + (size_t)row * (size_t)screen->columns;
    int end = row_end(screen, cell), columns = screen->columns;
    for (int i = 0, to; i < columns; i = to) {
        to = i + 1;
        if (same_cell(cell[i], old[i]))
            continue;
        for (int j = to; j < columns && j <= to + APART; j++)
            if (!same_cell(cell[j], old[j]))
                to = j + 1;
        /* Neither half of a wide character, old or new, is written without the other. */
        int from = i;
        while (from > 0 && (label_wide(cell[from - 1].code) || label_wide(old[from - 1].code)))
            from--;
        while (to < columns && (label_wide(cell[to - 1].code) || label_wide(old[to - 1].code)))
            to++;
        fprintf(out, "\033[%d;%dH", row + 1, from + 1);
        write_cells(screen, cell, from, to < end ? to : end, out);
        if (to > end) {
            fputs("\033[K", out);
            return;
        }
    }
}

void screen_update(const struct screen *screen, const struct screen *old, FILE *out)
{
    int anew = old == NULL || old->rows != screen->rows || old->columns != screen->columns;
    for (int row = 0; row < screen->rows; row++) {
        size_t place = (size_t)row * (size_t)screen->columns;
        if (!anew) {
            update_row(screen, row, old->cell + place, out);
            continue;
        }
        /* Cleared before it is written: after its last column some terminals would clear that. */
        fprintf(out, "\033[%d;1H\033[2K", row + 1);
        write_cells(screen, screen->cell + place, 0, row_end(screen, screen->cell + place), out);
    }
    fprintf(out, "\033[%d;1H%s", screen->rows + 1, anew ? "\033[J" : "");
}
