#include "score.h"

#include "label.h"
#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The confusion matrix; it must be classes × classes, or nil where there are too many for one. */
static int read_confusion(struct score *score, const msgpack_object *rows)
{
    uint32_t n = score->classes;
    if (rows && rows->type == MSGPACK_OBJECT_NIL)
        return 0;
    if (rows == NULL || rows->type != MSGPACK_OBJECT_ARRAY || rows->via.array.size != n)
        return fail_as(DAMAGED, "the score of %s has no confusion matrix of %u rows", score->name,
                       n);
    score->confusion = ealloc((size_t)n * n, sizeof *score->confusion);
    for (uint32_t i = 0; i < n; i++) {
        const msgpack_object *row = &rows->via.array.ptr[i];
        if (row->type != MSGPACK_OBJECT_ARRAY || row->via.array.size != n)
            return fail_as(DAMAGED, "row %u of the confusion matrix of %s does not have %u columns",
                           i + 1, score->name, n);
        for (uint32_t j = 0; j < n; j++) {
            const msgpack_object *count = &row->via.array.ptr[j];
            if (count->type != MSGPACK_OBJECT_POSITIVE_INTEGER || count->via.u64 > INT64_MAX)
                return fail_as(DAMAGED,
                               "the confusion matrix of %s holds a value that is not a count",
                               score->name);
            score->confusion[(size_t)i * n + j] = count->via.u64;
        }
    }
    return 0;
}

/* NULL: there is none. */
static char *text_of(const struct record *record, const char *key)
{
    const msgpack_object *field = record_field(record, key);
    return field && field->type == MSGPACK_OBJECT_STR
               ? label_name(field->via.str.ptr, field->via.str.size)
               : NULL;
}

int score_read(struct score *score, const struct record *record, const struct classes *classes)
{
    char *file = text_of(record, "name"), *split = text_of(record, "split");
    *score = (struct score){.name = label_stem(file ? file : "model"),
                            .split = split ? split : ecopy(""),
                            .tta = text_of(record, "tta"),
                            .network = text_of(record, "network"),
                            .depth = (int64_t)map_uint(&record->map, "depth", UINT64_MAX),
                            .epoch = (int64_t)map_uint(&record->map, "epoch", UINT64_MAX),
                            .classes = classes->count};
    free(file);
    score->class_name = ealloc(score->classes, sizeof *score->class_name);
    for (uint32_t i = 0; i < score->classes; i++)
        score->class_name[i] = label_name(classes->name[i], strlen(classes->name[i]));
    if (record_uint(record, "images", UINT64_MAX, &score->images) < 0 ||
        record_real(record, "loss", &score->loss) < 0 ||
        record_real(record, "accuracy", &score->accuracy) < 0)
        return -1;
    return read_confusion(score, record_field(record, "confusion"));
}

void score_free(struct score *score)
{
    for (uint32_t j = 0; j < score->classes; j++)
        free(score->class_name[j]);
    free(score->class_name);
    free(score->confusion);
    free(score->name);
    free(score->split);
    free(score->tta);
    free(score->network);
    free(score);
}

uint64_t confusion_support(const struct score *score, uint32_t truth)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        all += confusion_count(score, truth, i);
    return all;
}

double confusion_recall(const struct score *score, uint32_t truth)
{
    uint64_t all = confusion_support(score, truth);
    return all ? (double)confusion_count(score, truth, truth) / (double)all : NAN;
}

double confusion_precision(const struct score *score, uint32_t predicted)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        all += confusion_count(score, i, predicted);
    return all ? (double)confusion_count(score, predicted, predicted) / (double)all : NAN;
}

uint64_t confusion_most(const struct score *score, int right)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < score->classes; i++)
        for (uint32_t j = 0; j < score->classes; j++)
            if ((i == j) == right && confusion_count(score, i, j) > most)
                most = confusion_count(score, i, j);
    return most;
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

static int by_recall(const void *a, const void *b, void *score)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    double x = confusion_recall(score, i), y = confusion_recall(score, j);
    x = isnan(x) ? -1 : x;
    y = isnan(y) ? -1 : y;
    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

uint32_t *confusion_order(const struct score *score)
{
    uint32_t *order = ealloc(score->classes, sizeof *order);
    for (uint32_t i = 0; i < score->classes; i++)
        order[i] = i;
    qsort_r(order, score->classes, sizeof *order, by_recall, (void *)score);
    return order;
}
