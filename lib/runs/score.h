/* A score: how a model did on a set of images, and what its confusion matrix says in sums. */
#ifndef PSWEEP_RUNS_SCORE_H
#define PSWEEP_RUNS_SCORE_H

#include "classes.h"
#include "run.h"

struct score {
    char *name;           /* of the model's file */
    char *split;          /* "test" */
    char *tta;            /* the views whose mean it is of (pseval --tta); NULL: none */
    struct run *model;    /* its options and names, and nothing else of it; NULL: not known */
    char *network;        /* the text of its stages; NULL: none */
    int64_t depth, epoch; /* -1: not known */
    uint64_t images;
    double loss, accuracy;
    uint32_t classes;
    char **class_name;   /* [classes] clean (label.h) */
    uint64_t *confusion; /* [true class][predicted class]; NULL: too many classes for one */
};

/* Reads one from its record, with the classes of the header. -1 with a sentence, after which it is
 * to be freed all the same. */
int score_read(struct score *score, const struct record *record, const struct classes *classes);
void score_free(struct score *score);

static inline uint64_t confusion_count(const struct score *score, uint32_t truth,
                                       uint32_t predicted)
{
    return score->confusion[(size_t)truth * score->classes + predicted];
}

/* The images of a class: its support. */
uint64_t confusion_support(const struct score *score, uint32_t truth);
/* The fraction right among the images of a class (its row): recall. NAN without images. */
double confusion_recall(const struct score *score, uint32_t truth);
/* The fraction right among what was predicted to be of a class (its column): precision. NAN
 * likewise. */
double confusion_precision(const struct score *score, uint32_t predicted);
/* The largest count on the diagonal (1), or off it (0). */
uint64_t confusion_most(const struct score *score, int right);
/* The class that images of this one were most often taken for, or -1 when all were right. */
int64_t confusion_rival(const struct score *score, uint32_t truth);

/* The classes by falling recall, those without images last: [classes], to be freed. */
uint32_t *confusion_order(const struct score *score);

#endif
