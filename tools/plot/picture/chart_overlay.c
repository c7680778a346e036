/* Validation accuracy of all runs in one pair of axes, each line named at its end. */
#include "picture/chart.h"

#include "message.h"
#include "picture/pane.h"
#include "spread.h"
#include "reading/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct colour ink_of(const struct strand *strand, double alpha)
{
    return strand->ink < 0 ? (struct colour){0.62, 0.62, 0.62, alpha}
                           : colour_of(strand->ink, alpha);
}

/* A group's runs pale and thin, their mean before them; a single run with its epochs as dots. */
static void draw_strand(const struct pane *pane, const struct strand *strand)
{
    for (size_t p = 0; p < strand->parts; p++)
        pane_line(pane, &strand->part[p], pane->font / 14, ink_of(strand, 0.45), 0);
    pane_line(pane, &strand->line, pane->font / (strand->ink < 0 ? 12 : 7), ink_of(strand, 1), 0);
    if ((strand->line.count <= 40 && strand->parts == 0 && strand->ink >= 0) ||
        strand->line.count == 1)
        pane_dots(pane, &strand->line, pane->font / 6, ink_of(strand, 1));
}

static double end_of(const struct pane *pane, const struct strand *strand)
{
    return fmin(pane_y(pane, strand->last), pane->y + pane->height);
}

/* The label, and a thin line that leads to it from the end of its curve. */
static void draw_label(const struct pane *pane, const struct strand *strand, double label,
                       double width)
{
    double font = pane->font, edge = pane->x + pane->width, x = edge + 1.6 * font;
    double end_x = pane_x(pane, strand->line.x[strand->line.count - 1]);
    struct lettering figure = {font, black, 1, 0.5, 0, 0};
    struct lettering name = {
        font, strand->ink < 0 ? grey : ink_of(strand, 1), 0, 0.5, strand->ink >= 0, 0};
    canvas_line(pane->canvas, end_x, end_of(pane, strand), edge + 0.4 * font, end_of(pane, strand),
                0.7, ink_of(strand, 0.5));
    canvas_line(pane->canvas, edge + 0.4 * font, end_of(pane, strand), x - 0.3 * font, label, 0.7,
                ink_of(strand, 0.5));
    canvas_text_in(pane->canvas, x, label, width - 6 * font, &name, strand->name);
    canvas_text(pane->canvas, edge + width - 0.6 * font, label, &figure, strand->figure);
}

static double label_width(struct canvas *canvas, const struct strands *strands, double font)
{
    double widest = 0;
    struct lettering name = {font, black, 0, 0, 1, 0};
    for (size_t i = 0; i < strands->count; i++)
        widest = fmax(widest, canvas_text_width(canvas, &name, strands->strand[i].name));
    return fmin(widest + 6.5 * font, 0.5 * canvas->width);
}

/* Below the axes: what the figures are, and the runs that cannot be shown or named. */
static void footnote(struct canvas *canvas, const struct strands *strands, size_t named,
                     enum rank_rule rule, double font)
{
    char text[256], more[96] = "";
    struct lettering lettering = {0.9 * font, grey, 1, 1, 0, 0};
    if (strands->without > 0)
        snprintf(more, sizeof more, "; %zu run%s without validation records", strands->without,
                 plural(strands->without));
    else if (named < strands->count)
        snprintf(more, sizeof more, "; %zu more without a name", strands->count - named);
    snprintf(text, sizeof text, "figures: %s%s%s%s", rule == RANK_LOSS ? "loss, " : "",
             rank_when(rule, strands->training),
             strands->means ? "; pale: each run, strong: their mean" : "", more);
    canvas_text(canvas, canvas->width - 0.6 * font, canvas->height - 0.6 * font, &lettering, text);
}

/* Draws the lines, worst first, and the names for which there is room: how many. */
static size_t draw_strands(const struct pane *pane, const struct strands *strands, double width)
{
    double *label = ealloc(strands->count, sizeof *label), step = 1.25 * pane->font;
    size_t named, *order = strands_by_end(strands, (size_t)(pane->height / step) + 1, &named);
    for (size_t i = 0; i < named; i++)
        label[i] = pane_y(pane, strands->strand[order[i]].last);
    spread(label, named, pane->y, pane->y + pane->height, step);
    for (size_t i = strands->count; i-- > 0;)
        draw_strand(pane, &strands->strand[i]);
    for (size_t i = 0; i < named; i++)
        draw_label(pane, &strands->strand[order[i]], label[i], width);
    free(label);
    free(order);
    return named;
}

int chart_overlay(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    struct strands strands = strands_make(history);
    double width = picture->width, height = picture->height;
    if (width == 0) {
        width = 960;
        height = fmin(fmax(600, 17 * (double)strands.count + 140), CHART_LONGEST);
    }
    double font = fmax(fmin(fmin(width / 52, height / 34), 14), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0) {
        strands_free(&strands);
        return -1;
    }
    struct ranges ranges = curve_ranges(history);
    double labels = label_width(&canvas, &strands, font);
    double top = chart_title(&canvas, picture->title, font) + 1.5 * font;
    struct axis epochs = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis percent = {100 * ranges.low, 100 * ranges.high, 0,
                           strands.training ? "Training accuracy (%)" : "Validation accuracy (%)",
                           .bare = 0};
    struct pane pane = {
        &canvas, 5.2 * font, top, width - 5.2 * font - labels, height - top - 4.4 * font,
        epochs,  percent,    font};
    pane_frame(&pane);
    pane_name_up(&pane, 3.6 * font);
    pane_name_across(&pane, 2 * font);
    size_t named = draw_strands(&pane, &strands, labels);
    footnote(&canvas, &strands, named, history->rank, font);
    strands_free(&strands);
    return canvas_close(&canvas);
}
