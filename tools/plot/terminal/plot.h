/* Plots in a terminal: lines in a box of cells, with axes around it; and small bars.
 *
 * The box is a fine grid of dots, 2 × 4 a cell with braille patterns, 1 × 3 with ASCII marks.
 */
#ifndef PSPLOT_PLOT_H
#define PSPLOT_PLOT_H

#include "reading/curve.h"
#include "terminal/screen.h"
#include "ticks.h"

struct plot {
    struct screen *screen;
    struct box box;
    double left, right, bottom, top; /* what the edges of the box stand for */
    int across, down;                /* dots in a cell */
    struct dots {
        uint8_t mark;  /* the dots that are set */
        uint8_t ink;   /* its colour; the last line drawn wins */
        uint8_t level; /* see plot_above() */
    } * cell;          /* [rows][columns] */
    uint8_t level;
};

/* A plot inside box: tick labels and axes are drawn at its left and bottom edges, what remains is
 * for the lines. Nothing of these is seen before plot_show(), which also frees. */
struct plot plot_make(struct screen *screen, struct box box, const struct axis *x,
                      const struct axis *y);

/* A line, with gaps where there is no number; what lies beyond bottom or top is drawn at the edge.
 */
void plot_line(struct plot *plot, const struct line *line, uint8_t ink);

/* A blot at a point, of two by two dots; in ASCII a letter o. Nothing where it is outside or no
 * number. */
void plot_blot(struct plot *plot, double x, double y, uint8_t ink);

/* What is drawn from here on stands before what was drawn, and alone in its cells. */
void plot_above(struct plot *plot);

/* Writes the dots into the screen's cells, where any is set, and frees them. */
void plot_show(struct plot *plot);

/* The cell of a value, for marks beside the lines: 0 when it is outside or no number. */
int plot_cell(const struct plot *plot, double x, double y, int *row, int *column);

/* The curve of training, but for the rate smoothed, as one row of small bars, from 0 to high over 0
 * to right. */
void plot_bars(struct screen *screen, struct box row, const struct samples *samples,
               enum curve_field field, double right, double high);

#endif
