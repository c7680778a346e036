/* A sweep in figures: what its runs differ in, and how good they were.
 *
 * Runs that differ in nothing but seeds, or folds of images, are repetitions and make one group.
 * One option that varies becomes the axis: the depth if it does, else the number with the most
 * values, else a word. What varies besides, and does not follow from the axis, tells the series
 * apart. Runs without options (of the progress channel) are groups of their own, by their names.
 *
 * Law: the summary borrows runs and texts from the history and owns its lists; summary_free() ends
 * it.
 */
#ifndef PSWEEP_SUMMARY_H
#define PSWEEP_SUMMARY_H

#include "history.h"

/* A value of the axis. */
struct axis_value {
    const char *text;
    char *shown;   /* the text for people; of a network not what all have */
    double number; /* NAN: a word */
};

struct group {
    size_t value, series;
    const struct run **run; /* [runs], in the history's order */
    size_t runs;
    size_t counted;         /* of these the ones that the figures are of */
    double mean, deviation; /* of these, as people read them (rank.h); NAN: of none, of one */
    double low, high, best; /* among them; NAN: of none */
};

struct summary {
    enum rank_rule rank;      /* which figure it is of */
    int training;             /* of the training images, for no run was validated */
    int keeps;                /* some runs keep the best of their validations */
    const char *axis;         /* the option's name; NULL: groups stand side by side, by name */
    int logarithmic;          /* its numbers rise by factors, not by steps */
    int numeric;              /* all values are numbers */
    struct axis_value *value; /* [values], rising */
    size_t values;
    char **series; /* [serieses] rising: "batch size 64", "" if it is the only one */
    size_t serieses;
    struct group *group; /* [groups], by series and then value */
    size_t groups;
    int repeated;  /* some group has several runs, and they differ in seeds or folds */
    int scattered; /* along some series other options go up and down, so it is no curve of the axis
                    */
    size_t without, diverged; /* runs that are not counted: never validated; diverged */
};

void summary_make(struct summary *summary, const struct history *history);
void summary_free(struct summary *summary);

/* What tells a group from the others: "depth 2, learning rate 0.1". Free it. */
char *summary_name(const struct summary *summary, const struct group *group);

/* The figure of a run, as people read it; NAN when it does not count. */
double summary_figure(const struct summary *summary, const struct run *run);

/* What the figures are: "Validation accuracy (%)"; with_when ", last epoch" too. */
void summary_measure(const struct summary *summary, int with_when, char *text, size_t size);

/* The ends of an axis for all figures and bars, as far as figures can be. high < low: there are
 * none. */
void summary_range(const struct summary *summary, double *low, double *high);
void summary_clip(const struct summary *summary, double *low, double *high);

#endif
