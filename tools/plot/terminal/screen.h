/* A page of character cells, drawn in memory and then written at once: to a terminal, a pipe or a
 * file.
 *
 * Rows and columns count from 0 at the top left. Whatever falls outside is left out, so a view may
 * draw without looking at the edges. Text must be clean (label.h).
 */
#ifndef PSPLOT_SCREEN_H
#define PSPLOT_SCREEN_H

#include <stdint.h>
#include <stdio.h>

/* What whoever shows the page can show; decided once from the terminal and the options. */
struct capabilities {
    int unicode; /* else ASCII only */
    int colour;  /* 256 colours, bold and faint */
};

/* How a cell is written: a terminal colour 1 to 255 for letters and ground (0: the terminal's own).
 */
struct style {
    uint8_t ink, ground, bold, faint;
};
static const struct style plain_style = {0}, bold_style = {.bold = 1}, faint_style = {.faint = 1};

struct cell {
    uint32_t code; /* 0: blank, or the right half of a wide character */
    struct style style;
};

struct screen {
    int rows, columns;
    struct capabilities can;
    struct cell *cell; /* [rows][columns] */
};

/* A rectangle of cells. */
struct box {
    int row, column, rows, columns;
};

struct screen *screen_make(int rows, int columns, struct capabilities can);
void screen_free(struct screen *screen);

/* One character; one that ASCII lacks goes through screen_text() or screen_pick(). */
void screen_put(struct screen *screen, int row, int column, uint32_t code, struct style style);

/* The first in Unicode, the second where only ASCII is allowed. */
static inline uint32_t screen_pick(const struct screen *screen, uint32_t code, char ascii)
{
    return screen->can.unicode ? code : (uint32_t)(unsigned char)ascii;
}

/* Whether something stands there. */
static inline int screen_taken(const struct screen *screen, int row, int column)
{
    return row >= 0 && row < screen->rows && column >= 0 && column < screen->columns &&
           screen->cell[(size_t)row * (size_t)screen->columns + (size_t)column].code != 0;
}

/* Text from column on, at most width columns: of what does not fit the middle is an ellipsis, for
 * names are often told apart by their ends.
 * Returns the columns used. In ASCII other characters become question marks. */
int screen_text(struct screen *screen, int row, int column, int width, struct style style,
                const char *text);
/* The same, ending at column + width. */
int screen_right(struct screen *screen, int row, int column, int width, struct style style,
                 const char *text);

/* Writes the rows, blanks at their ends left out, each with line_end behind it. */
void screen_write(const struct screen *screen, FILE *out, const char *line_end);

/* Brings a terminal that shows old, drawn from its top left, to show screen: only the cells that
 * differ are written. old NULL: the terminal is cleared. The cursor then stands below the page. */
void screen_update(const struct screen *screen, const struct screen *old, FILE *out);

#endif
