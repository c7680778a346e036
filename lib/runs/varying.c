#include "varying.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *varying_value(const struct run *run, const char *name)
{
    const struct setting *setting = settings_find(&run->settings, name);
    return setting ? setting->value : "none";
}

double varying_number(const struct run *run, const char *name)
{
    const struct setting *setting = settings_find(&run->settings, name);
    return setting ? setting->number : NAN;
}

int varying_same(const struct run *a, const struct run *b, const struct varying *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(varying_value(a, options->name[i]), varying_value(b, options->name[i])) != 0)
            return 0;
    return 1;
}

/* Among the runs that are yet to come, as far as their options are spelt out. */
static int will_vary(const struct history *history, const char *name)
{
    for (size_t i = 1; i < history->to_come; i++) {
        const struct setting *first = settings_find(&history->coming[0], name),
                             *other = settings_find(&history->coming[i], name);
        if (strcmp(first ? first->value : "", other ? other->value : "") != 0)
            return 1;
    }
    return 0;
}

static int varies(const struct history *history, const char *name)
{
    const char *first = varying_value(history->run[0], name);
    for (size_t r = 1; r < history->runs; r++)
        if (strcmp(varying_value(history->run[r], name), first) != 0)
            return 1;
    return will_vary(history, name);
}

enum turn { TURN_DEPTH, TURN_OTHERS, TURN_SEEDS, TURN_NEVER };

static enum turn turn_of(const char *name)
{
    size_t length = strlen(name);
    return strcmp(name, "depth") == 0                              ? TURN_DEPTH
           : strcmp(name, "checkpoint every") == 0                 ? TURN_NEVER
           : length >= 4 && strcmp(name + length - 4, "seed") == 0 ? TURN_SEEDS
                                                                   : TURN_OTHERS;
}

/* What an earlier run tells of too was looked at with that. */
static int is_told_before(const struct history *history, size_t run, const char *name)
{
    for (size_t r = 0; r < run; r++)
        if (settings_find(&history->run[r]->settings, name))
            return 1;
    return 0;
}

struct varying varying_find(const struct history *history, int with_seeds)
{
    struct varying found = {.count = 0};
    for (enum turn turn = TURN_DEPTH; turn <= (with_seeds ? TURN_SEEDS : TURN_OTHERS); turn++)
        for (size_t r = 0; r < history->runs; r++)
            for (size_t i = 0; i < history->run[r]->settings.count; i++) {
                const char *name = history->run[r]->settings.setting[i].name;
                if (found.count < VARYING_MOST && turn_of(name) == turn &&
                    !is_told_before(history, r, name) && varies(history, name))
                    found.name[found.count++] = name;
            }
    return found;
}

static int follows(const struct history *history, const struct varying *chosen, const char *name)
{
    for (size_t i = 0; i < history->runs; i++)
        for (size_t j = 0; j < i; j++)
            if (varying_same(history->run[i], history->run[j], chosen) &&
                strcmp(varying_value(history->run[i], name),
                       varying_value(history->run[j], name)) != 0)
                return 0;
    return 1;
}

struct varying varying_reduce(const struct history *history, const struct varying *all)
{
    struct varying chosen = {.count = 0};
    for (size_t i = 0; i < all->count; i++)
        if (chosen.count == 0 || will_vary(history, all->name[i]) ||
            !follows(history, &chosen, all->name[i]))
            chosen.name[chosen.count++] = all->name[i];
    return chosen;
}

char *varying_words(const struct run *run, const struct varying *options, size_t first)
{
    char *words = NULL;
    size_t size;
    FILE *out = open_memstream(&words, &size);
    for (size_t i = first; out && i < options->count; i++)
        fprintf(out, "%s%s %s", i > first ? ", " : "", options->name[i],
                varying_value(run, options->name[i]));
    if (out == NULL || fclose(out) != 0)
        die(FAILED, "out of memory: the name of a run");
    return words;
}

char *varying_brief(const struct run *run, const struct varying *options)
{
    char *words = NULL;
    const char *between = "";
    size_t size;
    FILE *out = open_memstream(&words, &size);
    for (int others = 0; out && others < 2; others++)
        for (size_t i = 0; i < options->count; i++) {
            const char *name = options->name[i], *word = strrchr(name, ' ');
            int is_depth = strcmp(name, "depth") == 0, is_seed = strcmp(name, "seed") == 0;
            if ((is_depth || is_seed) == others)
                continue;
            fprintf(out, "%s%s%s%s", others && between[0] ? ", " : between,
                    is_depth  ? "d"
                    : is_seed ? "s"
                    : word    ? word + 1
                              : name,
                    others ? " " : "", varying_value(run, name));
            between = "-";
        }
    if (out == NULL || fclose(out) != 0)
        die(FAILED, "out of memory: the name of a run");
    return words;
}
