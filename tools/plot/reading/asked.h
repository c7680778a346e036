/* The runs that sweeps' folders ask for, so that the live view can say what is still to come.
 *
 * A folder's file "points" has a line for each: its name, the epochs asked for, its options; with
 * tabs between them. A run that is done lies there as NAME.bin, one that failed has a NAME.failed.
 * What is no such line is passed over; nothing in a folder is more than a name and a number here.
 */
#ifndef PSPLOT_ASKED_H
#define PSPLOT_ASKED_H

#include "runs/history.h"

#include <time.h>

struct asked_run {
    char *name;
    const char *folder;      /* its path, borrowed */
    uint64_t epochs;         /* asked for */
    uint64_t reached;        /* by NAME.bin; 0: there is none; UINT64_MAX: all, or not read yet */
    struct timespec changed; /* NAME.bin, when it was read */
    int failed;
};

struct asked {
    struct asked_run *run;    /* [count] */
    struct settings *options; /* [count] of the runs, as far as the lines spell them out */
    size_t count;
};

/* Looks what a folder asks for and what is there; path: of the same folder; *changed: its points
 * when they were read, all zero at first. Files of runs are read to tell how far they came, not too
 * many at once. Open runs of the history that are asked for get their epochs, and the history the
 * options of all. Whether anything is other than before. */
int asked_look(struct asked *asked, int folder, const char *path, struct timespec *changed,
               struct history *history);
void asked_free(struct asked *asked);

struct asked_counts {
    size_t asked, done, running, failed; /* the others are to come */
    double left;                         /* seconds for all of them; NAN: not known */
};
struct asked_counts asked_counts(const struct asked *asked, const struct history *history);

#endif
