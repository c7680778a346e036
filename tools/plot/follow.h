/* Drawing live: growing files, pipes and the progress channel, until all that was seen has ended.
 *
 * On a terminal the panels are drawn in place, at most ten times a second; elsewhere there is one
 * line a run and epoch. It ends when no writer holds a pipe open any more, every stream has its end
 * record and every run of the progress channel has said that it is done. Runs that have not,
 * although their writers are gone, are given two seconds and then held for dead. A file that does
 * not exist yet is waited for. Of a folder the runs are followed that are made in it (folder.h),
 * until nobody works there any more.
 */
#ifndef PSPLOT_FOLLOW_H
#define PSPLOT_FOLLOW_H

#include "runs/source.h"

struct follow_options {
    const uint32_t *size; /* [2] columns and rows, or 0: those of the terminal */
    int ascii;
    const char *title;
};

/* Follows the sources, which were opened for that, and appends those that folders bring; what was
 * cut short is then in their states. -1 with a sentence. A signal that asks to end does so by
 * itself, after the terminal is in order again. */
int follow(struct source **source, int *count, struct history *history,
           const struct follow_options *options);

#endif
