/* The records of streams as rows of one table, for csv.
 *
 * The first stream decides which of three tables it is; the others must fit it. Columns are fixed,
 * the first is type, and a field that does not apply is empty:
 *
 *   runs    a row for each progress and validation record
 *   scores  for each score a row of type score, one of type class for each class and one of type
 *           cell for each cell of the confusion matrix
 *   images  a row for each image and, of a view record, for each view
 *
 * No row is kept: memory does not grow with the stream.
 */
#ifndef PSDUMP_ROWS_H
#define PSDUMP_ROWS_H

#include "csv.h"
#include "image.h"

enum table { TABLE_NONE, TABLE_RUNS, TABLE_SCORES, TABLE_IMAGES };

struct rows {
    struct csv csv;
    enum table table;
    char *name; /* of the input's runs */
    int runs;   /* headers of it so far; 0: a progress channel */
    /* What the present stream's header told. */
    uint64_t depth, seed; /* UINT64_MAX: not known */
    struct classes classes;
    uint64_t epoch; /* that training images belong to; UINT64_MAX: the stream has none */
    int views;      /* training images come once, and belong to none */
};

/* Begins with an input. name: what its run is called; a second and third that were joined to it are
 * "name 2", "name 3". bare: it is a progress channel (called input in a message), whose records
 * name their run themselves. -1 with a sentence. */
int rows_begin(struct rows *rows, const char *name, int bare, const char *input);
/* The next record of it. -1 with a sentence. */
int rows_take(struct rows *rows, const struct reader *reader, const struct record *record);
void rows_free(struct rows *rows);

#endif
