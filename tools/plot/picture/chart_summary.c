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

enum { MOST_FONT = 14, LINES = 480 /* pixels beside the names of the series */ };

static double at_value(const struct summary *summary, size_t value)
{
    double number = summary->value[value].number;
    return !summary->numeric ? (double)value : summary->logarithmic ? log10(number) : number;
}

/* How far a series stands beside its value, in pixels. */
static double offset(const struct pane *pane, const struct summary *summary, size_t series)
{
    double nearest = pane->width;
    for (size_t i = 1; i < summary->values; i++)
        nearest = fmin(nearest,
                       pane_x(pane, at_value(summary, i)) - pane_x(pane, at_value(summary, i - 1)));
    double step = fmin(1.6 * pane->font, 0.6 * nearest / (double)summary->serieses);
    return step * ((double)series - (double)(summary->serieses - 1) / 2);
}

static struct colour series_colour(const struct summary *summary, size_t series)
{
    return summary->serieses <= INKS || series < INKS - 1 ? colour_of((int)series, 1)
                                                          : (struct colour){0.6, 0.6, 0.6, 1};
}

static void draw_group(const struct pane *pane, const struct summary *summary,
                       const struct group *group)
{
    double font = pane->font, y = pane_y(pane, group->mean), bar = group->deviation;
    double x = pane_x(pane, at_value(summary, group->value)) + offset(pane, summary, group->series);
    struct colour colour = series_colour(summary, group->series), pale = colour;
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
    /* A bar with caps. What would reach below 0 % or above 100 % ends at the edge, without a cap.
     */
    if (!isnan(bar)) {
        double end[2] = {group->mean + bar, group->mean - bar}, thick = font / 8;
        double high = pane_y(pane, fmin(end[0], pane->up.high));
        double low = pane_y(pane, fmax(end[1], pane->up.low));
        canvas_line(pane->canvas, x, high, x, low, thick, colour);
        if (end[0] <= pane->up.high)
            canvas_line(pane->canvas, x - 0.3 * font, high, x + 0.3 * font, high, thick, colour);
        if (end[1] >= pane->up.low)
            canvas_line(pane->canvas, x - 0.3 * font, low, x + 0.3 * font, low, thick, colour);
    }
    canvas_dot(pane->canvas, x, y, 0.36 * font, colour);
}

/* From mean to mean, where the values are numbers, for between words there is nothing, and what
 * else varies goes along with them. */
static void draw_line(const struct pane *pane, const struct summary *summary, size_t series)
{
    struct line line = line_make(summary->groups);
    double shift = offset(pane, summary, series) / pane->width;
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        if (group->series != series || isnan(group->mean))
            continue;
        line.x[line.count] =
            at_value(summary, group->value) + shift * (pane->across.high - pane->across.low);
        line.y[line.count++] = group->mean;
    }
    if (summary->numeric && !summary->scattered)
        pane_line(pane, &line, pane->font / 9, series_colour(summary, series));
    line_free(&line);
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
    double *label = ealloc(summary->serieses, sizeof *label), edge = pane->x + pane->width;
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
        label[i] = end[i].y;
    size_t shown = labels_spread(label, count, pane->y, pane->y + pane->height, 1.25 * pane->font);
    for (size_t i = 0; i < shown; i++) {
        struct lettering name = {pane->font, series_colour(summary, end[i].series), 0, 0.5, 1, 0};
        canvas_text_in(pane->canvas, edge + 0.8 * pane->font, label[i], width - pane->font, &name,
                       summary->series[end[i].series]);
    }
    free(end);
    free(label);
}

/* What the signs mean, and which runs are not among them. */
static void draw_footnote(struct canvas *canvas, const struct summary *summary, double font)
{
    char signs[256], missing[96] = "", rest[128], line[400];
    const char *cross = summary->diverged > 0 ? "×: diverged" : "";
    snprintf(signs, sizeof signs, "%s%s",
             rank_when(summary->rank, summary->training, summary->keeps),
             summary->repeated ? "; pale: each run, strong: their mean ± standard deviation" : "");
    if (summary->without > 0)
        snprintf(missing, sizeof missing, "%zu without validation", summary->without);
    snprintf(rest, sizeof rest, "%s%s%s", cross, cross[0] && missing[0] ? "; " : "", missing);
    snprintf(line, sizeof line, "%s%s%s", signs, rest[0] ? "; " : "", rest);
    struct lettering lettering = {0.85 * font, grey, 0, 1, 0, 0};
    double x = 1.5 * font, y = canvas->height - 0.7 * font, width = canvas->width - 2 * x;
    /* What is too long for a line is broken before what is not there. */
    int broken = canvas_text_width(canvas, &lettering, line) > width;
    if (broken)
        canvas_text_in(canvas, x, y - 1.1 * font, width, &lettering, signs);
    canvas_text_in(canvas, x, y, width, &lettering, broken ? rest : line);
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

static void draw_summary(struct canvas *canvas, const struct summary *summary, double top,
                         double font)
{
    char name[128], measure[128];
    struct lettering lettering = {font, black, 0, 0, 1, 0};
    struct axis_mark *mark = ealloc(summary->values, sizeof *mark);
    for (size_t i = 0; i < summary->values; i++)
        mark[i] = (struct axis_mark){at_value(summary, i), summary->value[i].shown};
    double first = mark[0].at, last = mark[summary->values - 1].at, labels = 0;
    /* Room for the series that stand beside each other at the first and the last value. */
    double beside = fmin(0.05 + 0.03 * (double)summary->serieses, 0.2);
    double margin = last > first ? beside * (last - first) : 0.5;
    for (size_t i = 0; i < summary->serieses; i++)
        labels = fmax(labels, canvas_text_width(canvas, &lettering, summary->series[i]));
    double most = fmax(canvas->width / 3, canvas->width - LINES);
    labels = labels > 0 ? fmin(labels + 2 * font, most) : 1.5 * font;
    /* "depth" as an axis' name: "Depth". */
    snprintf(name, sizeof name, "%s", summary->axis ? summary->axis : "");
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    summary_measure(summary, 0, measure, sizeof measure);
    struct axis across = {first - margin,  last + margin,    0, name, 0, mark,
                          summary->values, !summary->numeric};
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
        draw_line(&pane, summary, i);
    for (size_t g = 0; g < summary->groups; g++)
        draw_group(&pane, summary, &summary->group[g]);
    name_series(&pane, summary, labels);
    free(mark);
}

int chart_summary(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    struct summary summary;
    double width = picture->width, labels = 0;
    summary_make(&summary, history);
    struct lettering letters = {MOST_FONT, black, 0, 0, 1, 0};
    canvas_measure(&canvas, picture->path);
    for (size_t i = 0; i < summary.serieses; i++)
        labels = fmax(labels, canvas_text_width(&canvas, &letters, summary.series[i]));
    canvas_measured(&canvas);
    if (width == 0)
        width = fmin(fmax(720, LINES + labels + 2 * MOST_FONT), 2 * 720); /* no name is cut */
    double height = picture->height ? picture->height : 480;
    double font = fmax(fmin(fmin(width / 48, height / 32), MOST_FONT), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0) {
        summary_free(&summary);
        return -1;
    }
    double top = chart_title(&canvas, picture->title, font) + 0.5 * font;
    draw_summary(&canvas, &summary, top, font);
    draw_footnote(&canvas, &summary, font);
    summary_free(&summary);
    return canvas_close(&canvas);
}
