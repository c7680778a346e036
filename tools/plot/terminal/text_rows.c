/* Many runs at work on one page: a row for each, in columns of which a narrow page has fewer. */
#include "terminal/text.h"

#include "reading/titles.h"

#include "label.h"
#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum column { NAME, VALIDATION, EPOCH, LEFT, TRAINING, LOSS, SPEED, COLUMNS };
enum { GAP = 2, LEAST_SPARK = 12, MOST_SPARK = 48, MOST_NAME = 28, MOST_TEXT = 64 };

/* Where the columns stand; in this order they are given up from the last on. */
struct layout {
    int width[COLUMNS]; /* 0: no room */
    int spark;          /* columns of the small curve behind the name, or 0 */
    int brief;          /* some title has no room: all are in few words */
};

static void percent(double fraction, char *text)
{
    if (isfinite(fraction))
        snprintf(text, MOST_TEXT, "%.1f %%", 100 * fraction);
}

static void epoch_text(const struct run *run, char *text)
{
    static const char *const ended[] = {"", "", " stopped", " failed", " cut short"};
    char of[32] = "";
    if (run->epochs > 0 && (run->state != RUN_DONE || run->epoch != run->epochs))
        snprintf(of, sizeof of, "/%llu", (unsigned long long)run->epochs);
    snprintf(text, MOST_TEXT, "%llu%s%s", (unsigned long long)run->epoch, of, ended[run->state]);
}

static void cells_of(const struct run *run, enum rank_rule rule, int brief, double now,
                     char cell[COLUMNS][MOST_TEXT])
{
    struct mean recent = curve_recent(run);
    memset(cell, 0, COLUMNS * sizeof *cell);
    snprintf(cell[NAME], MOST_TEXT, "%s", brief ? brief_of(run) : title_of(run));
    text_verdict(run, rule, cell[VALIDATION]);
    percent(recent.accuracy, cell[TRAINING]);
    epoch_text(run, cell[EPOCH]);
    text_left(run, now, cell[LEFT], MOST_TEXT);
    if (curve_diverged(run) > 0)
        snprintf(cell[LEFT], MOST_TEXT, "diverged");
    else if (run->state == RUN_DONE)
        snprintf(cell[LEFT], MOST_TEXT, "done");
    if (isfinite(recent.loss))
        snprintf(cell[LOSS], MOST_TEXT, "%s", loss_text(recent.loss, 3));
    if (run->state == RUN_OPEN)
        text_speed(run, 0, cell[SPEED], MOST_TEXT);
}

static const char *heading_of(int column, enum rank_rule rule)
{
    static const char *const heading[COLUMNS] = {"run",      "",     "epoch", "time left",
                                                 "training", "loss", "speed"};
    return column == VALIDATION ? rank_word(rule, 0) : heading[column];
}

static struct layout lay_out(const struct history *history, double now, int columns)
{
    struct layout layout = {0};
    int used = -GAP, most = columns / 3 < MOST_NAME ? columns / 3 : MOST_NAME;
    for (size_t i = 0; i < history->runs; i++)
        layout.brief |= label_columns(title_of(history->run[i])) > most;
    for (int c = 0; c < COLUMNS; c++)
        layout.width[c] = c == NAME ? 0 : label_columns(heading_of(c, history->rank));
    for (size_t i = 0; i < history->runs; i++) {
        char cell[COLUMNS][MOST_TEXT];
        cells_of(history->run[i], history->rank, layout.brief, now, cell);
        for (int c = 0; c < COLUMNS; c++)
            if (label_columns(cell[c]) > layout.width[c])
                layout.width[c] = label_columns(cell[c]);
    }
    layout.width[NAME] = layout.width[NAME] < most ? layout.width[NAME] : most;
    for (int c = 0; c < COLUMNS; c++) {
        if (used + GAP + layout.width[c] > columns) {
            memset(&layout.width[c], 0, (size_t)(COLUMNS - c) * sizeof layout.width[c]);
            break;
        }
        used += GAP + layout.width[c];
    }
    int spark = columns - used - GAP;
    layout.spark = spark > MOST_SPARK ? MOST_SPARK : spark >= LEAST_SPARK ? spark : 0;
    return layout;
}

/* A row of cells; run NULL: the headings by that rule. */
static void draw_row(struct screen *screen, int row, const struct layout *layout,
                     const struct run *run, enum rank_rule rule, double right,
                     const char (*cell)[MOST_TEXT])
{
    int column = 0;
    for (int c = 0; c < COLUMNS && layout->width[c] > 0; c++) {
        const char *text = run ? cell[c] : heading_of(c, rule);
        struct style style = run == NULL ? faint_style : c == NAME ? bold_style : plain_style;
        if (run && (c == VALIDATION || c == TRAINING))
            style.ink = palette[c == TRAINING ? INK_TRAINING : INK_VALIDATION].terminal;
        if (c == NAME)
            screen_text(screen, row, column, layout->width[c], style, text);
        else
            screen_right(screen, row, column, layout->width[c], style, text);
        column += layout->width[c] + GAP;
        if (c > NAME || layout->spark == 0)
            continue;
        if (run) {
            struct line line = curve_line(&run->progress, CURVE_ACCURACY, CURVE_SMOOTH);
            text_spark(screen, row, column, layout->spark, &line, right, 0, 100,
                       palette[INK_TRAINING].terminal);
            line_free(&line);
        }
        column += layout->spark + GAP;
    }
}

void text_rows(struct screen *screen, int row, const struct history *history, double now)
{
    struct layout layout = lay_out(history, now, screen->columns);
    double right = curve_ranges(history).iterations;
    size_t fit = screen->rows - row > 1 ? (size_t)(screen->rows - row - 1) : 0;
    size_t shown = 0, hidden[2] = {0};
    /* The last row says how many more there are. */
    if (fit < history->runs && fit > 0)
        fit--;
    draw_row(screen, row++, &layout, NULL, history->rank, right, NULL);
    for (int ended = 0; ended < 2; ended++)
        for (size_t i = 0; i < history->runs; i++) {
            const struct run *run = history->run[i];
            char cell[COLUMNS][MOST_TEXT];
            if ((run->state != RUN_OPEN) != ended)
                continue;
            if (shown >= fit) {
                hidden[ended]++;
                continue;
            }
            cells_of(run, history->rank, layout.brief, now, cell);
            draw_row(screen, row++, &layout, run, history->rank, right,
                     (const char(*)[MOST_TEXT])cell);
            shown++;
        }
    if (hidden[0] + hidden[1] > 0) {
        char rest[80];
        snprintf(rest, sizeof rest, "and %zu more: %zu running, %zu ended", hidden[0] + hidden[1],
                 hidden[0], hidden[1]);
        screen_text(screen, screen->rows - 1, 0, screen->columns, faint_style, rest);
    }
}
