/* The records of streams as rows of one table of comma-separated values (RFC 4180, but with a bare
 * line feed at its end, as Unix has it).
 *
 * The first stream decides which of three tables it is; the others must fit it. Columns are fixed,
 * the first is type, and a field that does not apply is empty:
 *
 *   runs    a row for each progress and validation record
 *   scores  for each score a row of type score, one of type class for each class and one of type
 *           cell for each cell of the confusion matrix
 *   images  a row for each image, of type guess for each further class that a model was asked for
 *           (--top), and, of a view record, for each view
 *
 * Text is quoted where it holds a comma, a quote or a line's end. Bytes that are no UTF-8, and
 * control characters but tab and line ends, become U+FFFD. A real reads back to the same bits; what
 * is no number is nan, inf or -inf, as C, Python and gnuplot read it. No row is kept: memory does
 * not grow with the stream.
 */
#ifndef PSDUMP_CSV_H
#define PSDUMP_CSV_H

#include "classes.h"

#include <stdio.h>

enum table { TABLE_NONE, TABLE_RUNS, TABLE_SCORES, TABLE_IMAGES };

struct csv {
    FILE *out;
    int fields; /* of the present line */
    enum table table;
    char *name; /* of the input's runs */
    int runs;   /* headers of it so far; 0: a progress channel */
    /* What the present stream's header told. */
    uint64_t depth, seed; /* UINT64_MAX: not known */
    char *network;        /* NULL: it is of that depth */
    struct classes classes;
    uint64_t epoch; /* that training images belong to; UINT64_MAX: the stream has none */
    int views;      /* training images come once, and belong to none */
};

/* Begins with an input. name: what its run is called; a second and third that were joined to it are
 * "name 2", "name 3". bare: it is a progress channel (called input in a message), whose records
 * name their run themselves. -1 with a sentence. */
int csv_begin(struct csv *csv, const char *name, int bare, const char *input);
/* The next record of it. -1 with a sentence. */
int csv_take(struct csv *csv, const struct reader *reader, const struct record *record);
void csv_free(struct csv *csv);

#endif
