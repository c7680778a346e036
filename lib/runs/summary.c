#include "summary.h"

#include "message.h"
#include "varying.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The option that becomes the axis, to the front; NULL where there is none. */
static void choose_axis(const struct history *history, struct varying *options)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < options->count; i++) {
        const char *name = options->name[i];
        size_t values = 0;
        int numeric = 1;
        for (size_t r = 0; r < history->runs; r++) {
            size_t earlier = 0;
            while (earlier < r && strcmp(varying_value(history->run[earlier], name),
                                         varying_value(history->run[r], name)) != 0)
                earlier++;
            values += earlier == r;
            numeric &= isfinite(varying_number(history->run[r], name)) != 0;
        }
        values += numeric ? 1000000 : 0;
        if (strcmp(name, "depth") == 0)
            values = SIZE_MAX;
        if (values > most) {
            best = i;
            most = values;
        }
    }
    const char *axis = options->count ? options->name[best] : NULL;
    /* Where nothing varies, all runs with options stand at the one depth, or network, that they
     * have.
     */
    if (axis == NULL && history->runs > 0 && settings_find(&history->run[0]->settings, "depth"))
        axis = "depth";
    if (axis == NULL && history->runs > 0 && history->run[0]->by_text)
        axis = "network";
    memmove(&options->name[1], &options->name[0], best * sizeof options->name[0]);
    options->name[0] = axis;
}

static int compare_values(const void *a, const void *b)
{
    const struct axis_value *x = a, *y = b;
    if (isfinite(x->number) && isfinite(y->number))
        return (x->number > y->number) - (x->number < y->number);
    return strverscmp(x->text, y->text);
}

static struct axis_value value_of(const struct run *run, const char *axis)
{
    if (axis == NULL)
        return (struct axis_value){run->name    ? run->name
                                   : run->given ? run->given
                                                : run->path,
                                   NULL, NAN};
    return (struct axis_value){varying_value(run, axis), NULL, varying_number(run, axis)};
}

static size_t find_value(const struct summary *summary, const char *text)
{
    size_t i = 0;
    while (i < summary->values && strcmp(summary->value[i].text, text) != 0)
        i++;
    return i;
}

static void find_values(struct summary *summary, const struct history *history,
                        const struct varying *options)
{
    summary->value = ealloc(history->runs, sizeof *summary->value);
    summary->numeric = summary->axis != NULL;
    for (size_t r = 0; r < history->runs; r++) {
        struct axis_value value = value_of(history->run[r], summary->axis);
        if (find_value(summary, value.text) == summary->values) {
            value.shown = summary->axis ? varying_shown(history->run[r], options, summary->axis)
                                        : ecopy(value.text);
            summary->value[summary->values++] = value;
        }
        summary->numeric &= isfinite(value.number) != 0;
    }
    if (summary->axis)
        qsort(summary->value, summary->values, sizeof *summary->value, compare_values);
    double low = summary->values ? summary->value[0].number : NAN;
    double high = summary->values ? summary->value[summary->values - 1].number : NAN;
    summary->logarithmic = summary->numeric && low > 0 && high / low >= 20;
}

/* Series rise by their names, whatever order the runs come in; groups keep theirs. */
static size_t series_of(struct summary *summary, const struct run *run,
                        const struct varying *options)
{
    char *name = varying_words(run, options, 1);
    size_t at = 0;
    while (at < summary->serieses && strverscmp(summary->series[at], name) < 0)
        at++;
    if (at < summary->serieses && strcmp(summary->series[at], name) == 0) {
        free(name);
        return at;
    }
    summary->series = egrow(summary->series, summary->serieses + 1, sizeof *summary->series);
    memmove(&summary->series[at + 1], &summary->series[at],
            (summary->serieses++ - at) * sizeof *summary->series);
    summary->series[at] = name;
    for (size_t g = 0; g < summary->groups; g++)
        summary->group[g].series += summary->group[g].series >= at;
    return at;
}

static void add_run(struct summary *summary, const struct run *run, const struct varying *options)
{
    size_t value = find_value(summary, value_of(run, summary->axis).text);
    size_t series = series_of(summary, run, options), i = 0;
    while (i < summary->groups &&
           (summary->group[i].value != value || summary->group[i].series != series))
        i++;
    if (i == summary->groups) {
        summary->group = egrow(summary->group, summary->groups + 1, sizeof *summary->group);
        summary->group[summary->groups++] = (struct group){.value = value, .series = series};
    }
    struct group *group = &summary->group[i];
    group->run = egrow(group->run, group->runs + 1, sizeof *group->run);
    group->run[group->runs++] = run;
}

double summary_figure(const struct summary *summary, const struct run *run)
{
    struct merit merit = rank_merit(run, summary->rank, 0);
    return merit.diverged || merit.training != summary->training
               ? NAN
               : rank_shown(summary->rank, merit.figure);
}

void summary_measure(const struct summary *summary, int with_when, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s", rank_measure(summary->rank, summary->training),
             with_when ? ", " : "",
             with_when ? rank_when(summary->rank, summary->training, summary->keeps) : "");
    text[0] = (char)(text[0] - 'a' + 'A');
}

void summary_range(const struct summary *summary, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        double bar = isnan(group->deviation) ? 0 : group->deviation;
        if (group->counted > 0) {
            *low = fmin(*low, fmin(group->low, group->mean - bar));
            *high = fmax(*high, fmax(group->high, group->mean + bar));
        }
    }
}

void summary_clip(const struct summary *summary, double *low, double *high)
{
    *low = fmax(*low, 0);
    if (summary->rank != RANK_LOSS)
        *high = fmin(*high, 100);
}

static void measure(const struct summary *summary, struct group *group)
{
    double sum = 0, squares = 0;
    group->low = INFINITY;
    group->high = -INFINITY;
    for (size_t i = 0; i < group->runs; i++) {
        double figure = summary_figure(summary, group->run[i]);
        if (isnan(figure))
            continue;
        sum += figure;
        group->low = fmin(group->low, figure);
        group->high = fmax(group->high, figure);
        group->counted++;
    }
    group->mean = group->counted ? sum / (double)group->counted : NAN;
    for (size_t i = 0; i < group->runs; i++) {
        double figure = summary_figure(summary, group->run[i]);
        if (!isnan(figure))
            squares += (figure - group->mean) * (figure - group->mean);
    }
    group->deviation = group->counted > 1 ? sqrt(squares / (double)(group->counted - 1)) : NAN;
    group->best = group->counted == 0 ? NAN : summary->rank == RANK_LOSS ? group->low : group->high;
}

char *summary_name(const struct summary *summary, const struct group *group)
{
    const char *axis = summary->axis ? summary->axis : "", *series = summary->series[group->series];
    /* "depth 3" of a network says what it is. */
    if (strcmp(axis, "network") == 0 && !group->run[0]->by_text)
        axis = "";
    return eformat("%s%s%s%s%s", axis, axis[0] ? " " : "", summary->value[group->value].shown,
                   series[0] ? ", " : "", series);
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* Whether the runs of each group differ in their seeds or folds: then the group is one thing,
 * repeated. */
static int is_repeated(const struct summary *summary, const struct history *history)
{
    struct varying all = varying_find(history, 1);
    int several = 0;
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        several |= group->runs > 1;
        for (size_t i = 0; i < group->runs; i++)
            for (size_t j = 0; j < i; j++)
                if (varying_same(group->run[i], group->run[j], &all))
                    return 0;
    }
    return several;
}

/* Whether along some series an option that is left out, since it follows from the axis, neither
 * rises nor falls with that, as where points were chosen at random. */
static int is_scattered(const struct summary *summary, const struct varying *all)
{
    for (size_t i = 1; i < all->count; i++) {
        int rises = 0, falls = 0;
        for (size_t g = 1; g < summary->groups; g++) {
            const struct run *before = summary->group[g - 1].run[0],
                             *run = summary->group[g].run[0];
            if (summary->group[g - 1].series != summary->group[g].series) {
                rises = falls = 0;
                continue;
            }
            if (strcmp(varying_value(before, all->name[i]), varying_value(run, all->name[i])) == 0)
                continue;
            double step = varying_number(run, all->name[i]) - varying_number(before, all->name[i]);
            rises |= !(step < 0); /* between words both */
            falls |= !(step > 0);
            if (rises && falls)
                return 1;
        }
    }
    return 0;
}

void summary_make(struct summary *summary, const struct history *history)
{
    struct varying all = varying_find(history, 0);
    choose_axis(history, &all);
    struct varying options = varying_reduce(history, &all);
    *summary = (struct summary){.rank = history->rank,
                                .training = rank_by_training(history->run, history->runs),
                                .keeps = rank_keeps(history->run, history->runs),
                                .axis = all.name[0]};
    find_values(summary, history, &options);
    for (size_t r = 0; r < history->runs; r++) {
        const struct run *run = history->run[r];
        struct merit merit = rank_merit(run, history->rank, 0);
        summary->without += merit.epoch == 0 || merit.training != summary->training;
        summary->diverged += merit.training == summary->training && merit.diverged;
        add_run(summary, run, &options);
    }
    for (size_t g = 0; g < summary->groups; g++)
        measure(summary, &summary->group[g]);
    if (summary->groups > 0)
        qsort(summary->group, summary->groups, sizeof *summary->group, compare_groups);
    summary->repeated = is_repeated(summary, history);
    summary->scattered = is_scattered(summary, &all);
}

void summary_free(struct summary *summary)
{
    for (size_t g = 0; g < summary->groups; g++)
        free(summary->group[g].run);
    for (size_t i = 0; i < summary->serieses; i++)
        free(summary->series[i]);
    for (size_t i = 0; i < summary->values; i++)
        free(summary->value[i].shown);
    free(summary->group);
    free(summary->series);
    free(summary->value);
}
