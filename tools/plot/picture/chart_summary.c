/* A sweep in one plot: how good the runs were against what they differ in. Each run is a small dot,
 * those of a group have their mean and, where they are several, a bar of one standard deviation. */
#include "picture/chart.h"

#include "message.h"
#include "picture/pane.h"
#include "runs/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double at_place(const struct summary *summary, size_t place)
{
    double number = summary->value[place].number;
    return !summary->numeric ? (double)place : summary->logarithmic ? log10(number) : number;
}

/* The part of a place's width that series beside each other keep between them, in pixels. */
static double offset(const struct pane *pane, const struct summary *summary, size_t series)
{
    double nearest = pane->width;
    for (size_t i = 1; i < summary->values; i++)
        nearest = fmin(nearest,
                       pane_x(pane, at_place(summary, i)) - pane_x(pane, at_place(summary, i - 1)));
    double step = fmin(1.6 * pane->font, 0.6 * nearest / (double)summary->serieses);
    return step * ((double)series - (double)(summary->serieses - 1) / 2);
}

/* A bar with caps. What would reach below 0 % or above 100 % ends at the edge, without a cap. */
static void draw_bar(const struct pane *pane, double x, double from, double to,
                     struct colour colour)
{
    double thick = pane->font / 8, cap = 0.3 * pane->font;
    double low = pane_y(pane, fmax(from, pane->up.low)),
           high = pane_y(pane, fmin(to, pane->up.high));
    canvas_line(pane->canvas, x, high, x, low, thick, colour);
    if (to <= pane->up.high)
        canvas_line(pane->canvas, x - cap, high, x + cap, high, thick, colour);
    if (from >= pane->up.low)
        canvas_line(pane->canvas, x - cap, low, x + cap, low, thick, colour);
}

static void draw_group(const struct pane *pane, const struct summary *summary,
                       const struct group *group, struct colour colour)
{
    double font = pane->font;
    double x = pane_x(pane, at_place(summary, group->value)) + offset(pane, summary, group->series);
    struct colour pale = colour;
    pale.alpha = 0.45;
    struct lettering cross = {font, colour, 0.5, 1, 1, 0};
    for (size_t i = 0; i < group->runs; i++) {
        double figure = summary_figure(summary, group->run[i]);
        if (isnan(figure) && rank_merit(group->run[i], summary->rank, 0).diverged)
            canvas_text(pane->canvas, x, pane->y + pane->height - 0.3 * font, &cross, "×");
        /* Beside the bar, which would hide them; one alone is its own mean. */
        else if (!isnan(figure) && group->runs > 1)
            canvas_dot(pane->canvas, x + 0.65 * font, pane_y(pane, figure), 0.2 * font, pale);
    }
    if (group->counted == 0)
        return;
    double y = pane_y(pane, group->mean);
    if (!isnan(group->deviation))
        draw_bar(pane, x, group->mean - group->deviation, group->mean + group->deviation, colour);
    canvas_dot(pane->canvas, x, y, 0.36 * font, colour);
}

/* From mean to mean, where the places are numbers: between words there is nothing. */
static void draw_line(const struct pane *pane, const struct summary *summary, size_t series,
                      struct colour colour)
{
    struct line line = {ealloc(summary->groups, sizeof(double)),
                        ealloc(summary->groups, sizeof(double)), 0};
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        if (group->series != series || isnan(group->mean))
            continue;
        double shift = offset(pane, summary, series) / pane->width;
        line.x[line.count] =
            at_place(summary, group->value) + shift * (pane->across.high - pane->across.low);
        line.y[line.count++] = group->mean;
    }
    if (summary->numeric)
        pane_line(pane, &line, pane->font / 9, colour, 0);
    line_free(&line);
}

static struct colour series_colour(const struct summary *summary, size_t series)
{
    return summary->serieses <= INKS ? colour_of((int)series, 1)
           : series < INKS - 1       ? colour_of((int)series, 1)
                                     : (struct colour){0.6, 0.6, 0.6, 1};
}

struct end {
    double y;
    size_t series;
};
static int upper(const void *a, const void *b)
{
    double x = ((const struct end *)a)->y, y = ((const struct end *)b)->y;
    return (x > y) - (x < y);
}

/* The names of the series, to the right of their last means. */
static void name_series(const struct pane *pane, const struct summary *summary, double width)
{
    struct end *end = ealloc(summary->serieses, sizeof *end);
    double *place = ealloc(summary->serieses, sizeof *place), edge = pane->x + pane->width;
    size_t count = 0;
    for (size_t g = 0; g < summary->groups; g++)
        if (!isnan(summary->group[g].mean)) {
            if (count == 0 || end[count - 1].series != summary->group[g].series)
                count++;
            end[count - 1] =
                (struct end){pane_y(pane, summary->group[g].mean), summary->group[g].series};
        }
    qsort(end, count, sizeof *end, upper);
    for (size_t i = 0; i < count; i++)
        place[i] = end[i].y;
    size_t shown = labels_spread(place, count, pane->y, pane->y + pane->height, 1.25 * pane->font);
    for (size_t i = 0; i < shown; i++) {
        struct lettering name = {pane->font, series_colour(summary, end[i].series), 0, 0.5, 1, 0};
        canvas_text_in(pane->canvas, edge + 0.8 * pane->font, place[i], width - pane->font, &name,
                       summary->series[end[i].series]);
    }
    free(end);
    free(place);
}

static double widest_name(struct canvas *canvas, const struct summary *summary, double font)
{
    double widest = 0;
    struct lettering name = {font, black, 0, 0, 1, 0};
    for (size_t i = 0; i < summary->serieses; i++)
        widest = fmax(widest, canvas_text_width(canvas, &name, summary->series[i]));
    return widest > 0 ? fmin(widest + 2 * font, canvas->width / 3) : 1.5 * font;
}

/* What the signs mean, and which runs are not among them. */
static void footnote(struct canvas *canvas, const struct summary *summary, double font)
{
    char signs[256], missing[96] = "", line[400];
    snprintf(signs, sizeof signs, "%s%s", rank_when(summary->rank, summary->training),
             summary->repeated ? "; pale: each run, strong: their mean ± standard deviation" : "");
    if (summary->without > 0)
        snprintf(missing, sizeof missing, "%zu without validation", summary->without);
    snprintf(line, sizeof line, "%s%s%s%s", signs, summary->diverged > 0 ? "; ×: diverged" : "",
             missing[0] ? "; " : "", missing);
    struct lettering lettering = {0.85 * font, grey, 0, 1, 0, 0};
    double x = 1.5 * font, y = canvas->height - 0.7 * font, width = canvas->width - 2 * x;
    /* What is too long for a line is broken before what is not there. */
    if (canvas_text_width(canvas, &lettering, line) > width) {
        canvas_text_in(canvas, x, y - 1.1 * font, width, &lettering, signs);
        snprintf(line, sizeof line, "%s%s%s", summary->diverged > 0 ? "×: diverged" : "",
                 summary->diverged > 0 && missing[0] ? "; " : "", missing);
    }
    canvas_text_in(canvas, x, y, width, &lettering, line);
}

static struct axis figure_axis(const struct summary *summary, const char *name)
{
    struct axis axis = {0, 0, 0, name, .bare = 0};
    summary_range(summary, &axis.low, &axis.high);
    if (axis.high < axis.low)
        axis.low = 0, axis.high = rank_shown(summary->rank, 1);
    double margin = fmax(0.08 * (axis.high - axis.low), rank_shown(summary->rank, 0.002));
    axis.low -= margin;
    axis.high += margin;
    summary_clip(summary, &axis.low, &axis.high);
    return axis;
}

static struct axis_mark *marks_of(const struct summary *summary)
{
    struct axis_mark *mark = ealloc(summary->values, sizeof *mark);
    for (size_t i = 0; i < summary->values; i++)
        mark[i] = (struct axis_mark){at_place(summary, i), summary->value[i].text};
    return mark;
}

/* "depth" as an axis' name: "Depth". */
static void axis_name(const struct summary *summary, char *name, size_t size)
{
    snprintf(name, size, "%s", summary->axis ? summary->axis : "");
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
}

static void draw_plot(struct canvas *canvas, const struct summary *summary, double top, double font)
{
    char name[128], measure[128];
    struct axis_mark *mark = marks_of(summary);
    double first = mark[0].at, last = mark[summary->values - 1].at;
    /* Room for the series that stand beside each other at the first and the last place. */
    double beside = fmin(0.05 + 0.03 * (double)summary->serieses, 0.2);
    double margin = last > first ? beside * (last - first) : 0.5;
    double labels = widest_name(canvas, summary, font);
    axis_name(summary, name, sizeof name);
    summary_measure(summary, 0, measure, sizeof measure);
    struct axis across = {first - margin, last + margin, 0, name, 0, mark, summary->values};
    struct pane pane = {canvas,
                        0,
                        top + font,
                        canvas->width - labels,
                        canvas->height - top - 7 * font,
                        across,
                        figure_axis(summary, measure),
                        font};
    double figures = fmax(pane_label_width(&pane) + 1.1 * font, 3.6 * font);
    pane.x = figures + 1.6 * font;
    pane.width -= pane.x;
    pane_frame(&pane);
    pane_name_up(&pane, figures);
    pane_name_across(&pane, 2.1 * font);
    for (size_t i = 0; i < summary->serieses; i++)
        draw_line(&pane, summary, i, series_colour(summary, i));
    for (size_t g = 0; g < summary->groups; g++)
        draw_group(&pane, summary, &summary->group[g],
                   series_colour(summary, summary->group[g].series));
    name_series(&pane, summary, labels);
    free(mark);
}

int chart_summary(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    struct summary summary;
    double width = picture->width ? picture->width : 720;
    double height = picture->height ? picture->height : 480;
    double font = fmax(fmin(fmin(width / 48, height / 32), 14), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    summary_make(&summary, history);
    double top = chart_title(&canvas, picture->title, font) + 0.5 * font;
    draw_plot(&canvas, &summary, top, font);
    footnote(&canvas, &summary, font);
    summary_free(&summary);
    return canvas_close(&canvas);
}
