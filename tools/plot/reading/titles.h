/* What runs and scores are called in charts and tables. */
#ifndef PSPLOT_TITLES_H
#define PSPLOT_TITLES_H

#include "runs/history.h"

/* What psplot keeps with a run, at run->shown, once it has a title. */
struct titles {
    const char *title;   /* its name, or what it differs in from the others */
    const char *brief;   /* the title in fewer words: "d3-s0, rate 0.05" */
    uint64_t epoch_told; /* the last epoch that --follow has printed a line about */
    int end_told;        /* and whether it has told the end */
    char text[];
};

static inline const char *title_of(const struct run *run)
{
    return ((const struct titles *)run->shown)->title;
}
static inline const char *brief_of(const struct run *run)
{
    return ((const struct titles *)run->shown)->brief;
}
/* Of the network that it is the score of. */
static inline const char *title_of_score(const struct score *score)
{
    return score->model && score->model->shown ? title_of(score->model) : score->name;
}

/* Gives every run the shortest name that tells it from the others: the name of its file
 * ("net3"), its place or depth in a joined stream ("depth 3"), with the seed or the folder where
 * those are the same. A run of a joined stream, and one whose file has the name of a point of a
 * sweep, which ends in a digest, gets for its title what it differs in from the others, as far as
 * that tells them apart: "depth 3, learning rate 0.05". Call it when all is read, and before each
 * frame. */
void give_titles(struct history *history);

/* What a heading says behind that: "test: 75.00 % of 60 images right". */
void score_result(const struct score *score, char *text, size_t size);

/* The models of all scores, in their order, as runs of a history of their own, for what they differ
 * in: its list is freed with free(). No runs where some model is not known. */
struct history models_of(const struct history *history);

#endif
