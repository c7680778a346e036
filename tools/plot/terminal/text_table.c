/* Final figures as aligned tables. On a narrow page a table of runs has fewer columns. */
#include "terminal/page.h"

#include "label.h"
#include "message.h"
#include "reading/titles.h"
#include "runs/varying.h"
#include "terminal/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_whole(struct table *table, int64_t value)
{
    if (value < 0)
        table_add(table, "-");
    else
        table_add(table, "%lld", (long long)value);
}

static void add_percent(struct table *table, double fraction)
{
    if (isfinite(fraction))
        table_add(table, "%.2f", 100 * fraction);
    else
        table_add(table, "-");
}

/* Below the page's title and a heading of its own, which may be NULL. */
static struct screen *draw(struct table *table, const char *heading, const struct page *page)
{
    const char *above[2] = {page->title, heading};
    int row = 0, columns = table_fit(table, page->columns);
    for (int i = 0; i < 2; i++)
        if (above[i] && label_columns(above[i]) > columns)
            columns = label_columns(above[i]);
    size_t rows = table->cells / table->columns;
    int head = 2 * ((above[0] != NULL) + (above[1] != NULL));
    struct screen *screen = screen_make((int)rows + head, columns, page->can);
    for (int i = 0; i < 2; i++)
        if (above[i]) {
            screen_text(screen, row, 0, columns, i == 0 ? bold_style : plain_style, above[i]);
            row += 2;
        }
    for (size_t i = 0; i < rows; i++)
        table_draw(table, i, screen, row++);
    table_free(table);
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
        table_add_column(table, name, 0, 0);
    for (size_t i = 0; i < naming->options.count; i++) {
        int numeric = 1;
        for (size_t r = 0; r < history->runs; r++)
            numeric &= isfinite(varying_number(history->run[r], naming->options.name[i])) != 0;
        table_add_column(table, naming->options.name[i], numeric, 0);
    }
}

static void add_name(struct table *table, const struct run *run, const struct naming *naming)
{
    if (naming->named)
        table_add(table, "%s", run->name);
    for (size_t i = 0; i < naming->options.count; i++) {
        char *shown = varying_shown(run, &naming->options, naming->options.name[i]);
        table_add(table, "%s", shown);
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
        table_add(table, "%llu/%llu", (unsigned long long)run->epoch,
                  (unsigned long long)run->epochs);
    else
        table_add(table, "%llu", (unsigned long long)run->epoch);
    table_add(table, "%s", row->merit.diverged ? "diverged" : state[run->state]);
    add_percent(table, rank_training(run));
    for (int i = 0; i < FIGURES; i++) {
        char text[RANK_ROOM];
        struct merit merit = rank_merit(run, figures[i].rule, 0);
        int counts = !merit.training || (training && figures[i].rule == RANK_LOSS);
        double shown = rank_shown(figures[i].rule, counts ? merit.figure : NAN);
        table_add(table, "%s", rank_text(figures[i].rule, shown, 0, text));
    }
}

struct screen *text_run_table(const struct history *history, const struct page *page)
{
    char heading[160];
    struct table table = {0};
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
    }
    add_name_columns(&table, history, &naming, "run");
    table_add_column(&table, "epochs", 1, 0);
    table_add_column(&table, "state", 0, 0);
    table_add_column(&table, "training", 1, training ? 0 : SPARE_TRAINING);
    for (int i = 0; i < FIGURES; i++)
        table_add_column(&table, figures[i].name, 1,
                         figures[i].rule == history->rank ? 0 : figures[i].spare);
    size_t judged;
    struct ranked *row = rank_runs(history->run, history->runs, history->rank, 0, &judged);
    for (size_t r = 0; r < history->runs; r++)
        add_run(&table, &row[r], &naming, training);
    free(row);
    return draw(&table, history->runs == 1 ? NULL : heading, page);
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
        table_add_column(&table, "depth", 1, 0);
    if (with_network)
        table_add_column(&table, "network", 0, 0);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        table_add_column(&table, name[i], i != 1, 0);
    if (with_views)
        table_add_column(&table, "tta", 0, 0);
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        if (models.runs > 0)
            add_name(&table, models.run[i], &naming);
        else
            table_add(&table, "%s", score->name);
        if (with_depth)
            add_whole(&table, score->depth);
        if (with_network)
            table_add(&table, "%s", score->network ? score->network : "-");
        add_whole(&table, score->epoch);
        table_add(&table, "%s", score->split);
        add_whole(&table, (int64_t)score->images);
        table_add(&table, "%s", loss_text(score->loss, 4));
        add_percent(&table, score->accuracy);
        if (with_views)
            table_add(&table, "%s", score->tta ? score->tta : "-");
    }
    free(models.run);
    return draw(&table, NULL, page);
}
