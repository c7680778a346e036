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
    return strcmp(name, "depth") == 0              ? TURN_DEPTH
           : strcmp(name, "checkpoint every") == 0 ? TURN_NEVER
           : setting_is_seed(name)                 ? TURN_SEEDS
                                                   : TURN_OTHERS;
}

static int has(const struct varying *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->name[i], name) == 0)
            return 1;
    return 0;
}

/* Adds those of a run. What the first run tells of too was looked at with the first. */
static void add(struct varying *found, const struct history *history, size_t r, enum turn turn)
{
    const struct settings *settings = &history->run[r]->settings;
    for (size_t i = 0; i < settings->count && found->count < VARYING_MOST; i++) {
        const char *name = settings->setting[i].name;
        if (turn_of(name) == turn && !has(found, name) &&
            (r == 0 || !settings_find(&history->run[0]->settings, name)) && varies(history, name))
            found->name[found->count++] = name;
    }
}

struct varying varying_find(const struct history *history, int with_seeds)
{
    struct varying found = {.count = 0};
    for (enum turn turn = TURN_DEPTH; turn <= (with_seeds ? TURN_SEEDS : TURN_OTHERS); turn++)
        for (size_t r = 0; r < history->runs; r++)
            add(&found, history, r, turn);
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
    size_t size = 1, used = 0;
    for (size_t i = first; i < options->count; i++)
        size += strlen(options->name[i]) + strlen(varying_value(run, options->name[i])) + 3;
    char *words = ealloc(size, 1);
    for (size_t i = first; i < options->count; i++)
        used += (size_t)snprintf(words + used, size - used, "%s%s %s", i > first ? ", " : "",
                                 options->name[i], varying_value(run, options->name[i]));
    return words;
}

char *varying_brief(const struct run *run, const struct varying *options)
{
    char *whole = varying_words(run, options, 0), *brief = ealloc(strlen(whole) + 1, 1);
    size_t size = strlen(whole) + 1, used = 0;
    free(whole);
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < options->count; i++) {
            const char *name = options->name[i], *word = strrchr(name, ' ');
            int is_depth = strcmp(name, "depth") == 0,
                in_name = is_depth || strcmp(name, "seed") == 0;
            if (in_name == others)
                continue;
            const char *between = used == 0 ? "" : in_name ? "-" : ", ";
            used += (size_t)snprintf(brief + used, size - used, "%s%s%s%s", between,
                                     is_depth  ? "d"
                                     : in_name ? "s"
                                     : word    ? word + 1
                                               : name,
                                     in_name ? "" : " ", varying_value(run, name));
        }
    return brief;
}
