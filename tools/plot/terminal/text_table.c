/* Final figures as aligned tables. On a narrow page a table of runs has fewer columns. */
#include "terminal/text.h"

#include "label.h"
#include "message.h"
#include "reading/titles.h"
#include "runs/varying.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, LEAST_TEXT = 16 }; /* blanks between columns; of a text that is cut */

enum { MOST_COLUMNS = VARYING_MOST + 16 };

/* Cells as text: cell[row * columns + column], made one after the other; the first row names the
 * columns. */
struct table {
    size_t columns, cells;
    char **cell;
    const char *heading;      /* above the names; NULL: none */
    char right[MOST_COLUMNS]; /* right-aligned */
    char spare[MOST_COLUMNS]; /* where the page is too narrow the highest goes first; 0: stays */
};

__attribute__((format(printf, 2, 3))) static void add_cell(struct table *table, const char *format,
                                                           ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    table->cell = egrow_by_one(table->cell, table->cells, sizeof *table->cell);
    table->cell[table->cells++] = ecopy(text);
}

static void add_column(struct table *table, const char *name, int right, int spare)
{
    table->right[table->columns] = (char)right;
    table->spare[table->columns++] = (char)spare;
    add_cell(table, "%s", name);
}

static void add_whole(struct table *table, int64_t value)
{
    if (value < 0)
        add_cell(table, "-");
    else
        add_cell(table, "%lld", (long long)value);
}

static void add_percent(struct table *table, double fraction)
{
    if (isfinite(fraction))
        add_cell(table, "%.2f", 100 * fraction);
    else
        add_cell(table, "-");
}

static int total(const struct table *table, const int *width)
{
    int columns = -GAP;
    for (size_t i = 0; i < table->columns; i++)
        columns += width[i] >= 0 ? width[i] + GAP : 0;
    return columns;
}

/* Columns of the table's, as wide as they must be; of those left out -1. */
static void fit_columns(const struct table *table, int columns, int *width)
{
    memset(width, 0, table->columns * sizeof *width);
    for (size_t i = 0; i < table->cells; i++) {
        int wanted = label_columns(table->cell[i]);
        if (wanted > width[i % table->columns])
            width[i % table->columns] = wanted;
    }
    while (total(table, width) > columns) {
        size_t next = 0;
        for (size_t i = 1; i < table->columns; i++)
            if (width[i] >= 0 && (width[next] < 0 || table->spare[i] > table->spare[next]))
                next = i;
        if (width[next] < 0 || table->spare[next] == 0)
            break;
        width[next] = -1;
    }
    /* Still too wide: the widest text is cut, but not to nothing. */
    size_t widest = 0;
    for (size_t i = 1; i < table->columns; i++)
        if (width[i] > width[widest])
            widest = i;
    int left = columns - (total(table, width) - width[widest]);
    if (left < width[widest])
        width[widest] =
            left < LEAST_TEXT ? (width[widest] < LEAST_TEXT ? width[widest] : LEAST_TEXT) : left;
}

static struct screen *draw(struct table *table, const struct page *page)
{
    int width[MOST_COLUMNS], row = 0;
    const char *above[2] = {page->title, table->heading};
    fit_columns(table, page->columns, width);
    int columns = total(table, width);
    for (int i = 0; i < 2; i++)
        if (above[i] && label_columns(above[i]) > columns)
            columns = label_columns(above[i]);
    int head = 2 * ((above[0] != NULL) + (above[1] != NULL));
    struct screen *screen =
        screen_make((int)(table->cells / table->columns) + head, columns, page->can);
    for (int i = 0; i < 2; i++)
        if (above[i]) {
            screen_text(screen, row, 0, columns, i == 0 ? bold_style : plain_style, above[i]);
            row += 2;
        }
    for (size_t i = 0; i < table->cells; i += table->columns, row++)
        for (size_t c = 0, column = 0; c < table->columns; c++) {
            if (width[c] < 0)
                continue;
            (table->right[c] ? screen_right : screen_text)(screen, row, (int)column, width[c],
                                                           i == 0 ? faint_style : plain_style,
                                                           table->cell[i + c]);
            column += (size_t)(width[c] + GAP);
        }
    for (size_t i = 0; i < table->cells; i++)
        free(table->cell[i]);
    free(table->cell);
    return screen;
}

/* What runs differ in has columns, and a run whose title says nothing else has no name besides. */
struct naming {
    struct varying options;
    int named;
};

static struct naming naming_of(const struct history *history)
{
    struct naming naming = {varying_find(history, 1), history->runs == 0};
    for (size_t r = 0; r < history->runs; r++)
        naming.named |= strcmp(title_of(history->run[r]), history->run[r]->name) == 0;
    return naming;
}

static void add_name_columns(struct table *table, const struct history *history,
                             const struct naming *naming, const char *name)
{
    if (naming->named)
        add_column(table, name, 0, 0);
    for (size_t i = 0; i < naming->options.count; i++) {
        int numeric = 1;
        for (size_t r = 0; r < history->runs; r++)
            numeric &= isfinite(varying_number(history->run[r], naming->options.name[i])) != 0;
        add_column(table, naming->options.name[i], numeric, 0);
    }
}

static void add_name(struct table *table, const struct run *run, const struct naming *naming)
{
    if (naming->named)
        add_cell(table, "%s", run->name);
    for (size_t i = 0; i < naming->options.count; i++) {
        char *shown = varying_shown(run, &naming->options, naming->options.name[i]);
        add_cell(table, "%s", shown);
        free(shown);
    }
}

/* The four figures by their names as --rank has them; the one that decides stays on every page. */
static const struct {
    const char *name;
    enum rank_rule rule;
    int spare;
} figures[] = {
    {"last", RANK_LAST, 1},
    {"mean5", RANK_MEAN5, 5},
    {"best", RANK_BEST, 4},
    {"loss", RANK_LOSS, 2},
};
enum { FIGURES = sizeof figures / sizeof *figures, SPARE_TRAINING = 3 };

/* training: no run was validated, so that the loss, too, is of the training images. */
static void add_run(struct table *table, const struct ranked *row, const struct naming *naming,
                    int training)
{
    static const char *const state[] = {
        [RUN_OPEN] = "running",  [RUN_DONE] = "done", [RUN_STOPPED] = "stopped",
        [RUN_FAILED] = "failed", [RUN_TORN] = "torn",
    };
    const struct run *run = row->run;
    add_name(table, run, naming);
    if (run->epochs > 0 && run->epochs != run->epoch)
        add_cell(table, "%llu/%llu", (unsigned long long)run->epoch,
                 (unsigned long long)run->epochs);
    else
        add_cell(table, "%llu", (unsigned long long)run->epoch);
    add_cell(table, "%s", row->merit.diverged ? "diverged" : state[run->state]);
    add_percent(table, rank_training(run));
    for (int i = 0; i < FIGURES; i++) {
        char text[RANK_ROOM];
        struct merit merit = rank_merit(run, figures[i].rule, 0);
        int counts = !merit.training || (training && figures[i].rule == RANK_LOSS);
        double shown = rank_shown(figures[i].rule, counts ? merit.figure : NAN);
        add_cell(table, "%s", rank_text(figures[i].rule, shown, 0, text));
    }
}

struct screen *text_run_table(const struct history *history, const struct page *page)
{
    char heading[160];
    struct table table = {.heading = heading};
    struct naming naming = naming_of(history);
    int training = rank_by_training(history->run, history->runs);
    snprintf(heading, sizeof heading, "The best first, by %s, %s",
             rank_measure(history->rank, training),
             rank_when(history->rank, training, rank_keeps(history->run, history->runs)));
    /* One alone is not compared; it tells of what all have. */
    if (history->runs == 1) {
        naming.options =
            (struct varying){.name = {history->run[0]->by_text ? "network" : "depth", "seed"},
                             .count = history->run[0]->network ? 2 : 0};
        table.heading = NULL;
    }
    add_name_columns(&table, history, &naming, "run");
    add_column(&table, "epochs", 1, 0);
    add_column(&table, "state", 0, 0);
    add_column(&table, "training", 1, training ? 0 : SPARE_TRAINING);
    for (int i = 0; i < FIGURES; i++)
        add_column(&table, figures[i].name, 1,
                   figures[i].rule == history->rank ? 0 : figures[i].spare);
    size_t judged;
    struct ranked *row = rank_runs(history->run, history->runs, history->rank, 0, &judged);
    for (size_t r = 0; r < history->runs; r++)
        add_run(&table, &row[r], &naming, training);
    free(row);
    return draw(&table, page);
}

struct screen *text_score_table(const struct history *history, const struct page *page)
{
    static const char *const name[] = {"epoch", "split", "images", "loss", "accuracy"};
    struct table table = {0};
    struct history models = models_of(history);
    struct naming naming = naming_of(&models);
    int with_depth = naming.options.count == 0, with_network = 0, with_views = 0;
    for (size_t i = 0; i < history->scores; i++) {
        with_network |= with_depth && history->score[i]->network;
        with_views |= history->score[i]->tta != NULL;
    }
    /* Names and what they differ in, or the networks where that is not known. */
    add_name_columns(&table, &models, &naming, "model");
    if (with_depth)
        add_column(&table, "depth", 1, 0);
    if (with_network)
        add_column(&table, "network", 0, 0);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        add_column(&table, name[i], i != 1, 0);
    if (with_views)
        add_column(&table, "tta", 0, 0);
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        if (models.runs > 0)
            add_name(&table, models.run[i], &naming);
        else
            add_cell(&table, "%s", score->name);
        if (with_depth)
            add_whole(&table, score->depth);
        if (with_network)
            add_cell(&table, "%s", score->network ? score->network : "-");
        add_whole(&table, score->epoch);
        add_cell(&table, "%s", score->split);
        add_whole(&table, (int64_t)score->images);
        add_cell(&table, "%s", loss_text(score->loss, 4));
        add_percent(&table, score->accuracy);
        if (with_views)
            add_cell(&table, "%s", score->tta ? score->tta : "-");
    }
    free(models.run);
    return draw(&table, page);
}
