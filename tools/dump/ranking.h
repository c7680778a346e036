/* Which run is the better one (rank.h), for programs that ask. */
#ifndef PSDUMP_RANKING_H
#define PSDUMP_RANKING_H

#include "runs/history.h"

/* Prints a line of column names and one for each run that can be judged as of this epoch (0: as of
 * the last), the best first, tabs between the columns; the manual says what they hold. -1 with a
 * sentence when there is none or they cannot be printed. */
int ranking_print(const struct history *history, uint64_t epoch);

#endif
