/* A sweep in figures: what its runs differ in, and how good they were.
 *
 * Runs that differ in nothing but seeds are repetitions and make one group. One option that varies
 * becomes the axis: the depth if it does, else the number with the most values, else a word. What
 * varies besides, and does not follow from the axis, tells the series apart. Runs without options
 * (of the progress channel) are groups of their own, by their names.
 *
 * Law: the summary borrows runs and texts from the history and owns its lists; summary_free() ends
 * it.
 */
#ifndef PSPLOT_SUMMARY_H
#define PSPLOT_SUMMARY_H

#include "history.h"

/* A value of the axis. */
struct place {
    const char *text;
    double number; /* NAN: a word */
};

struct group {
    size_t place, series;
    const struct run **run; /* [runs], in the history's order */
    size_t runs;
    size_t counted;         /* of these the ones that the figures are of */
    double mean, deviation; /* of their accuracies (curve_final().mean); NAN: of none, of one */
    double low, high;
};

struct summary {
    const char *axis;    /* the option's name; NULL: groups stand side by side, by name */
    int logarithmic;     /* its numbers rise by factors, not by steps */
    int numeric;         /* all places are numbers */
    struct place *place; /* [places], rising */
    size_t places;
    char **series; /* [serieses] "batch-size 64", "" if it is the only one */
    size_t serieses;
    struct group *group; /* [groups], by series and then place */
    size_t groups;
    int repeated;             /* some group has several runs, and they differ in their seeds */
    size_t without, diverged; /* runs that have no validation records; whose loss is no number */
};

void summary_make(struct summary *summary, const struct history *history);
void summary_free(struct summary *summary);

/* The accuracy of a run as it counts here, a fraction; NAN when it does not: no validation records,
 * or diverged. */
double summary_accuracy(const struct run *run);

#endif
