/* The views as pages of characters. Each makes a screen that the caller frees. */
#ifndef PSPLOT_TEXT_H
#define PSPLOT_TEXT_H

#include "reading/asked.h"
#include "reading/curve.h"
#include "terminal/dots.h"
#include "runs/history.h"
#include "terminal/screen.h"
#include "ticks.h"

struct page {
    int columns;       /* that the page may fill */
    int rows;          /* 0: as many as the view likes */
    const char *title; /* NULL: none */
    struct look look;
};

struct screen *text_curves(const struct history *history, const struct page *page);
struct screen *text_overlay(const struct history *history, const struct page *page);
struct screen *text_summary(const struct history *history, const struct page *page);
struct screen *text_classes(const struct score *score, const struct page *page);
struct screen *text_confusion(const struct score *score, const struct page *page);
struct screen *text_run_table(const struct history *history, const struct page *page);
struct screen *text_score_table(const struct history *history, const struct page *page);

/* A frame of --follow, filling the page: a panel a run, or rows where there are too many. asked:
 * what a folder asks for. now: Unix seconds, for runs that have long been silent. */
struct screen *text_live(const struct history *history, const struct asked *asked,
                         const struct page *page, double now);
/* The same as a table with a row a run, from row on; those at work come first. */
void text_rows(struct screen *screen, int row, const struct history *history, double now);
/* Prints a line for each epoch and each end that it has not told of yet. */
void tell_epochs(struct history *history);

/* Parts of pages, each drawn into a box of a screen. */

/* The frame of a plot inside box: tick labels, left edge, bottom edge with x labels beneath; the
 * name of the x axis may be NULL. factor: what a y label is multiplied by. What remains is the
 * plot. */
struct dots text_axes(struct screen *screen, struct box box, const struct axis *x,
                      const struct axis *y);

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

/* One run: its name and status above, accuracy and loss against the iterations. */
void text_panel(struct screen *screen, struct box box, const struct run *run,
                const struct ranges *ranges, const struct caption *caption);

/* The legend of panels, in one row: the columns used; and those it needs. brief: fewer words. */
int text_legend(struct screen *screen, int row, int column, int width, int brief);
int text_legend_width(int brief);

/* A line of count values as one row of small bars from low to high. */
void text_spark(struct screen *screen, int row, int column, int width, const struct line *line,
                double right, double low, double high, uint8_t ink);

/* How panels share a page: columns of them, each with box.columns and box.rows cells. 0 panels in a
 * row: they do not fit. rows 0: any height. */
struct grid {
    int across, down;
    int columns, rows; /* of a panel */
};
struct grid text_grid(int panels, int columns, int rows);

/* What a run at work is judged by so far, "68.0 %"; "" where it was not validated yet. */
void text_verdict(const struct run *run, enum rank_rule rule, char text[RANK_ROOM]);
/* Figures of a run at work, as texts; "" where they are not known: "5420 images/s", brief "5420
 * img/s"; "2 min 05 s left", or for how long it has been silent. */
void text_speed(const struct run *run, int brief, char *text, size_t size);
void text_left(const struct run *run, double now, char *text, size_t size);

#endif
