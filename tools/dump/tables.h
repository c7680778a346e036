/* What programs ask of runs and scores, as lines with tabs between their columns below a line of
 * names; the manual says what the columns hold.
 *
 * Each prints and flushes; -1 with a sentence when there is nothing to say or it cannot be printed.
 */
#ifndef PSDUMP_TABLES_H
#define PSDUMP_TABLES_H

#include "runs/history.h"

/* The runs that can be judged as of this epoch (0: as of the last), the best first (rank.h). */
int print_ranking(const struct history *history, uint64_t epoch);

/* Runs that differ in nothing but seeds, as one: the mean of their figures (summary.h). */
int print_means(const struct history *history);

/* The classes of each score, the worst found first. */
int print_classes(const struct history *history);

/* What each of count run files is worth (path NULL: standard input), for programs that decide what
 * is left to do. A file that cannot be read or is no run is a line too. */
int print_status(char *const *path, int count);

#endif
