/* A line of comma-separated values (RFC 4180, but with a bare line feed at its end, as Unix has
 * it), written field by field.
 *
 * Text is quoted where it holds a comma, a quote or a line's end. Bytes that are no UTF-8, and
 * control characters but tab and line ends, become U+FFFD. A real reads back to the same bits; what
 * is no number is nan, inf or -inf, as C, Python and gnuplot read it.
 */
#ifndef PSDUMP_CSV_H
#define PSDUMP_CSV_H

#include "record.h"

#include <stdio.h>

struct csv {
    FILE *out;
    int fields; /* of the present line */
};

void csv_none(struct csv *csv); /* an empty field */
void csv_text(struct csv *csv, const char *text);
void csv_text_sized(struct csv *csv, const char *text, size_t size);
void csv_whole(struct csv *csv, int64_t value);
void csv_count(struct csv *csv, uint64_t value); /* UINT64_MAX: not known, empty */
void csv_real(struct csv *csv, double value);
/* A field of a record, as it is: a number, text, true or false; empty when it is absent or anything
 * else. */
void csv_field(struct csv *csv, const struct record *record, const char *key);
void csv_object(struct csv *csv, const msgpack_object *object); /* the same; may be NULL */
void csv_end(struct csv *csv);

#endif
