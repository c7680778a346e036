/* A sweep as text: for each group of runs its figures, and behind them where they lie. */
#include "terminal/text.h"

#include "label.h"
#include "message.h"
#include "palette.h"
#include "runs/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, FIGURES = 4, LEAST_PLOT = 20 };

static void figures_of(const struct summary *summary, const struct group *group,
                       char text[FIGURES][RANK_ROOM])
{
    rank_text(summary->rank, group->mean, 0, text[0]);
    rank_text(summary->rank, group->deviation, 0, text[1]);
    snprintf(text[2], RANK_ROOM, "%zu", group->counted);
    rank_text(summary->rank, group->best, 0, text[3]);
}

/* The name of a group, in one or two columns. */
static const char *name_of(const struct summary *summary, const struct group *group, int column)
{
    return column == 0 ? summary->place[group->place].text : summary->series[group->series];
}

static int widest(const struct summary *summary, int column, const char *head)
{
    int widest = label_columns(head);
    for (size_t g = 0; g < summary->groups; g++) {
        int columns = label_columns(name_of(summary, &summary->group[g], column));
        widest = columns > widest ? columns : widest;
    }
    return widest < 36 ? widest : 36;
}

/* A value outside, as the end of a bar can be, is at the edge. */
static int column_of(double value, double low, double high, int width)
{
    return (int)lround((fmax(fmin(value, high), low) - low) / (high - low) * (width - 1));
}

/* One row of the plot: a line for mean ± deviation, a dot for each run, a blot for the mean. */
static void draw_spread(struct screen *screen, struct box box, const struct summary *summary,
                        const struct group *group, double low, double high)
{
    struct style style = {.ink = palette[INK_TRAINING].terminal};
    double bar = isnan(group->deviation) ? 0 : group->deviation;
    if (group->counted == 0)
        return;
    int from = column_of(group->mean - bar, low, high, box.columns);
    int to = column_of(group->mean + bar, low, high, box.columns);
    for (int c = from; bar > 0 && c <= to; c++)
        screen_put(screen, box.row, box.column + c, screen_pick(screen, 0x2500, '-'), style);
    for (size_t i = 0; i < group->runs; i++) {
        double figure = summary_figure(summary, group->run[i]);
        if (!isnan(figure))
            screen_put(screen, box.row, box.column + column_of(figure, low, high, box.columns),
                       screen_pick(screen, 0x25cb, 'o'), style);
    }
    screen_put(screen, box.row, box.column + column_of(group->mean, low, high, box.columns),
               screen_pick(screen, 0x25cf, '@'), style);
}

static void find_range(const struct summary *summary, double *low, double *high)
{
    double least = rank_shown(summary->rank, 0.01);
    summary_range(summary, low, high);
    if (*high < *low)
        *low = 0, *high = rank_shown(summary->rank, 1);
    if (*high - *low < least)
        *low -= least, *high += least;
    ticks_widen(low, high, 8);
    summary_clip(summary, low, high);
}

static void draw_scale(struct screen *screen, struct box box, double low, double high)
{
    struct ticks ticks = ticks_make(low, high, box.columns / 8 + 1, 0);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        int column = column_of(tick_value(&ticks, i), low, high, box.columns);
        int left = column - (int)strlen(text) / 2;
        int most = box.columns - (int)strlen(text);
        screen_text(screen, box.row,
                    box.column + (left < 0      ? 0
                                  : left > most ? most
                                                : left),
                    12, faint_style, text);
    }
}

/* A row of names or figures, as many as the screen has room for. */
static void draw_row(struct screen *screen, int row, const char *text[2 + FIGURES],
                     const int at[2 + FIGURES], const int width[2 + FIGURES], struct style of_names,
                     struct style of_figures)
{
    for (int c = 0; c < 2 + FIGURES; c++)
        if (c < 2 || at[c] + width[c] <= screen->columns)
            screen_right(screen, row, at[c], width[c], c < 2 ? of_names : of_figures, text[c]);
}

static void draw_rows(struct screen *screen, const struct summary *summary, int row)
{
    const char *head[2 + FIGURES] = {
        summary->axis ? summary->axis : "run", "", "mean", "deviation", "runs", "best"};
    int column = 0, two = summary->serieses > 1, at[2 + FIGURES], width[2 + FIGURES];
    for (int c = 0; c < 2 + FIGURES; c++) {
        width[c] = c == 1 && !two ? -GAP
                   : c < 2        ? widest(summary, c, head[c])
                                  : (int)strlen(head[c]);
        width[c] = c >= 2 && width[c] < 6 ? 6 : width[c];
        at[c] = column;
        column += width[c] + GAP;
    }
    draw_row(screen, row, head, at, width, faint_style, faint_style);
    double low, high;
    struct box plot = {row, column + GAP, 1, screen->columns - column - 2 * GAP};
    find_range(summary, &low, &high);
    if (plot.columns >= LEAST_PLOT)
        draw_scale(screen, plot, low, high);
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        char text[FIGURES][RANK_ROOM];
        figures_of(summary, group, text);
        plot.row = ++row;
        const char *of_group[] = {name_of(summary, group, 0),
                                  name_of(summary, group, 1),
                                  text[0],
                                  text[1],
                                  text[2],
                                  text[3]};
        draw_row(screen, row, of_group, at, width, bold_style, plain_style);
        if (plot.columns >= LEAST_PLOT)
            draw_spread(screen, plot, summary, group, low, high);
    }
}

struct screen *text_summary(const struct history *history, const struct page *page)
{
    struct summary summary;
    char rest[128] = "", measure[128];
    summary_make(&summary, history);
    summary_measure(&summary, 1, measure, sizeof measure);
    struct screen *screen = screen_make((int)summary.groups + 4, page->columns, page->look);
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : measure);
    draw_rows(screen, &summary, 2);
    if (summary.diverged + summary.without > 0)
        snprintf(rest, sizeof rest, "not counted: %zu diverged, %zu without validation records",
                 summary.diverged, summary.without);
    screen_text(screen, screen->rows - 1, 0, page->columns, faint_style, rest);
    summary_free(&summary);
    return screen;
}
