/* A pair of axes in a picture: a rectangle of pixels that stands for ranges of two figures. */
#ifndef PSPLOT_PANE_H
#define PSPLOT_PANE_H

#include "picture/canvas.h"
#include "reading/curve.h"
#include "ticks.h"

struct pane {
    struct canvas *canvas;
    double x, y, width, height; /* pixels, without labels */
    struct axis across, up;
    double font;
};

/* Places of values, in pixels. */
static inline double pane_x(const struct pane *pane, double value)
{
    return pane->x +
           pane->width * (value - pane->across.low) / (pane->across.high - pane->across.low);
}
static inline double pane_y(const struct pane *pane, double value)
{
    return pane->y + pane->height * (pane->up.high - value) / (pane->up.high - pane->up.low);
}

/* The width of the widest of the up axis' tick labels, which stand half a letter from the edge. */
double pane_label_width(const struct pane *pane);

/* Grid lines, tick labels to the left and, unless the across axis is bare, below. */
void pane_frame(const struct pane *pane);
/* The same without what belongs to the up axis: for rows that have names of their own. */
void pane_columns(const struct pane *pane);
/* The axes' names: outside the tick labels, distance pixels away from the edge. */
void pane_name_up(const struct pane *pane, double distance);
void pane_name_across(const struct pane *pane, double distance);

/* A line, cut off at the edges, with gaps where there is no number. A line with many points per
 * pixel is drawn as its lowest and highest in each pixel's width. */
void pane_line(const struct pane *pane, const struct line *line, double width,
               struct colour colour);
/* A dot at each point that is inside. */
void pane_dots(const struct pane *pane, const struct line *line, double radius,
               struct colour colour);

#endif
