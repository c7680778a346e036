/* Drawing live: growing files, pipes and the progress channel, until all that was seen has ended.
 *
 * On a terminal the panels are drawn in place, at most ten times a second; elsewhere there is one
 * line a run and epoch. It ends when no writer holds a pipe open any more, every stream has its end
 * record and every run of the progress channel has said that it is done. Runs that have not,
 * although their writers are gone, are given two seconds and then held for dead. A file that does
 * not exist yet is waited for.
 *
 * Of a folder the runs are followed that are made in it: its files *.part, those that are there and
 * those that come. A run gets another name when it has ended; the file stays the same and is read
 * on. What a sweep asks for there is looked at too (asked.h). Whoever works in a folder holds a
 * lock on it (flock(1)): when nobody does, no more will come.
 */
#ifndef PSPLOT_FOLLOW_H
#define PSPLOT_FOLLOW_H

#include "runs/history.h"

struct follow_options {
    const uint32_t *size; /* [2] columns and rows, or 0: those of the terminal */
    int ascii;
    const char *title;
};

/* Follows count paths (NULL: standard input). 0 when all is whole, DAMAGED when something was cut
 * short, which is named on stderr; -1 with a sentence. A signal that asks to end does so by itself,
 * after the terminal is in order again. */
int follow(char *const *path, int count, struct history *history,
           const struct follow_options *options);

#endif
