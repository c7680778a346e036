#include "confusion.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double part(uint64_t some, uint64_t all)
{
    return all ? (double)some / (double)all : NAN;
}

int confusion_check(const struct history *history)
{
    for (size_t i = 0; i < history->scores; i++)
        if (history->score[i]->confusion == NULL)
            return fail("the score of %s has no confusion matrix, for it has %u classes",
                        history->score[i]->name, history->score[i]->classes);
    return 0;
}

void confusion_title(const struct score *score, char *text, size_t size)
{
    snprintf(text, size, "%s, %s: %.2f %% of %llu images right", score->title, score->split,
             100 * score->accuracy, (unsigned long long)score->images);
}

uint64_t confusion_images(const struct score *score, uint32_t truth)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        all += confusion_count(score, truth, i);
    return all;
}

double confusion_recall(const struct score *score, uint32_t truth)
{
    return part(confusion_count(score, truth, truth), confusion_images(score, truth));
}

double confusion_precision(const struct score *score, uint32_t predicted)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        all += confusion_count(score, i, predicted);
    return part(confusion_count(score, predicted, predicted), all);
}

static uint64_t most(const struct score *score, int on_diagonal)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        for (uint32_t j = 0; j < score->classes; j++)
            if ((i == j) == on_diagonal && confusion_count(score, i, j) > most)
                most = confusion_count(score, i, j);
    return most;
}

uint64_t confusion_most_right(const struct score *score)
{
    return most(score, 1);
}

uint64_t confusion_most_wrong(const struct score *score)
{
    return most(score, 0);
}

int64_t confusion_rival(const struct score *score, uint32_t truth)
{
    int64_t rival = -1;
    uint64_t count = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        if (i != truth && confusion_count(score, truth, i) > count) {
            count = confusion_count(score, truth, i);
            rival = i;
        }
    return rival;
}

static const struct score *sorted; /* qsort() passes no more than the two */
static int by_recall(const void *a, const void *b)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    double x = confusion_recall(sorted, i), y = confusion_recall(sorted, j);
    x = isnan(x) ? -1 : x;
    y = isnan(y) ? -1 : y;
    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

void confusion_order(const struct score *score, uint32_t *order)
{
    for (uint32_t i = 0; i < score->classes; i++)
        order[i] = i;
    sorted = score;
    qsort(order, score->classes, sizeof *order, by_recall);
}
