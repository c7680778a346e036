#include "screen.h"

#include "label.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

struct screen *screen_make(int rows, int columns, struct look look)
{
    struct screen *screen = ealloc(1, sizeof *screen);
    *screen = (struct screen){.rows = rows, .columns = columns, .look = look};
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
    int cut = label_columns(text) > width, used = 0, columns;
    for (uint32_t code; label_next(&text, &code, &columns);) {
        if (used + columns > width - cut)
            break;
        if (code > 0x7e && !screen->look.unicode)
            code = '?';
        if (columns > 0)
            screen_put(screen, row, column + used, code, style);
        used += columns;
    }
    if (cut && width > 0)
        screen_put(screen, row, column + used++, screen_pick(screen, 0x2026, '~'), style);
    return used;
}

void screen_right(struct screen *screen, int row, int column, int width, struct style style,
                  const char *text)
{
    int columns = label_columns(text);
    int left = columns < width ? width - columns : 0;
    screen_text(screen, row, column + left, width - left, style, text);
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

static void write_row(const struct screen *screen, const struct cell *cell, FILE *out)
{
    int end = screen->columns;
    while (end > 0 && (cell[end - 1].code == 0 || cell[end - 1].code == ' ') &&
           (cell[end - 1].style.ground == 0 || !screen->look.colour))
        end--;
    struct style now = plain_style;
    for (int i = 0; i < end; i++) {
        /* Nothing to write for the right half of a wide character. */
        if (cell[i].code == 0 && i > 0 && label_wide(cell[i - 1].code))
            continue;
        if (screen->look.colour && !same_style(now, cell[i].style))
            write_style(out, now = cell[i].style);
        char bytes[4];
        int length = label_encode(cell[i].code ? cell[i].code : ' ', bytes);
        fwrite(bytes, 1, (size_t)length, out);
    }
    if (!same_style(now, plain_style))
        fputs("\033[0m", out);
}

void screen_write(const struct screen *screen, FILE *out, const char *line_end)
{
    for (int row = 0; row < screen->rows; row++) {
        write_row(screen, screen->cell + (size_t)row * (size_t)screen->columns, out);
        fputs(line_end, out);
    }
}
