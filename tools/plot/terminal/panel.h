/* One run as a panel: accuracy above, loss below, against the same iterations. */
#ifndef PSPLOT_PANEL_H
#define PSPLOT_PANEL_H

#include "reading/curve.h"
#include "terminal/screen.h"

/* What stands around a panel's name. */
struct caption {
    struct {
        char text[80]; /* empty: nothing */
        uint8_t ink;
    } beside[2];           /* to the right of it; the first gives way where both do not fit */
    char brief[RANK_ROOM]; /* in place of both where not even the second fits */
    char below[128];       /* in a row of its own; empty: no such row */
    int keep; /* where brief would do, the second has a row of its own if there is one to spare */
};

void panel_draw(struct screen *screen, struct box box, const struct run *run,
                const struct ranges *ranges, const struct caption *caption);

/* What the lines are, in one row: the columns used; and those it needs. brief: fewer words. */
int panel_legend(struct screen *screen, int row, int column, int width, int brief);
int panel_legend_width(int brief);

/* How panels share a page: columns of them, each with so many columns and rows. 0 panels in a row:
 * they do not fit. */
struct grid {
    int across, down;
    int columns, rows; /* of a panel */
};
struct grid panel_grid(int panels, int columns, int rows);

#endif
