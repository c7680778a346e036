/* Validation accuracy of all runs in one pair of axes, each line named at its end. */
#include "picture/chart.h"

#include "message.h"
#include "picture/pane.h"
#include "reading/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_FONT = 14, LINES = 480 /* pixels beside the names */ };

static struct colour ink_of(const struct series *series, double alpha)
{
    return series->ink < 0 ? (struct colour){0.62, 0.62, 0.62, alpha}
                           : colour_of(series->ink, alpha);
}

/* A group's runs pale and thin, their mean before them; a single run with its epochs as dots. */
static void draw_series(const struct pane *pane, const struct series *series)
{
    for (size_t p = 0; p < series->parts; p++)
        pane_line(pane, &series->part[p], pane->font / 14, ink_of(series, 0.45));
    pane_line(pane, &series->line, pane->font / (series->ink < 0 ? 12 : 7), ink_of(series, 1));
    if ((series->line.count <= 40 && series->parts == 0 && series->ink >= 0) ||
        series->line.count == 1)
        pane_dots(pane, &series->line, pane->font / 6, ink_of(series, 1));
}

/* The label, and a thin line that leads to it from the end of its curve. */
static void draw_label(const struct pane *pane, const struct series *series, double label,
                       double width)
{
    double font = pane->font, edge = pane->x + pane->width, x = edge + 1.6 * font;
    double end_x = pane_x(pane, series->line.x[series->line.count - 1]);
    double end_y = fmin(pane_y(pane, series->last), pane->y + pane->height);
    struct lettering figure = {font, black, 1, 0.5, 0, 0};
    struct lettering name = {
        font, series->ink < 0 ? grey : ink_of(series, 1), 0, 0.5, series->ink >= 0, 0};
    canvas_line(pane->canvas, end_x, end_y, edge + 0.4 * font, end_y, 0.7, ink_of(series, 0.5));
    canvas_line(pane->canvas, edge + 0.4 * font, end_y, x - 0.3 * font, label, 0.7,
                ink_of(series, 0.5));
    canvas_text_in(pane->canvas, x, label, width - 6 * font, &name, series->name);
    canvas_text(pane->canvas, edge + width - 0.6 * font, label, &figure, series->figure);
}

/* Draws the lines, worst first, and the names for which there is room: how many. */
static size_t draw_all(const struct pane *pane, const struct overlay *overlay, double width)
{
    double *label = ealloc(overlay->count, sizeof *label), step = 1.25 * pane->font;
    size_t named, *order = overlay_by_end(overlay, (size_t)(pane->height / step) + 1, &named);
    for (size_t i = 0; i < named; i++)
        label[i] = pane_y(pane, overlay->series[order[i]].last);
    labels_spread(label, named, pane->y, pane->y + pane->height, step);
    for (size_t i = overlay->count; i-- > 0;)
        draw_series(pane, &overlay->series[i]);
    for (size_t i = 0; i < named; i++)
        draw_label(pane, &overlay->series[order[i]], label[i], width);
    free(label);
    free(order);
    return named;
}

int chart_overlay(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    struct overlay overlay = overlay_make(history);
    double width = picture->width, height = picture->height, labels = 0;
    char text[256], more[96] = "";
    struct lettering letters = {MOST_FONT, black, 0, 0, 1, 0};
    canvas_measure(&canvas, picture->path);
    for (size_t i = 0; i < overlay.count; i++)
        labels = fmax(labels, canvas_text_width(&canvas, &letters, overlay.series[i].name));
    canvas_measured(&canvas);
    if (width == 0) {
        width = fmin(fmax(960, LINES + labels + 6.5 * MOST_FONT), 2 * 960); /* no name is cut */
        height = fmin(fmax(600, 17 * (double)overlay.count + 140), CHART_LONGEST);
    }
    double font = fmax(fmin(fmin(width / 52, height / 34), MOST_FONT), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0) {
        overlay_free(&overlay);
        return -1;
    }
    struct lettering note = {0.9 * font, grey, 1, 1, 0, 0};
    labels = fmin(labels * font / MOST_FONT + 6.5 * font, fmax(0.5 * width, width - LINES));
    struct ranges ranges = curve_ranges(history);
    double top = chart_title(&canvas, picture->title, font) + 1.5 * font;
    struct axis epochs = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis percent = {100 * ranges.low, 100 * ranges.high, 0,
                           overlay.training ? "Training accuracy (%)" : "Validation accuracy (%)",
                           .bare = 0};
    struct pane pane = {
        &canvas, 5.2 * font, top, width - 5.2 * font - labels, height - top - 4.4 * font,
        epochs,  percent,    font};
    pane_frame(&pane);
    pane_name_up(&pane, 3.6 * font);
    pane_name_across(&pane, 2 * font);
    size_t named = draw_all(&pane, &overlay, labels);
    /* Below the axes: what the figures are, and the runs that cannot be shown or named. */
    if (overlay.without > 0)
        snprintf(more, sizeof more, "; %zu run%s without validation records", overlay.without,
                 plural(overlay.without));
    else if (named < overlay.count)
        snprintf(more, sizeof more, "; %zu more without a name", overlay.count - named);
    snprintf(text, sizeof text, "figures: %s%s%s%s", history->rank == RANK_LOSS ? "loss, " : "",
             rank_when(history->rank, overlay.training, rank_keeps(history->run, history->runs)),
             overlay.means ? "; pale: each run, strong: their mean" : "", more);
    canvas_text(&canvas, width - 0.6 * font, height - 0.6 * font, &note, text);
    overlay_free(&overlay);
    return canvas_close(&canvas);
}
