/* What a confusion matrix says in sums: the same for text and pictures. */
#ifndef PSWEEP_CONFUSION_H
#define PSWEEP_CONFUSION_H

#include "history.h"

static inline uint64_t confusion_count(const struct score *score, uint32_t truth,
                                       uint32_t predicted)
{
    return score->confusion[(size_t)truth * score->classes + predicted];
}

/* Whether all scores have a matrix; pseval makes none of very many classes. -1 with a sentence. */
int confusion_check(const struct history *history);

/* "net3, test: 75.00 % of 60 images right" */
void confusion_title(const struct score *score, char *text, size_t size);

/* The images of a class. */
uint64_t confusion_images(const struct score *score, uint32_t truth);
/* The fraction right among the images of a class (its row): recall. NAN without images. */
double confusion_recall(const struct score *score, uint32_t truth);
/* The fraction right among what was predicted to be of a class (its column): precision. NAN
 * likewise. */
double confusion_precision(const struct score *score, uint32_t predicted);
/* The largest count on the diagonal, and off it. */
uint64_t confusion_most_right(const struct score *score);
uint64_t confusion_most_wrong(const struct score *score);
/* The class that images of this one were most often taken for, or -1 when all were right. */
int64_t confusion_rival(const struct score *score, uint32_t truth);

/* The classes by falling recall, those without images last: order is [classes]. */
void confusion_order(const struct score *score, uint32_t *order);

#endif
