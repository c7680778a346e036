/* What psplot knows: the runs and the scores that records told of. Every view asks here.
 *
 * Law: the history owns all that it holds; history_free() ends it. Names are clean UTF-8 (label.h).
 * Accuracies are fractions, 0 to 1; losses are natural logarithms. A figure that is not known is
 * NAN when it is real and 0 or -1, as stated, when it is whole.
 */
#ifndef PSPLOT_HISTORY_H
#define PSPLOT_HISTORY_H

#include "asked.h"
#include "image.h"
#include "points.h"
#include "rank.h"
#include "record.h"
#include "settings.h"

enum run_state {
    RUN_OPEN,    /* more may come */
    RUN_DONE,    /* it reached its last epoch, or a rule ended it before */
    RUN_STOPPED, /* a signal ended it before; what there is is whole */
    RUN_FAILED,  /* it said so itself */
    RUN_LOST,    /* its records end without an end */
};

struct run {
    char *name;          /* that of its file, where this has one */
    char *title;         /* the same, or what it differs in from the others, for charts */
    char *brief;         /* the title in fewer words: "d3-s0, rate 0.05" */
    char *given;         /* the name that the progress channel gave; NULL for a stream's run */
    const char *stem;    /* of the input it came from, borrowed from the feed */
    const char *path;    /* the same input in full, likewise */
    int ordinal;         /* 1, 2, … among the runs of that input */
    int64_t depth, seed; /* -1: not known */
    uint64_t batch;      /* images in a mini-batch, but for the last of an epoch; 0: not known */
    uint64_t train;      /* images in an epoch; 0: not known */
    struct settings settings;
    struct points progress; /* per iteration */
    struct points validation;
    uint64_t epoch;              /* the last that was seen */
    uint64_t epochs, iterations; /* asked for; 0: not known */
    uint64_t lost;               /* progress records that the channel had no room for */
    double heard;                /* Unix seconds: when its last record came; NAN: not known */
    uint64_t epoch_told;         /* the last epoch that --follow has printed a line about */
    int end_told;                /* and whether it has told the end */
    enum run_state state;
};

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
    struct asked asked;  /* what a folder that is followed asks for; none elsewhere */
    struct run **run;    /* [runs] */
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
    struct run *run; /* the present one; NULL in a stream of scores */
    size_t model;    /* the first of those that a stream of scores is of, in the history */
    struct classes classes;
};

/* path NULL: standard input. */
struct feed *feed_open(const char *path);
void feed_free(struct feed *feed);

/* Takes one record that reader gave (the reader stands in messages). now: the time to give to
 * records that carry none, NAN outside --follow. Unknown types and fields are ignored. -1 with a
 * sentence. */
int history_take(struct history *history, struct feed *feed, const struct reader *reader,
                 const struct record *record, double now);

/* Says how many epochs a run is to get, where its records do not. */
void history_ask(struct run *run, uint64_t epochs);

/* Marks the feed's present run as one that ends without an end. */
void history_lose(struct feed *feed);

/* Takes back what the feed gave, when its file is to be read again. */
void history_forget(struct history *history, struct feed *feed);

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

void history_free(struct history *history);
void history_free_run(struct run *run); /* one that is in no history */

#endif
