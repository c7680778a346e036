/* Figures and lines computed from a run's samples, the same for every view. */
#ifndef PSPLOT_CURVE_H
#define PSPLOT_CURVE_H

#include "runs/history.h"

/* Means over the last fifty mini-batches. */
struct mean curve_recent(const struct run *run);

/* The iteration at which the loss stopped being a number, or 0. */
double curve_diverged(const struct run *run);

/* A line to draw: count pairs, NAN where there is a gap. Free it with line_free(). */
struct line {
    double *x, *y; /* [count] */
    size_t count;
};
struct line line_make(size_t room); /* of no pairs yet, with room for so many */
void line_free(struct line *line);

enum curve_field { CURVE_LOSS, CURVE_ACCURACY, CURVE_RATE }; /* accuracy comes in percent */
enum curve_form {
    CURVE_RAW,    /* as recorded */
    CURVE_SMOOTH, /* centred mean over a fortieth of the run, fewer samples at its ends, by images
                   */
};

/* Iterations against a field; what is no finite number is left out of the means and stays a gap. */
struct line curve_line(const struct samples *samples, enum curve_field field, enum curve_form form);

/* Ends of the axes that all panels share, so that they may be compared. */
struct ranges {
    double iterations; /* the x axis goes from 0 to this */
    double epochs;     /* the same in epochs */
    double loss;       /* the loss axis goes from 0 to this */
    double rate;       /* the highest learning rate; 0: none is told */
    double low, high;  /* validation accuracy of all runs, as round fractions */
};
struct ranges curve_ranges(const struct history *history);

/* Over the last half minute for which there are times: iterations and images a second (0 images
 * where nobody tells how many are in a mini-batch), and the seconds left at that speed; NAN when
 * not known. */
struct speed {
    double iterations, images;
};
struct speed curve_speed(const struct run *run);
double curve_left(const struct run *run);

/* What state the run is in, for people: "epoch 3 of 30, stopped". */
void curve_state(const struct run *run, char *text, size_t size);
/* The same with what it is judged by, "epoch 3 of 30, best: 68.02 %"; in figure that alone, ""
 * where there is none. */
void curve_outcome(const struct run *run, enum rank_rule rule, char *text, size_t size,
                   char figure[RANK_ROOM]);
/* What its lines alone would not say, "diverged at iteration 120"; "" where there is nothing. */
void curve_remark(const struct run *run, char *text, size_t size);
/* "2 h 05 min", "3 min 20 s", "8 s"; "" when it is not known. */
void curve_duration(double seconds, char *text, size_t size);

#endif
