#include "reading/titles.h"

#include "message.h"
#include "runs/varying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether neither a file nor its trainer gave it a name of its own; an input of several runs cannot
 * lend its name to all. */
static int is_nameless(const struct history *history, const struct run *run)
{
    if (run->path == NULL || run->given)
        return 0;
    for (size_t i = 0; i < history->runs; i++)
        if (history->run[i] != run && history->run[i]->path == run->path)
            return 1;
    return run->stem == NULL;
}

static char *plain_name(const struct history *history, const struct run *run)
{
    if (run->given || !is_nameless(history, run))
        return ecopy(run->given ? run->given : run->stem);
    if (run->network && !run->by_text)
        return ecopy(run->network);
    return run->by_text ? eformat("network %s", run->network) : eformat("run %d", run->ordinal);
}

/* The name with what sets the run apart from the others of that name; NULL where there are none. */
static char *longer_name(const struct history *history, const struct run *run)
{
    int same_name = 0, same_seed = 0, same_path = 0;
    for (size_t i = 0; i < history->runs; i++) {
        const struct run *other = history->run[i];
        if (other == run || strcmp(run->name, other->name) != 0)
            continue;
        same_name = 1;
        same_seed |= run->seed < 0 || run->seed == other->seed;
        same_path |= run->path == other->path;
    }
    if (!same_name)
        return NULL;
    return !same_seed   ? eformat("%s, seed %lld", run->name, (long long)run->seed)
           : !same_path ? eformat("%s (%s)", run->name, run->path)
                        : eformat("%s (%d)", run->name, run->ordinal);
}

/* "d3-s0-1f0c5a9e7b3d": depth, seed, and a digest of all that decides the run. */
static int is_point(const char *name)
{
    enum { DIGEST = 12 };
    size_t length = strlen(name);
    return length > DIGEST && name[length - DIGEST - 1] == '-' &&
           strspn(name + length - DIGEST, "0123456789abcdef") == DIGEST;
}

static int told_apart(const struct history *history, const struct run *run,
                      const struct varying *options)
{
    for (size_t i = 0; i < history->runs; i++)
        if (strcmp(history->run[i]->name, run->name) != 0 &&
            varying_same(history->run[i], run, options))
            return 0;
    return options->count > 0;
}

/* The titles alone, of runs that have their names. */
static void entitle(struct history *history)
{
    struct varying all = varying_find(history, 1);
    struct varying options = varying_reduce(history, &all);
    for (size_t i = 0; i < history->runs; i++) {
        struct run *run = history->run[i];
        int by_options = (is_point(run->name) || is_nameless(history, run)) &&
                         told_apart(history, run, &options);
        char *title = by_options ? varying_words(run, &options, 0) : ecopy(run->name);
        char *brief = by_options ? varying_brief(run, &options) : ecopy(run->name);
        struct titles *shown = ealloc(1, sizeof *shown + strlen(title) + strlen(brief) + 2);
        if (run->shown)
            *shown = *(const struct titles *)run->shown;
        shown->title = strcpy(shown->text, title);
        shown->brief = strcpy(shown->text + strlen(title) + 1, brief);
        free(run->shown);
        run->shown = shown;
        free(title);
        free(brief);
    }
}

struct history models_of(const struct history *history)
{
    struct history models = {.run = ealloc(history->scores + 1, sizeof *models.run)};
    for (size_t i = 0; i < history->scores && models.runs == i; i++)
        if (history->score[i]->model)
            models.run[models.runs++] = history->score[i]->model;
    if (models.runs < history->scores)
        models.runs = 0;
    return models;
}

void give_titles(struct history *history)
{
    if (history->named)
        return;
    char **longer = ealloc(history->runs, sizeof *longer);
    for (size_t i = 0; i < history->runs; i++) {
        free(history->run[i]->name);
        history->run[i]->name = plain_name(history, history->run[i]);
    }
    for (size_t i = 0; i < history->runs; i++)
        longer[i] = longer_name(history, history->run[i]);
    for (size_t i = 0; i < history->runs; i++)
        if (longer[i]) {
            free(history->run[i]->name);
            history->run[i]->name = longer[i];
        }
    free(longer);
    entitle(history);
    /* Scores have the names of their models. */
    for (size_t i = 0; i < history->scores; i++) {
        struct score *score = history->score[i];
        if (score->model && score->model->name == NULL)
            score->model->name = ecopy(score->name);
    }
    struct history models = models_of(history);
    entitle(&models);
    free(models.run);
    history->named = 1;
}

void score_result(const struct score *score, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s: %.2f %% of %llu images right", score->split,
             score->tta ? " with --tta " : "", score->tta ? score->tta : "", 100 * score->accuracy,
             (unsigned long long)score->images);
}
