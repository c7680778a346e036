/* The views as pictures, each in the file of its name (those of scores in chart_scores.c), and what
 * they share. Each writes the file path; size in pixels, 0 for what suits the data. -1 with a
 * sentence. */
#ifndef PSPLOT_CHART_H
#define PSPLOT_CHART_H

#include "picture/canvas.h"
#include "reading/filters.h"
#include "reading/sheet.h"
#include "reading/tile.h"
#include "runs/history.h"

struct picture {
    const char *path;
    double width, height; /* 0: what suits the data */
    const char *title;    /* NULL: none, or the view's own */
    int dark;             /* light on a dark ground */
};

int chart_curves(const struct history *history, const struct picture *picture);
int chart_overlay(const struct history *history, const struct picture *picture);
int chart_summary(const struct history *history, const struct picture *picture);
int chart_classes(const struct history *history, const struct picture *picture);
int chart_confusion(const struct history *history, const struct picture *picture);

int chart_images(const struct sheet *sheet, const struct picture *picture);
int chart_filters(const struct bank *bank, const struct picture *picture);

/* The title over a picture: the height it takes. */
double chart_title(struct canvas *canvas, const char *title, double font);

/* Draws a tile, as large as it can be, into the middle of a box of whole pixels. */
void chart_tile(struct canvas *canvas, const struct tile *tile, int x, int y, int width,
                int height);

/* A picture whose size nobody asked for has at most CHART_MOST pixels, none of its sides more than
 * CHART_LONGEST (cairo's own limit is 32767). This makes one smaller in proportion: many panels
 * side by side are a small picture of each. */
enum { CHART_MOST = 40000000, CHART_LONGEST = 30000 };
void chart_limit(double *width, double *height);

/* How many panels stand beside each other where count share a picture. */
int chart_across(size_t count);

#endif
