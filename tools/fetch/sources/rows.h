/* The rows of a file of comma-separated values, as RFC 4180 has them: a field that begins with a
 * quote goes to the next one that is not doubled, over commas and ends of lines. Lines end with or
 * without a carriage return; empty ones are no rows, and a mark of UTF-8 at the start is passed
 * over. All of a file that breaks this is DAMAGED. */
#ifndef PSWEEP_ROWS_H
#define PSWEEP_ROWS_H

#include "text.h"

#include <stdio.h>

enum { ROWS_MAX_BYTES = 1 << 20, ROWS_MAX_FIELDS = 1 << 12 }; /* of one row */

struct rows {
    FILE *file;
    const char *name;    /* borrowed, for sentences */
    size_t line, begins; /* from 1: the line that is read, and that on which the row begins */
    size_t fields;       /* of the row */
    struct text text;    /* of all of them, each with a zero byte behind */
    size_t *field;       /* where they begin there */
};

/* 0, or -1 with a sentence; rows_close() is due in any case. */
int rows_open(struct rows *rows, const char *path);
void rows_close(struct rows *rows);
/* The next row: 1; 0 at the end; -1 with a sentence. */
int rows_next(struct rows *rows);
/* A field of it, without quotes. */
const char *rows_field(const struct rows *rows, size_t field);

#endif
