/* Validation accuracy of all runs in one pair of axes, each line named at its end. */
#include "chart.h"

#include "message.h"
#include "pane.h"
#include "spread.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The end of a line, and where its label stands. */
struct end {
    const struct run *run;
    double accuracy, x, y; /* the line's end: percent, pixels */
    double label;          /* pixels from the top */
    int ink, dash;
};

static int higher(const void *a, const void *b)
{
    double x = ((const struct end *)a)->accuracy, y = ((const struct end *)b)->accuracy;
    return (x < y) - (x > y);
}

static size_t spread_labels(struct end *ends, size_t count, const struct pane *pane, double step)
{
    double *place = ealloc(count, sizeof *place);
    for (size_t i = 0; i < count; i++)
        place[i] = ends[i].y;
    size_t shown = spread(place, count, pane->y, pane->y + pane->height, step);
    for (size_t i = 0; i < shown; i++)
        ends[i].label = place[i];
    free(place);
    return shown;
}

static struct line validation_by_epoch(const struct run *run)
{
    struct line line = curve_line(&run->validation, CURVE_ACCURACY, CURVE_RAW);
    for (size_t i = 0; i < line.count; i++)
        line.x[i] = (double)run->validation.point[i].epoch;
    return line;
}

static size_t find_ends(const struct pane *pane, const struct history *history, struct end *ends)
{
    size_t count = 0;
    for (size_t r = 0; r < history->runs; r++) {
        const struct points *points = &history->run[r]->validation;
        if (points->count == 0 || !isfinite(points->point[points->count - 1].accuracy))
            continue;
        const struct point *last = &points->point[points->count - 1];
        ends[count++] = (struct end){history->run[r],
                                     100 * last->accuracy,
                                     pane_x(pane, (double)last->epoch),
                                     pane_y(pane, 100 * last->accuracy),
                                     0,
                                     (int)(r % INKS),
                                     (int)(r / INKS)};
    }
    return count;
}

static void draw_end(const struct pane *pane, const struct end *end, int named)
{
    struct colour colour = named ? colour_of(end->ink, 1) : (struct colour){0.7, 0.7, 0.7, 1};
    struct line line = validation_by_epoch(end->run);
    pane_line(pane, &line, pane->font / 7, colour, named ? end->dash : 0);
    if (line.count <= 40)
        pane_dots(pane, &line, pane->font / 6, colour);
    line_free(&line);
}

/* The label, and a thin line that leads to it from the end of its curve. */
static void draw_label(const struct pane *pane, const struct end *end, double width)
{
    char text[32];
    double font = pane->font, edge = pane->x + pane->width, x = edge + 1.6 * font;
    struct lettering figure = {font, black, 1, 0.5, 0, 0};
    struct lettering name = {font, colour_of(end->ink, 1), 0, 0.5, 1, 0};
    canvas_line(pane->canvas, end->x, fmin(end->y, pane->y + pane->height), edge + 0.4 * font,
                fmin(end->y, pane->y + pane->height), 0.7, colour_of(end->ink, 0.5));
    canvas_line(pane->canvas, edge + 0.4 * font, fmin(end->y, pane->y + pane->height),
                x - 0.3 * font, end->label, 0.7, colour_of(end->ink, 0.5));
    snprintf(text, sizeof text, "%.2f", end->accuracy);
    canvas_text_in(pane->canvas, x, end->label, width - 6 * font, &name, end->run->name);
    canvas_text(pane->canvas, edge + width - 0.6 * font, end->label, &figure, text);
}

static double label_width(struct canvas *canvas, const struct history *history, double font)
{
    double widest = 0;
    struct lettering name = {font, black, 0, 0, 1, 0};
    for (size_t r = 0; r < history->runs; r++)
        widest = fmax(widest, canvas_text_width(canvas, &name, history->run[r]->name));
    return fmin(widest + 6.5 * font, canvas->width / 3);
}

/* Below the axes: the runs that cannot be shown or named. */
static void footnote(struct canvas *canvas, size_t without, size_t unnamed, double font)
{
    char text[128];
    struct lettering lettering = {0.9 * font, grey, 1, 1, 0, 0};
    if (without > 0)
        snprintf(text, sizeof text, "%zu run%s without validation records", without,
                 without == 1 ? "" : "s");
    else if (unnamed > 0)
        snprintf(text, sizeof text, "grey: %zu more run%s", unnamed, unnamed == 1 ? "" : "s");
    else
        return;
    canvas_text(canvas, canvas->width - 0.6 * font, canvas->height - 0.6 * font, &lettering, text);
}

int chart_overlay(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    double width = picture->width, height = picture->height;
    if (width == 0) {
        width = 960;
        height = fmax(600, 17 * (double)history->runs + 140);
    }
    double font = fmax(fmin(fmin(width / 52, height / 34), 14), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    struct ranges ranges = curve_ranges(history);
    double labels = label_width(&canvas, history, font);
    double top = chart_title(&canvas, picture->title, font) + 1.5 * font;
    struct axis epochs = {ranges.epochs > 1 ? 1 : 0, ranges.epochs, 1, "Epoch", .bare = 0};
    struct axis percent = {100 * ranges.low, 100 * ranges.high, 0, "Validation accuracy (%)",
                           .bare = 0};
    struct pane pane = {
        &canvas, 5.2 * font, top, width - 5.2 * font - labels, height - top - 4.4 * font,
        epochs,  percent,    font};
    struct end *ends = ealloc(history->runs, sizeof *ends);
    size_t count = find_ends(&pane, history, ends);
    qsort(ends, count, sizeof *ends, higher);
    size_t shown = spread_labels(ends, count, &pane, 1.25 * font);
    pane_frame(&pane);
    pane_name_up(&pane, 3.6 * font);
    pane_name_across(&pane, 2 * font);
    for (size_t i = count; i-- > 0;)
        draw_end(&pane, &ends[i], i < shown);
    for (size_t i = 0; i < shown; i++)
        draw_label(&pane, &ends[i], labels);
    footnote(&canvas, history->runs - count, count - shown, font);
    free(ends);
    return canvas_close(&canvas);
}
