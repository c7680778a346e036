/* A sweep as text: for each group of runs its figures, and behind them where they lie. */
#include "terminal/page.h"

#include "palette.h"
#include "runs/summary.h"
#include "terminal/table.h"
#include "ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAME = 36, LEAST_FIGURE = 6, LEAST_PLOT = 20 };

/* A plot of one figure, in the columns behind the table. */
struct scale {
    struct screen *screen;
    int column, columns;
    double low, high;
};

/* A value outside, as the end of a bar can be, is at the edge. */
static int column_of(const struct scale *scale, double value)
{
    return (int)lround((fmax(fmin(value, scale->high), scale->low) - scale->low) /
                       (scale->high - scale->low) * (scale->columns - 1));
}

static void draw_scale(struct scale *scale, const struct summary *summary, int row)
{
    double least = rank_shown(summary->rank, 0.01);
    summary_range(summary, &scale->low, &scale->high);
    if (scale->high < scale->low)
        scale->low = 0, scale->high = rank_shown(summary->rank, 1);
    if (scale->high - scale->low < least)
        scale->low -= least, scale->high += least;
    ticks_widen(&scale->low, &scale->high, 8);
    summary_clip(summary, &scale->low, &scale->high);
    struct ticks ticks = ticks_make(scale->low, scale->high, scale->columns / 8 + 1, 0);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        int left = column_of(scale, tick_value(&ticks, i)) - (int)strlen(text) / 2;
        int most = scale->columns - (int)strlen(text);
        left = left < 0 ? 0 : left > most ? most : left;
        screen_text(scale->screen, row, scale->column + left, 12, faint_style, text);
    }
}

/* A line for mean ± deviation, a dot for each run, a blot for the mean. */
static void draw_group(const struct scale *scale, const struct summary *summary,
                       const struct group *group, int row)
{
    struct screen *screen = scale->screen;
    struct style style = {.ink = palette[INK_TRAINING].terminal};
    double bar = isnan(group->deviation) ? 0 : group->deviation;
    if (group->counted == 0)
        return;
    int to = column_of(scale, group->mean + bar);
    for (int c = column_of(scale, group->mean - bar); bar > 0 && c <= to; c++)
        screen_put(screen, row, scale->column + c, screen_pick(screen, 0x2500, '-'), style);
    for (size_t i = 0; i < group->runs; i++) {
        double figure = summary_figure(summary, group->run[i]);
        if (!isnan(figure))
            screen_put(screen, row, scale->column + column_of(scale, figure),
                       screen_pick(screen, 0x25cb, 'o'), style);
    }
    screen_put(screen, row, scale->column + column_of(scale, group->mean),
               screen_pick(screen, 0x25cf, '@'), style);
}

/* A group's name, of which there are two parts where series differ, and its figures. */
static void make_table(struct table *table, const struct summary *summary)
{
    static const char *const figure[] = {"mean", "deviation", "runs", "best"};
    for (int part = 0; part < (summary->serieses > 1 ? 2 : 1); part++) {
        const char *name = part == 1 ? "" : summary->axis ? summary->axis : "run";
        struct table_column *column = table_add_column(table, name, 1, 0);
        column->most = MOST_NAME;
        column->style = bold_style;
    }
    for (int i = 0; i < 4; i++)
        table_add_column(table, figure[i], 1, i + 1)->width = LEAST_FIGURE;
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        char text[RANK_ROOM];
        table_add(table, "%s", summary->value[group->value].shown);
        if (summary->serieses > 1)
            table_add(table, "%s", summary->series[group->series]);
        table_add(table, "%s", rank_text(summary->rank, group->mean, 0, text));
        table_add(table, "%s", rank_text(summary->rank, group->deviation, 0, text));
        table_add(table, "%zu", group->counted);
        table_add(table, "%s", rank_text(summary->rank, group->best, 0, text));
    }
}

static void draw_rows(struct screen *screen, const struct summary *summary, int row)
{
    struct table table = {0};
    make_table(&table, summary);
    int column = table_fit(&table, screen->columns) + 2 * TABLE_GAP;
    struct scale scale = {screen, column, screen->columns - column - TABLE_GAP, 0, 0};
    if (scale.columns >= LEAST_PLOT)
        draw_scale(&scale, summary, row);
    for (size_t g = 0; g <= summary->groups; g++, row++) {
        table_draw(&table, g, screen, row);
        if (g > 0 && scale.columns >= LEAST_PLOT)
            draw_group(&scale, summary, &summary->group[g - 1], row);
    }
    table_free(&table);
}

struct screen *text_summary(const struct history *history, const struct page *page)
{
    struct summary summary;
    char rest[128] = "", measure[128];
    summary_make(&summary, history);
    summary_measure(&summary, 1, measure, sizeof measure);
    struct screen *screen = screen_make((int)summary.groups + 4, page->columns, page->can);
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : measure);
    draw_rows(screen, &summary, 2);
    if (summary.diverged + summary.without > 0)
        snprintf(rest, sizeof rest, "not counted: %zu diverged, %zu without validation records",
                 summary.diverged, summary.without);
    screen_text(screen, screen->rows - 1, 0, page->columns, faint_style, rest);
    summary_free(&summary);
    return screen;
}
