/* Final figures as aligned tables. */
#include "text.h"

#include "label.h"
#include "message.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2 }; /* blanks between columns */

/* Cells as text: cell[row * columns + column], made one after the other. */
struct table {
    size_t columns, cells, room;
    char **cell;
    const char *right; /* per column: r right-aligned, l left */
};

__attribute__((format(printf, 2, 3))) static void add(struct table *table, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (table->cells == table->room) {
        table->room = table->room ? 2 * table->room : 64;
        table->cell = egrow(table->cell, table->room, sizeof *table->cell);
    }
    table->cell[table->cells++] = ecopy(text);
}

static void add_whole(struct table *table, int64_t value)
{
    if (value < 0)
        add(table, "-");
    else
        add(table, "%lld", (long long)value);
}

static void add_percent(struct table *table, double fraction)
{
    if (isfinite(fraction))
        add(table, "%.2f", 100 * fraction);
    else
        add(table, "-");
}

static struct screen *draw(struct table *table, const struct page *page)
{
    int width[16] = {0}, total = 0, row = page->title ? 2 : 0;
    size_t rows = table->cells / table->columns;
    for (size_t i = 0; i < table->cells; i++) {
        int columns = label_columns(table->cell[i]);
        if (columns > width[i % table->columns])
            width[i % table->columns] = columns;
    }
    for (size_t i = 0; i < table->columns; i++)
        total += width[i] + GAP;
    if (page->title && label_columns(page->title) > total)
        total = label_columns(page->title);
    struct screen *screen = screen_make((int)rows + row, total, page->look);
    if (page->title)
        screen_text(screen, 0, 0, total, bold_style, page->title);
    for (size_t i = 0, column = 0; i < table->cells; i++) {
        size_t c = i % table->columns;
        struct style style = i < table->columns ? faint_style : plain_style;
        if (table->right[c] == 'r')
            screen_right(screen, row, (int)column, width[c], style, table->cell[i]);
        else
            screen_text(screen, row, (int)column, width[c], style, table->cell[i]);
        column = c + 1 == table->columns ? 0 : column + (size_t)(width[c] + GAP);
        row += c + 1 == table->columns;
        free(table->cell[i]);
    }
    free(table->cell);
    return screen;
}

static const char *state_of(const struct run *run)
{
    static const char *const name[] = {
        [RUN_OPEN] = "running",  [RUN_DONE] = "done", [RUN_STOPPED] = "stopped",
        [RUN_FAILED] = "failed", [RUN_LOST] = "torn",
    };
    return curve_diverged(run) > 0 ? "diverged" : name[run->state];
}

struct screen *text_run_table(const struct history *history, const struct page *page)
{
    static const char *const heading[] = {"run",      "depth",      "seed",      "epochs", "state",
                                          "training", "validation", "last-five", "best"};
    struct table table = {.columns = 9, .right = "lrrrlrrrr"};
    for (size_t i = 0; i < table.columns; i++)
        add(&table, "%s", heading[i]);
    for (size_t r = 0; r < history->runs; r++) {
        const struct run *run = history->run[r];
        struct final final = curve_final(run);
        add(&table, "%s", run->name);
        add_whole(&table, run->depth);
        add_whole(&table, run->seed);
        if (run->epochs > 0 && run->epochs != run->epoch)
            add(&table, "%llu/%llu", (unsigned long long)run->epoch,
                (unsigned long long)run->epochs);
        else
            add(&table, "%llu", (unsigned long long)run->epoch);
        add(&table, "%s", state_of(run));
        add_percent(&table, final.training);
        add_percent(&table, final.last);
        add_percent(&table, final.mean);
        add_percent(&table, final.best);
    }
    return draw(&table, page);
}

struct screen *text_score_table(const struct history *history, const struct page *page)
{
    static const char *const heading[] = {"model",  "depth", "epoch",   "split",
                                          "images", "loss",  "accuracy"};
    struct table table = {.columns = 7, .right = "lrrlrrr"};
    for (size_t i = 0; i < table.columns; i++)
        add(&table, "%s", heading[i]);
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        add(&table, "%s", score->name);
        add_whole(&table, score->depth);
        add_whole(&table, score->epoch);
        add(&table, "%s", score->split);
        add(&table, "%llu", (unsigned long long)score->images);
        add(&table, "%.4f", score->loss);
        add_percent(&table, score->accuracy);
    }
    return draw(&table, page);
}
