/* Lines in a terminal: a box of cells taken as a fine grid of dots, 2 × 4 a cell with braille
 * patterns, 1 × 3 with ASCII marks. */
#ifndef PSPLOT_DOTS_H
#define PSPLOT_DOTS_H

#include "terminal/screen.h"

struct dots {
    struct screen *screen;
    struct box box;
    double left, right, bottom, top; /* what the edges of the box stand for */
    int across, down;                /* dots in a cell */
    uint8_t *mark;                   /* [rows][columns]: the dots set in a cell */
    uint8_t *ink;                    /* [rows][columns]: its colour; the last line drawn wins */
    uint8_t *level;                  /* [rows][columns]: of its dots; see dots_above() */
    uint8_t above;
};

/* Axes over a box of the screen, from left to right and from bottom to top. Nothing is seen before
 * dots_show(), which also frees. */
struct dots dots_make(struct screen *screen, struct box box, double left, double right,
                      double bottom, double top);

/* A line through count points; x and y rise to the right and upwards. What is no number is a gap;
 * what lies beyond bottom or top is drawn at the edge. */
void dots_line(struct dots *dots, const double *x, const double *y, size_t count, uint8_t ink);

/* A blot at a point, of two by two dots; in ASCII a letter o. Nothing where it is outside or no
 * number. */
void dots_blot(struct dots *dots, double x, double y, uint8_t ink);

/* What is drawn from here on stands before what was drawn, and alone in its cells. */
void dots_above(struct dots *dots);

/* Writes the dots into the screen's cells, where any is set, and frees them. */
void dots_show(struct dots *dots);

/* The cell of a value, for marks drawn over the dots: 0 when it is outside or no
 * number. */
int dots_cell(const struct dots *dots, double x, double y, int *row, int *column);

#endif
