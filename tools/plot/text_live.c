/* The frames of --follow, and its lines where there is no terminal. */
#include "text.h"

#include "label.h"
#include "palette.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* "epoch 3 of 30, 2 min 05 s left, 120 it/s, loss 0.61": what matters most comes first, for a
 * narrow panel cuts the rest. */
static void progress_of(const struct run *run, char *text, size_t size)
{
    char left[32];
    double speed = curve_speed(run), loss = curve_recent(run).loss;
    curve_state(run, text, size);
    curve_duration(curve_left(run), left, sizeof left);
    if (run->state == RUN_DONE)
        append(text, size, ", done");
    if (run->state == RUN_OPEN && left[0])
        append(text, size, ", %s left", left);
    if (run->state == RUN_OPEN && !isnan(speed))
        append(text, size, ", %.*f it/s", speed < 10, speed);
    if (!isnan(loss))
        append(text, size, ", loss %.3f", loss);
}

static struct caption caption_of(const struct run *run)
{
    struct caption caption = {0};
    double training = curve_recent(run).accuracy, last = curve_final(run).last;
    progress_of(run, caption.below, sizeof caption.below);
    if (!isnan(training))
        snprintf(caption.beside, sizeof caption.beside, "training %.1f %%", 100 * training);
    if (!isnan(last)) {
        snprintf(caption.brief, sizeof caption.brief, "%.1f %%", 100 * last);
        append(caption.beside, sizeof caption.beside, "%svalidation %.1f %%",
               caption.beside[0] ? ", " : "", 100 * last);
    }
    return caption;
}

/* Where panels have no room: a row for each run, those at work first. */
static void draw_rows(struct screen *screen, const struct history *history,
                      const struct ranges *ranges)
{
    enum { NAME = 14, FIGURES = 42 };
    int row = 1, spark = screen->columns - NAME - FIGURES;
    size_t shown = 0;
    for (int ended = 0; ended < 2; ended++)
        for (size_t i = 0; i < history->runs; i++) {
            const struct run *run = history->run[i];
            char figures[160], progress[96];
            if ((run->state != RUN_OPEN) != ended || row >= screen->rows - 1)
                continue;
            struct line line = curve_line(&run->progress, CURVE_ACCURACY, CURVE_SMOOTH);
            struct caption caption = caption_of(run);
            progress_of(run, progress, sizeof progress);
            snprintf(figures, sizeof figures, "%7s  %s", caption.brief, progress);
            screen_text(screen, row, 0, NAME - 1, bold_style, run->name);
            text_spark(screen, row, NAME, spark, &line, ranges->iterations, 0, 100,
                       palette[INK_TRAINING].terminal);
            screen_text(screen, row++, NAME + (spark > 0 ? spark : 0) + 1, FIGURES - 1, plain_style,
                        figures);
            line_free(&line);
            shown++;
        }
    if (shown < history->runs) {
        char rest[64];
        snprintf(rest, sizeof rest, "and %zu more", history->runs - shown);
        screen_text(screen, row, 0, screen->columns, faint_style, rest);
    }
}

static void draw_head(struct screen *screen, const struct history *history, const char *title)
{
    char text[128] = "";
    size_t count[RUN_LOST + 1] = {0};
    static const char *const name[] = {"running", "done", "stopped", "failed", "cut short"};
    for (size_t i = 0; i < history->runs; i++)
        count[history->run[i]->state]++;
    for (int state = 0; state <= RUN_LOST; state++)
        if (count[state] > 0)
            append(text, sizeof text, "%s%zu %s", text[0] ? ", " : "", count[state], name[state]);
    if (history->runs == 0)
        append(text, sizeof text, "waiting for the first records");
    int used = title ? screen_text(screen, 0, 0, screen->columns / 2, bold_style, title) + 2 : 0;
    used += screen_text(screen, 0, used, screen->columns - used, faint_style, text) + 3;
    enum { LEGEND = 36 };
    if (screen->columns - used >= LEGEND)
        text_legend(screen, 0, screen->columns - LEGEND, LEGEND);
}

struct screen *text_live(const struct history *history, const struct page *page)
{
    struct screen *screen = screen_make(page->rows, page->columns, page->look);
    struct ranges ranges = curve_ranges(history);
    struct grid grid = text_grid((int)history->runs, page->columns, page->rows - 1);
    draw_head(screen, history, page->title);
    if (grid.across == 0) {
        draw_rows(screen, history, &ranges);
        return screen;
    }
    for (int i = 0; i < (int)history->runs; i++) {
        struct caption caption = caption_of(history->run[i]);
        struct box box = {1 + i / grid.across * grid.rows, i % grid.across * grid.columns,
                          grid.rows, grid.columns - 2 * (grid.across > 1)};
        text_panel(screen, box, history->run[i], &ranges, &caption);
    }
    return screen;
}

/* "net3: epoch 3 of 30: training 70.31 %, validation 68.02 %, loss 0.913, 120 it/s". */
static void tell_epoch(const struct run *run, uint64_t epoch)
{
    printf("%s: epoch %llu", run->name, (unsigned long long)epoch);
    if (run->epochs > 0)
        printf(" of %llu", (unsigned long long)run->epochs);
    struct points sides[2] = {run->progress, run->validation};
    static const char *const name[2] = {"training", "validation"};
    for (int side = 0; side < 2; side++) {
        struct mean mean = curve_epoch(&sides[side], epoch);
        if (mean.count > 0)
            printf("%s %s %.2f %%, loss %.3f", side == 0 || epoch == 0 ? ":" : ";", name[side],
                   100 * mean.accuracy, mean.loss);
    }
    double speed = curve_speed(run);
    if (!isnan(speed))
        printf("; %.*f it/s", speed < 10, speed);
    putchar('\n');
}

void tell_epochs(struct history *history)
{
    static const char *const ended[] = {NULL, "done", "stopped", "failed", "cut short"};
    for (size_t i = 0; i < history->runs; i++) {
        struct run *run = history->run[i];
        const struct points *validation = &run->validation;
        uint64_t judged = validation->count ? validation->point[validation->count - 1].epoch : 0;
        /* An epoch is over when it is validated, when another has begun, or when the run has ended.
         */
        uint64_t over = run->state == RUN_DONE || judged == run->epoch ? run->epoch
                        : run->epoch > 0                               ? run->epoch - 1
                                                                       : 0;
        while (run->epoch_told < over)
            tell_epoch(run, ++run->epoch_told);
        if (run->state != RUN_OPEN && !run->end_told)
            printf("%s: %s\n", run->name, ended[run->state]);
        run->end_told = run->state != RUN_OPEN;
    }
}
