/* The runs and the scores that inputs told of. Every view asks here.
 *
 * Law: the history owns all that it holds; history_free() ends it.
 */
#ifndef PSWEEP_HISTORY_H
#define PSWEEP_HISTORY_H

#include "rank.h"
#include "score.h"

struct history {
    enum rank_rule rank; /* what runs are judged by */
    uint64_t epochs;     /* that runs are asked for whose records do not tell; 0: not known */
    const struct settings *coming; /* [to_come] options of runs that are yet to come, borrowed */
    size_t to_come;
    int programs;     /* what is told is for programs: no text is cut */
    int images;       /* an input was refused, for it is a stream of images */
    struct run **run; /* [runs] */
    size_t runs;
    int named;            /* since runs came or went last, names were given */
    struct score **score; /* [scores] */
    size_t scores;
    struct run **model; /* [models] that headers of scores tell of */
    size_t models;
};

/* A new run of the input of this path (stem: NULL for standard input), which lend their texts. */
struct run *history_add_run(struct history *history, const char *path, const char *stem,
                            int ordinal);

/* The run of that path which a record of the progress channel names; a new one where there is none.
 * Trainers report in any order; their runs stand in that of their names. */
struct run *history_named_run(struct history *history, const char *path, const char *stem,
                              const struct record *record);

/* The models that a header of scores has upstream: what tells them apart. */
void history_add_models(struct history *history, const struct record *header);

/* A score; of those models the first one of its stream has this place. -1 with a sentence. */
int history_add_score(struct history *history, const struct record *record,
                      const struct classes *classes, size_t first_model);

/* Takes back the runs of an input, when its file is to be read again. */
void history_forget(struct history *history, const char *path);

/* Whether all scores have a confusion matrix; pseval makes none of very many classes. -1 with a
 * sentence. */
int history_check_confusion(const struct history *history);

void history_free(struct history *history);

#endif
