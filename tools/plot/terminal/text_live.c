/* The frames of --follow: a panel for every run, with what it is doing now. */
#include "terminal/text.h"

#include "label.h"
#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SILENT = 60 }; /* seconds after which a run at work is said to say nothing */

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

void text_speed(const struct run *run, int brief, char *text, size_t size)
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

void text_left(const struct run *run, double now, char *text, size_t size)
{
    char time[32];
    int silent = now - run->heard > SILENT;
    curve_duration(silent ? now - run->heard : curve_left(run), time, sizeof time);
    if (run->state != RUN_OPEN)
        time[0] = 0;
    snprintf(text, size, silent && time[0] ? "silent for %s" : time[0] ? "%s left" : "%s", time);
}

/* "epoch 3 of 30, 2 min 05 s left, 5420 images/s, loss 0.610": as much as fits into width, what
 * matters most first. */
static void progress_of(const struct run *run, double now, int width, char *text, size_t size)
{
    char clause[4][64] = {""};
    double loss = curve_recent(run).loss;
    curve_state(run, text, size);
    if (run->state == RUN_DONE)
        snprintf(clause[0], sizeof clause[0], "done");
    text_left(run, now, clause[1], sizeof clause[1]);
    if (run->state == RUN_OPEN)
        text_speed(run, width < 48, clause[2], sizeof clause[2]);
    if (!isnan(loss))
        snprintf(clause[3], sizeof clause[3], "loss %s", loss_text(loss, 3));
    for (int i = 0; i < 4; i++)
        if (clause[i][0] && label_columns(text) + 2 + label_columns(clause[i]) <= width)
            append(text, size, ", %s", clause[i]);
}

void text_verdict(const struct run *run, enum rank_rule rule, char text[RANK_ROOM])
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
    struct caption caption = {0};
    double training = curve_recent(run).accuracy;
    progress_of(run, now, width, caption.below, sizeof caption.below);
    text_verdict(run, rule, caption.brief);
    if (!isnan(training))
        snprintf(caption.beside[0].text, sizeof caption.beside[0].text, "training %.1f %%",
                 100 * training);
    if (caption.brief[0])
        snprintf(caption.beside[1].text, sizeof caption.beside[1].text, "%s %s", rank_word(rule, 0),
                 caption.brief);
    caption.beside[0].ink = palette[INK_TRAINING].terminal;
    caption.beside[1].ink = palette[INK_VALIDATION].terminal;
    return caption;
}

/* "4 of 12 runs done, 2 running, 6 to come, 12 min 05 s left" */
static void tell_tally(const struct history *history, const struct asked *asked, char *text,
                       size_t size)
{
    char time[32];
    struct tally tally = asked_tally(asked, history);
    size_t to_come = tally.asked - tally.done - tally.running - tally.failed;
    append(text, size, "%zu of %zu done", tally.done, tally.asked);
    if (tally.running > 0)
        append(text, size, ", %zu running", tally.running);
    if (tally.failed > 0)
        append(text, size, ", %zu failed", tally.failed);
    if (to_come > 0)
        append(text, size, ", %zu to come", to_come);
    curve_duration(tally.left, time, sizeof time);
    if (time[0])
        append(text, size, ", %s left", time);
}

/* "2 running, 1 done" */
static void tell_states(const struct history *history, char *text, size_t size)
{
    size_t count[RUN_TORN + 1] = {0};
    static const char *const name[] = {"running", "done", "stopped", "failed", "cut short"};
    for (size_t i = 0; i < history->runs; i++)
        count[history->run[i]->state]++;
    for (int state = 0; state <= RUN_TORN; state++)
        if (count[state] > 0)
            append(text, size, "%s%zu %s", text[0] ? ", " : "", count[state], name[state]);
    if (history->runs == 0)
        append(text, size, "waiting for the first records");
}

static void draw_head(struct screen *screen, const struct history *history,
                      const struct asked *asked, const char *title, int with_legend)
{
    char text[192] = "";
    if (asked->count > 0)
        tell_tally(history, asked, text, sizeof text);
    else
        tell_states(history, text, sizeof text);
    int used = title ? screen_text(screen, 0, 0, screen->columns / 2, bold_style, title) + 2 : 0;
    used += screen_text(screen, 0, used, screen->columns - used, faint_style, text) + 3;
    int brief = screen->columns - used < text_legend_width(0), legend = text_legend_width(brief);
    if (with_legend && screen->columns - used >= legend)
        text_legend(screen, 0, screen->columns - legend, legend, brief);
}

struct screen *text_live(const struct history *history, const struct asked *asked,
                         const struct page *page, double now)
{
    struct screen *screen = screen_make(page->rows, page->columns, page->look);
    struct ranges ranges = curve_ranges(history);
    struct grid grid = text_grid((int)history->runs, page->columns, page->rows - 1);
    draw_head(screen, history, asked, page->title, grid.across > 0);
    if (grid.across == 0) {
        text_rows(screen, 1, history, now);
        return screen;
    }
    for (int i = 0; i < (int)history->runs; i++) {
        struct box box = {1 + i / grid.across * grid.rows, i % grid.across * grid.columns,
                          grid.rows, grid.columns - 2 * (grid.across > 1)};
        struct caption caption = caption_of(history->run[i], history->rank, now, box.columns);
        text_panel(screen, box, history->run[i], &ranges, &caption);
    }
    return screen;
}
