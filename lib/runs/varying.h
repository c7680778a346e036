/* What runs differ in: the options whose values are not the same in all of them.
 *
 * The depth comes first, then the others as the headers have them, then folds and seeds. Where a
 * network is of a text, "network" stands for the depth, and its value is that text or "depth 3".
 * How often something is saved says nothing about what is learnt, and is none of them; neither is a
 * horizon, where all runs that have one have the same. An option of which nothing was told has the
 * value "none". What runs will differ in that are yet to come counts, as far as the history knows
 * it.
 *
 * Law: names and values are borrowed from the runs.
 */
#ifndef PSWEEP_VARYING_H
#define PSWEEP_VARYING_H

#include "history.h"

enum { VARYING_MOST = 64 };

struct varying {
    const char *name[VARYING_MOST];
    size_t count;
    size_t front, back; /* bytes there that the texts of all networks share, in whole stages */
};

struct varying varying_find(const struct history *history, int with_seeds);

/* The same without those whose values follow from the values of those before them. */
struct varying varying_reduce(const struct history *history, const struct varying *all);

const char *varying_value(const struct run *run, const char *name);
/* The same for people: of a text that is long not the stages that all have in front or behind,
 * "...256p-512p..."; texts that differ still do. Free it. */
char *varying_shown(const struct run *run, const struct varying *options, const char *name);
double varying_number(const struct run *run, const char *name); /* NAN: it is none */

/* Whether two runs agree in all of them. */
int varying_same(const struct run *a, const struct run *b, const struct varying *options);

/* "depth 2, learning rate 0.05": a run's values from the option at first on. Free it. */
char *varying_words(const struct run *run, const struct varying *options, size_t first);

/* The same where room is short: "d2-s0, rate 0.05", with depth and seed as a sweep calls them. */
char *varying_brief(const struct run *run, const struct varying *options);

#endif
