#include "summary.h"

#include "curve.h"
#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OPTIONS = 64 };

/* Options that vary, the axis first, in the order of the headers. */
struct varying {
    const char *name[MOST_OPTIONS];
    size_t count;
};

static const char *value_of(const struct run *run, const char *name)
{
    const struct setting *setting = settings_find(&run->settings, name);
    return setting ? setting->value : "none";
}

static double number_of(const struct run *run, const char *name)
{
    const struct setting *setting = settings_find(&run->settings, name);
    return setting ? setting->number : NAN;
}

/* How often something is saved says nothing about what is learnt. */
static int matters(const char *name)
{
    return !setting_is_seed(name) && strcmp(name, "checkpoint-every") != 0;
}

static int same_in(const struct run *a, const struct run *b, const struct varying *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(value_of(a, options->name[i]), value_of(b, options->name[i])) != 0)
            return 0;
    return 1;
}

/* The number of different values of an option; numeric tells whether all of them are numbers. */
static size_t values_of(const struct history *history, const char *name, int *numeric)
{
    size_t values = 0;
    *numeric = 1;
    for (size_t r = 0; r < history->runs; r++) {
        size_t earlier = 0;
        while (earlier < r &&
               strcmp(value_of(history->run[earlier], name), value_of(history->run[r], name)) != 0)
            earlier++;
        values += earlier == r;
        *numeric &= isfinite(number_of(history->run[r], name)) != 0;
    }
    return values;
}

static int has(const struct varying *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->name[i], name) == 0)
            return 1;
    return 0;
}

static struct varying find_varying(const struct history *history)
{
    struct varying found = {.count = 0};
    for (size_t r = 0; r < history->runs; r++) {
        const struct settings *settings = &history->run[r]->settings;
        for (size_t i = 0; i < settings->count && found.count < MOST_OPTIONS; i++) {
            const char *name = settings->setting[i].name;
            int numeric;
            if (matters(name) && !has(&found, name) && values_of(history, name, &numeric) > 1)
                found.name[found.count++] = name;
        }
    }
    return found;
}

/* The option that becomes the axis, to the front. */
static void choose_axis(const struct history *history, struct varying *options)
{
    size_t best = 0, best_rank = 0;
    for (size_t i = 0; i < options->count; i++) {
        int numeric;
        size_t rank = values_of(history, options->name[i], &numeric) + (numeric ? 1000000 : 0);
        if (strcmp(options->name[i], "depth") == 0)
            rank = SIZE_MAX;
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    const char *axis = options->count ? options->name[best] : NULL;
    /* Where nothing varies, all runs with options stand at the one depth that they have. */
    if (axis == NULL && history->runs > 0 && settings_find(&history->run[0]->settings, "depth"))
        axis = "depth";
    memmove(&options->name[1], &options->name[0], best * sizeof options->name[0]);
    options->name[0] = axis;
}

/* Whether an option's value follows from those of the options already chosen. */
static int follows(const struct history *history, const struct varying *chosen, const char *name)
{
    for (size_t i = 0; i < history->runs; i++)
        for (size_t j = 0; j < i; j++)
            if (same_in(history->run[i], history->run[j], chosen) &&
                strcmp(value_of(history->run[i], name), value_of(history->run[j], name)) != 0)
                return 0;
    return 1;
}

static struct varying choose(const struct history *history)
{
    struct varying all = find_varying(history), chosen = {.count = 0};
    choose_axis(history, &all);
    chosen.name[0] = all.name[0];
    for (size_t i = 0; i < all.count; i++)
        if (chosen.count == 0 || !follows(history, &chosen, all.name[i]))
            chosen.name[chosen.count++] = all.name[i];
    return chosen;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (isfinite(x->number) && isfinite(y->number))
        return (x->number > y->number) - (x->number < y->number);
    return strverscmp(x->text, y->text);
}

static struct place place_of(const struct run *run, const char *axis)
{
    if (axis == NULL)
        return (struct place){run->name, NAN};
    return (struct place){value_of(run, axis), number_of(run, axis)};
}

static size_t find_place(const struct summary *summary, const char *text)
{
    size_t i = 0;
    while (i < summary->places && strcmp(summary->place[i].text, text) != 0)
        i++;
    return i;
}

static void find_places(struct summary *summary, const struct history *history)
{
    summary->place = ealloc(history->runs, sizeof *summary->place);
    summary->numeric = summary->axis != NULL;
    for (size_t r = 0; r < history->runs; r++) {
        struct place place = place_of(history->run[r], summary->axis);
        if (find_place(summary, place.text) == summary->places)
            summary->place[summary->places++] = place;
        summary->numeric &= isfinite(place.number) != 0;
    }
    if (summary->axis)
        qsort(summary->place, summary->places, sizeof *summary->place, compare_places);
    double low = summary->places ? summary->place[0].number : NAN;
    double high = summary->places ? summary->place[summary->places - 1].number : NAN;
    summary->logarithmic = summary->numeric && low > 0 && high / low >= 20;
}

/* "learning-rate 0.05, psaug flip 0": what sets a series apart; "" when nothing does. */
static char *series_name(const struct run *run, const struct varying *options)
{
    char text[512] = "";
    for (size_t i = 1; i < options->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "", options->name[i],
                 value_of(run, options->name[i]));
    }
    return ecopy(text);
}

static size_t series_of(struct summary *summary, const struct run *run,
                        const struct varying *options)
{
    char *name = series_name(run, options);
    for (size_t i = 0; i < summary->serieses; i++)
        if (strcmp(summary->series[i], name) == 0) {
            free(name);
            return i;
        }
    summary->series = egrow(summary->series, summary->serieses + 1, sizeof *summary->series);
    summary->series[summary->serieses] = name;
    return summary->serieses++;
}

static void add_run(struct summary *summary, const struct run *run, const struct varying *options)
{
    size_t place = find_place(summary, place_of(run, summary->axis).text);
    size_t series = series_of(summary, run, options), i = 0;
    while (i < summary->groups &&
           (summary->group[i].place != place || summary->group[i].series != series))
        i++;
    if (i == summary->groups) {
        summary->group = egrow(summary->group, summary->groups + 1, sizeof *summary->group);
        summary->group[summary->groups++] = (struct group){.place = place, .series = series};
    }
    struct group *group = &summary->group[i];
    group->run = egrow(group->run, group->runs + 1, sizeof *group->run);
    group->run[group->runs++] = run;
}

double summary_accuracy(const struct run *run)
{
    return curve_diverged(run) > 0 ? NAN : curve_final(run).mean;
}

static void measure(struct group *group)
{
    double sum = 0, squares = 0;
    group->low = INFINITY;
    group->high = -INFINITY;
    for (size_t i = 0; i < group->runs; i++) {
        double accuracy = summary_accuracy(group->run[i]);
        if (isnan(accuracy))
            continue;
        sum += accuracy;
        group->low = fmin(group->low, accuracy);
        group->high = fmax(group->high, accuracy);
        group->counted++;
    }
    group->mean = group->counted ? sum / (double)group->counted : NAN;
    for (size_t i = 0; i < group->runs; i++) {
        double accuracy = summary_accuracy(group->run[i]);
        if (!isnan(accuracy))
            squares += (accuracy - group->mean) * (accuracy - group->mean);
    }
    group->deviation = group->counted > 1 ? sqrt(squares / (double)(group->counted - 1)) : NAN;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Whether the runs of each group differ in their seeds: then the group is one thing, repeated. */
static int is_repeated(const struct summary *summary)
{
    int several = 0;
    for (size_t g = 0; g < summary->groups; g++) {
        const struct group *group = &summary->group[g];
        several |= group->runs > 1;
        for (size_t i = 0; i < group->runs; i++)
            for (size_t j = 0; j < i; j++) {
                const struct settings *a = &group->run[i]->settings, *b = &group->run[j]->settings;
                int differ = 0;
                for (size_t k = 0; k < a->count; k++)
                    if (setting_is_seed(a->setting[k].name)) {
                        const struct setting *other = settings_find(b, a->setting[k].name);
                        differ |= other && strcmp(other->value, a->setting[k].value) != 0;
                    }
                if (!differ)
                    return 0;
            }
    }
    return several;
}

void summary_make(struct summary *summary, const struct history *history)
{
    struct varying options = choose(history);
    *summary = (struct summary){.axis = options.name[0]};
    find_places(summary, history);
    for (size_t r = 0; r < history->runs; r++) {
        const struct run *run = history->run[r];
        summary->without += run->validation.count == 0;
        summary->diverged += run->validation.count > 0 && curve_diverged(run) > 0;
        add_run(summary, run, &options);
    }
    for (size_t g = 0; g < summary->groups; g++)
        measure(&summary->group[g]);
    if (summary->groups > 0)
        qsort(summary->group, summary->groups, sizeof *summary->group, compare_groups);
    summary->repeated = is_repeated(summary);
}

void summary_free(struct summary *summary)
{
    for (size_t g = 0; g < summary->groups; g++)
        free(summary->group[g].run);
    for (size_t i = 0; i < summary->serieses; i++)
        free(summary->series[i]);
    free(summary->group);
    free(summary->series);
    free(summary->place);
}
