/* The runs and the scores that records told of. Every view asks here.
 *
 * Law: the history owns all that it holds; history_free() ends it. Names are clean UTF-8 (label.h).
 * Figures are those of run.h.
 */
#ifndef PSWEEP_HISTORY_H
#define PSWEEP_HISTORY_H

#include "image.h"
#include "rank.h"
#include "record.h"
#include "run.h"

struct score {
    char *name;           /* of the model's file */
    char *title;          /* the same, or what it differs in from the others, as of a run */
    char *split;          /* "test" */
    struct run *model;    /* its options and names, and nothing else of it; NULL: not known */
    int64_t depth, epoch; /* -1: not known */
    uint64_t images;
    double loss, accuracy;
    uint32_t classes;
    char **class_name;   /* [classes] */
    uint64_t *confusion; /* [true class][predicted class]; NULL: too many classes for one */
};

struct history {
    enum rank_rule rank; /* what runs are judged by */
    uint64_t epochs;     /* that runs are asked for whose records do not tell; 0: not known */
    const struct settings *coming; /* [to_come] options of runs that are yet to come, borrowed */
    size_t to_come;
    struct run **run; /* [runs] */
    size_t runs;
    int named;            /* since runs came or went last, names were given */
    struct score **score; /* [scores] */
    size_t scores;
    struct run **model; /* [models] that headers of scores tell of */
    size_t models;
};

/* One input's place in the history: what the next record belongs to. */
struct feed {
    char *path;      /* for people: "runs/net3.bin", "input" */
    char *stem;      /* "net3", or NULL for standard input */
    int bare;        /* the progress channel: records name their run themselves */
    int runs;        /* begun so far */
    int inside;      /* between a header and its end */
    int images;      /* its stream was refused, for it is one of images */
    struct run *run; /* the present one; NULL in a stream of scores */
    size_t model;    /* the first of those that a stream of scores is of, in the history */
    struct classes classes;
};

/* path NULL: standard input. */
struct feed *feed_open(const char *path);
void feed_free(struct feed *feed);

/* Takes one record that reader gave (the reader stands in messages). now: the time to give to
 * records that carry none, NAN where they are not followed live. Unknown types and fields are
 * ignored. -1 with a sentence. */
int history_take(struct history *history, struct feed *feed, const struct reader *reader,
                 const struct record *record, double now);

/* Marks the feed's present run as one that ends without an end. */
void history_lose(struct feed *feed);

/* Takes back what the feed gave, when its file is to be read again. */
void history_forget(struct history *history, struct feed *feed);

void history_free(struct history *history);

#endif
