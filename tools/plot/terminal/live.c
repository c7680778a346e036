#include "terminal/live.h"

#include "label.h"
#include "message.h"
#include "palette.h"
#include "reading/titles.h"
#include "terminal/panel.h"
#include "terminal/plot.h"
#include "terminal/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SILENT = 60 }; /* seconds after which a run at work is said to say nothing */

static const char *const ended[] = {"running", "done", "stopped", "failed", "cut short"};

/* Appends to text[size]. */
__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

/* Figures of a run at work, as texts; "" where they are not known. "5420 images/s", brief "5420
 * img/s". */
static void speed_text(const struct run *run, int brief, char *text, size_t size)
{
    struct speed speed = curve_speed(run);
    if (isnan(speed.iterations))
        snprintf(text, size, "%s", "");
    else if (speed.images > 0)
        snprintf(text, size, "%.*f %s/s", speed.images < 10, speed.images,
                 brief ? "img" : "images");
    else
        snprintf(text, size, "%.*f it/s", speed.iterations < 10, speed.iterations);
}

/* "2 min 05 s left", or for how long it has been silent. */
static void left_text(const struct run *run, double now, char *text, size_t size)
{
    char time[32];
    int silent = now - run->heard > SILENT;
    curve_duration(silent ? now - run->heard : curve_left(run), time, sizeof time);
    if (run->state != RUN_OPEN)
        time[0] = 0;
    snprintf(text, size, silent && time[0] ? "silent for %s" : time[0] ? "%s left" : "%s", time);
}

/* What it is judged by so far, "68.0 %"; "" where it was not validated yet. */
static void figure_text(const struct run *run, enum rank_rule rule, char text[RANK_ROOM])
{
    struct merit merit = rank_merit(run, rule, 0);
    text[0] = 0;
    if (merit.training || !isfinite(merit.figure))
        return;
    if (rule == RANK_LOSS)
        snprintf(text, RANK_ROOM, "%s", loss_text(merit.figure, 3));
    else
        snprintf(text, RANK_ROOM, "%.1f %%", rank_shown(rule, merit.figure));
}

static struct caption caption_of(const struct run *run, enum rank_rule rule, double now, int width)
{
    struct caption caption = {.beside = {{.ink = palette[INK_TRAINING].terminal},
                                         {.ink = palette[INK_VALIDATION].terminal}}};
    struct mean recent = curve_recent(run);
    char clause[4][64] = {""};
    figure_text(run, rule, caption.brief);
    if (!isnan(recent.accuracy))
        snprintf(caption.beside[0].text, sizeof caption.beside[0].text, "training %.1f %%",
                 100 * recent.accuracy);
    if (caption.brief[0])
        snprintf(caption.beside[1].text, sizeof caption.beside[1].text, "%s %s", rank_word(rule, 0),
                 caption.brief);
    /* "epoch 3 of 30, 2 min 05 s left, 5420 images/s, loss 0.610": as much as fits, what matters
     * most first. */
    curve_state(run, caption.below, sizeof caption.below);
    if (run->state == RUN_DONE)
        snprintf(clause[0], sizeof clause[0], "done");
    left_text(run, now, clause[1], sizeof clause[1]);
    if (run->state == RUN_OPEN)
        speed_text(run, width < 48, clause[2], sizeof clause[2]);
    if (!isnan(recent.loss))
        snprintf(clause[3], sizeof clause[3], "loss %s", loss_text(recent.loss, 3));
    for (int i = 0; i < 4; i++)
        if (clause[i][0] && label_columns(caption.below) + 2 + label_columns(clause[i]) <= width)
            append(caption.below, sizeof caption.below, ", %s", clause[i]);
    return caption;
}

static void draw_head(struct screen *screen, const struct history *history,
                      const struct asked *asked, const char *title, int with_legend)
{
    char text[192] = "", time[32];
    struct asked_counts tally = asked_counts(asked, history);
    size_t to_come = tally.asked - tally.done - tally.running - tally.failed;
    size_t count[RUN_TORN + 1] = {0};
    if (asked->count > 0) {
        append(text, sizeof text, "%zu of %zu done", tally.done, tally.asked);
        if (tally.running > 0)
            append(text, sizeof text, ", %zu running", tally.running);
        if (tally.failed > 0)
            append(text, sizeof text, ", %zu failed", tally.failed);
        if (to_come > 0)
            append(text, sizeof text, ", %zu to come", to_come);
        curve_duration(tally.left, time, sizeof time);
        if (time[0])
            append(text, sizeof text, ", %s left", time);
    } else if (history->runs == 0) {
        append(text, sizeof text, "waiting for the first records");
    } else {
        for (size_t i = 0; i < history->runs; i++)
            count[history->run[i]->state]++;
        for (int state = 0; state <= RUN_TORN; state++)
            if (count[state] > 0)
                append(text, sizeof text, "%s%zu %s", text[0] ? ", " : "", count[state],
                       ended[state]);
    }
    int used = title ? screen_text(screen, 0, 0, screen->columns / 2, bold_style, title) + 2 : 0;
    used += screen_text(screen, 0, used, screen->columns - used, faint_style, text) + 3;
    int brief = screen->columns - used < panel_legend_width(0), legend = panel_legend_width(brief);
    if (with_legend && screen->columns - used >= legend)
        panel_legend(screen, 0, screen->columns - legend, legend, brief);
}

/* Many runs: a row for each, in columns of which a narrow page has fewer: they are given up from
 * the last on. */
static void add_columns(struct table *table, enum rank_rule rule, int most)
{
    struct table_column *name = table_add_column(table, "run", 0, 1);
    name->most = most;
    name->style = bold_style;
    table_add_column(table, rank_word(rule, 0), 1, 2)->style.ink = palette[INK_VALIDATION].terminal;
    table_add_column(table, "epoch", 1, 3);
    table_add_column(table, "time left", 1, 4);
    table_add_column(table, "training", 1, 5)->style.ink = palette[INK_TRAINING].terminal;
    table_add_column(table, "loss", 1, 6);
    table_add_column(table, "speed", 1, 7);
}

static void add_row(struct table *table, const struct run *run, enum rank_rule rule, int brief,
                    double now)
{
    struct mean recent = curve_recent(run);
    char figure[RANK_ROOM], epoch[64], left[64], training[32] = "", speed[32] = "";
    figure_text(run, rule, figure);
    snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)run->epoch);
    if (run->epochs > 0 && (run->state != RUN_DONE || run->epoch != run->epochs))
        append(epoch, sizeof epoch, "/%llu", (unsigned long long)run->epochs);
    if (run->state > RUN_DONE)
        append(epoch, sizeof epoch, " %s", ended[run->state]);
    left_text(run, now, left, sizeof left);
    if (isfinite(recent.accuracy))
        snprintf(training, sizeof training, "%.1f %%", 100 * recent.accuracy);
    if (run->state == RUN_OPEN)
        speed_text(run, 0, speed, sizeof speed);
    table_add(table, "%s", brief ? brief_of(run) : title_of(run));
    table_add(table, "%s", figure);
    table_add(table, "%s", epoch);
    table_add(table, "%s",
              curve_diverged(run) > 0  ? "diverged"
              : run->state == RUN_DONE ? "done"
                                       : left);
    table_add(table, "%s", training);
    table_add(table, "%s", isfinite(recent.loss) ? loss_text(recent.loss, 3) : "");
    table_add(table, "%s", speed);
}

/* Those at work come first. The last row says how many more there are. Behind the names are small
 * curves, where there is room. */
static void draw_rows(struct screen *screen, int row, const struct history *history, double right,
                      double now)
{
    enum { LEAST_BARS = 12, MOST_BARS = 48, MOST_NAME = 28 };
    struct table table = {0};
    int most = screen->columns / 3 < MOST_NAME ? screen->columns / 3 : MOST_NAME, brief = 0;
    size_t fit = screen->rows - row > 1 ? (size_t)(screen->rows - row - 1) : 0;
    size_t shown = 0, hidden[2] = {0};
    for (size_t i = 0; i < history->runs; i++)
        brief |= label_columns(title_of(history->run[i])) > most;
    add_columns(&table, history->rank, most);
    for (size_t i = 0; i < history->runs; i++)
        add_row(&table, history->run[i], history->rank, brief, now);
    int bars = screen->columns - table_fit(&table, screen->columns) - TABLE_GAP;
    bars = bars > MOST_BARS ? MOST_BARS : bars >= LEAST_BARS ? bars : 0;
    table.column[0].behind = bars > 0 ? bars + TABLE_GAP : 0;
    table_draw(&table, 0, screen, row++);
    fit -= fit < history->runs && fit > 0;
    for (int over = 0; over < 2; over++)
        for (size_t i = 0; i < history->runs; i++) {
            const struct run *run = history->run[i];
            if ((run->state != RUN_OPEN) != over)
                continue;
            if (shown >= fit) {
                hidden[over]++;
                continue;
            }
            table_draw(&table, i + 1, screen, row);
            if (bars > 0)
                plot_bars(screen, (struct box){row, table.column[0].width + TABLE_GAP, 1, bars},
                          &run->progress, CURVE_ACCURACY, right, 100);
            row++;
            shown++;
        }
    if (hidden[0] + hidden[1] > 0) {
        char rest[80];
        snprintf(rest, sizeof rest, "and %zu more: %zu running, %zu ended", hidden[0] + hidden[1],
                 hidden[0], hidden[1]);
        screen_text(screen, screen->rows - 1, 0, screen->columns, faint_style, rest);
    }
    table_free(&table);
}

struct screen *live_frame(const struct history *history, const struct asked *asked,
                          const struct page *page, double now)
{
    struct screen *screen = screen_make(page->rows, page->columns, page->can);
    struct ranges ranges = curve_ranges(history);
    ranges.rate = 0; /* there is more to look at */
    struct grid grid = panel_grid((int)history->runs, page->columns, page->rows - 1);
    draw_head(screen, history, asked, page->title, grid.across > 0);
    if (grid.across == 0)
        draw_rows(screen, 1, history, ranges.iterations, now);
    for (int i = 0; grid.across > 0 && i < (int)history->runs; i++) {
        struct box box = {1 + i / grid.across * grid.rows, i % grid.across * grid.columns,
                          grid.rows, grid.columns - 2 * (grid.across > 1)};
        struct caption caption = caption_of(history->run[i], history->rank, now, box.columns);
        panel_draw(screen, box, history->run[i], &ranges, &caption);
    }
    return screen;
}

/* "net3: epoch 3 of 30: training 70.31 %, loss 0.913; validation 68.02 %, loss 0.921; 5420
 * images/s". */
static void tell_epoch(const struct run *run, uint64_t epoch)
{
    const struct samples *side[2] = {&run->progress, &run->validation};
    static const char *const name[2] = {"training", "validation"};
    const char *between = ":";
    char speed[32];
    printf("%s: epoch %llu", run->name, (unsigned long long)epoch);
    if (run->epochs > 0)
        printf(" of %llu", (unsigned long long)run->epochs);
    for (int i = 0; i < 2; i++) {
        /* Of several validations in an epoch the last. */
        struct samples until = {side[i]->sample, samples_up_to(side[i], epoch), 0};
        struct mean mean = i == 0 ? samples_epoch(side[i], epoch) : samples_last(&until, 1);
        if (until.count == 0 || until.sample[until.count - 1].epoch != epoch)
            continue;
        printf("%s %s %.2f %%, loss %s", between, name[i], 100 * mean.accuracy,
               loss_text(mean.loss, 3));
        between = ";";
    }
    speed_text(run, 0, speed, sizeof speed);
    printf("%s%s\n", speed[0] ? "; " : "", speed);
}

/* The first epoch after this one that there are points of, or 0. */
static uint64_t next_epoch(const struct run *run, uint64_t epoch)
{
    const struct samples *side[2] = {&run->progress, &run->validation};
    uint64_t next = 0;
    for (int k = 0; k < 2; k++)
        for (size_t i = side[k]->count; i > 0 && side[k]->sample[i - 1].epoch > epoch; i--)
            if (next == 0 || side[k]->sample[i - 1].epoch < next)
                next = side[k]->sample[i - 1].epoch;
    return next;
}

void live_tell(struct history *history)
{
    for (size_t i = 0; i < history->runs; i++) {
        struct run *run = history->run[i];
        struct titles *titles = run->shown;
        const struct samples *validation = &run->validation;
        const struct sample *last =
            validation->count ? &validation->sample[validation->count - 1] : NULL;
        uint64_t judged = last && !last->inside ? last->epoch : 0;
        /* An epoch is over when it is validated, when another has begun, or when the run has ended.
         */
        uint64_t over = run->epoch;
        if (over > 0 && run->state != RUN_DONE && judged != run->epoch)
            over--;
        /* A run that was resumed goes back in its epochs. */
        if (titles->epoch_told >= run->again)
            titles->epoch_told = run->again - (run->again > 0);
        run->again = UINT64_MAX;
        for (uint64_t next; (next = next_epoch(run, titles->epoch_told)) > 0 && next <= over;)
            tell_epoch(run, titles->epoch_told = next);
        if (run->state != RUN_OPEN && !titles->end_told)
            printf("%s: %s\n", run->name, ended[run->state]);
        titles->end_told = run->state != RUN_OPEN;
    }
}
