#include "varying.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *varying_value(const struct run *run, const char *name)
{
    const struct setting *setting = settings_find(&run->settings, name);
    if (strcmp(name, "network") == 0 && run->network)
        return run->network;
    return setting ? setting->value : "none";
}

char *varying_shown(const struct run *run, const struct varying *options, const char *name)
{
    enum { LONG = 24 };
    const char *value = varying_value(run, name);
    size_t length = strlen(value), front = options->front, back = options->back;
    if (strcmp(name, "network") != 0 || !run->by_text || length <= LONG || front + back == 0)
        return ecopy(value);
    char *shown;
    if (asprintf(&shown, "%s%.*s%s", front ? "..." : "", (int)(length - front - back),
                 value + front, back ? "..." : "") < 0)
        die(FAILED, "out of memory: the name of a network");
    return shown;
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

/* The horizon that all have who have one follows from their schedules: it is no difference. */
static int is_owned(const char *name)
{
    return strcmp(name, "horizon") == 0;
}

/* Among the runs that are yet to come, as far as their options are spelt out. */
static int will_vary(const struct history *history, const char *name)
{
    const char *first = NULL;
    for (size_t i = 0; i < history->to_come; i++) {
        const struct setting *setting = settings_find(&history->coming[i], name);
        if (is_owned(name) && !setting)
            continue;
        const char *value = setting ? setting->value : "";
        if (first && strcmp(value, first) != 0)
            return 1;
        first = value;
    }
    return 0;
}

static int varies(const struct history *history, const char *name)
{
    const char *first = NULL;
    for (size_t r = 0; r < history->runs; r++) {
        if (is_owned(name) && !settings_find(&history->run[r]->settings, name))
            continue;
        const char *value = varying_value(history->run[r], name);
        if (first && strcmp(value, first) != 0)
            return 1;
        first = value;
    }
    return will_vary(history, name);
}

enum turn { TURN_NETWORK, TURN_OTHERS, TURN_SEEDS, TURN_NEVER };

/* by_text: the network of some run is of a text. */
static enum turn turn_of(const char *name, int by_text)
{
    size_t length = strlen(name);
    const char *end = name + (length > 4 ? length - 4 : 0); /* "seed", "psaug fold" */
    return strcmp(name, "depth") == 0              ? by_text ? TURN_NEVER : TURN_NETWORK
           : strcmp(name, "network") == 0          ? TURN_NETWORK
           : strcmp(name, "checkpoint every") == 0 ? TURN_NEVER
           : strcmp(end, "seed") == 0 || strcmp(end, "fold") == 0 ? TURN_SEEDS
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

/* What the texts of networks share in front and behind, in whole stages: the first is measured
 * against the others. */
static void find_shared(const struct history *history, struct varying *found)
{
    const char *first = NULL;
    size_t front = 0, back = 0, shortest = 0;
    for (size_t r = 0; r < history->runs; r++) {
        const char *text = history->run[r]->network;
        if (!history->run[r]->by_text)
            continue;
        size_t length = strlen(text), same = 0;
        if (first == NULL) {
            first = text;
            front = back = shortest = length;
        }
        while (same < front && text[same] == first[same])
            same++;
        front = same;
        shortest = length < shortest ? length : shortest;
        for (same = 0; same < back && same < length &&
                       text[length - 1 - same] == first[strlen(first) - 1 - same];)
            same++;
        back = same;
    }
    while (front > 0 && first[front - 1] != '-')
        front--;
    back = back < shortest - front ? back : shortest - front;
    while (back > 0 && first[strlen(first) - back] != '-')
        back--;
    found->front = front;
    found->back = back;
}

struct varying varying_find(const struct history *history, int with_seeds)
{
    struct varying found = {.count = 0};
    int by_text = 0;
    for (size_t r = 0; r < history->runs; r++)
        by_text |= history->run[r]->by_text;
    if (by_text && !history->programs)
        find_shared(history, &found);
    for (enum turn turn = TURN_NETWORK; turn <= (with_seeds ? TURN_SEEDS : TURN_OTHERS); turn++)
        for (size_t r = 0; r < history->runs; r++)
            for (size_t i = 0; i < history->run[r]->settings.count; i++) {
                const char *name = history->run[r]->settings.setting[i].name;
                if (found.count < VARYING_MOST && turn_of(name, by_text) == turn &&
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
    struct varying chosen = {.front = all->front, .back = all->back};
    for (size_t i = 0; i < all->count; i++)
        if (chosen.count == 0 || will_vary(history, all->name[i]) ||
            !follows(history, &chosen, all->name[i]))
            chosen.name[chosen.count++] = all->name[i];
    return chosen;
}

/* A value with the option's name before it, but for "depth 3" of a network. */
static void print_value(FILE *out, const struct run *run, const struct varying *options,
                        const char *name, const char *word)
{
    char *shown = varying_shown(run, options, name);
    if (strcmp(name, "network") != 0 || run->by_text)
        fprintf(out, "%s ", word);
    fputs(shown, out);
    free(shown);
}

char *varying_words(const struct run *run, const struct varying *options, size_t first)
{
    char *words = NULL;
    size_t size;
    FILE *out = open_memstream(&words, &size);
    for (size_t i = first; out && i < options->count; i++) {
        fputs(i > first ? ", " : "", out);
        print_value(out, run, options, options->name[i], options->name[i]);
    }
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
            fputs(others && between[0] ? ", " : between, out);
            if (others)
                print_value(out, run, options, name, word ? word + 1 : name);
            else
                fprintf(out, "%s%s", is_depth ? "d" : "s", varying_value(run, name));
            between = "-";
        }
    if (out == NULL || fclose(out) != 0)
        die(FAILED, "out of memory: the name of a run");
    return words;
}
