/* What the runs are called in charts and tables. */
#ifndef PSPLOT_HISTORY_NAME_H
#define PSPLOT_HISTORY_NAME_H

#include "runs/history.h"

/* Gives every run the shortest name that tells it from the others: the name of its file
 * ("net3"), its place or depth in a joined stream ("depth 3"), with the seed or the folder where
 * those are the same. A run of a joined stream, and one whose file has the name of a point of a
 * sweep, which ends in a digest, gets for its title what it differs in from the others, as far as
 * that tells them apart: "depth 3, learning rate 0.05". Call it when all is read, and before each
 * frame. */
void history_name(struct history *history);

/* The titles alone, of runs that have their names. */
void history_entitle(struct history *history);

/* The models of all scores, in their order, as runs of a history of their own, for what they differ
 * in: its list is freed with free(). No runs where some model is not known. */
struct history history_models(const struct history *history);

#endif
