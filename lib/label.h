/* Names that came from elsewhere, made safe to show.
 *
 * Names of runs and classes are bytes that anybody may have chosen: folder names, options. On a
 * terminal a control character could do more than be seen, and cairo refuses what is no UTF-8. So
 * every name is cleaned once, where it is read, and all views may print it as it is.
 */
#ifndef PSWEEP_LABEL_H
#define PSWEEP_LABEL_H

#include <stddef.h>
#include <stdint.h>

/* A copy as valid UTF-8 without control characters; what was neither is a question mark. Free it.
 */
char *label_clean(const char *bytes, size_t size);

/* The same of a name for people to see, of which no more than some LABEL_MOST bytes are kept: of a
 * longer one the beginning and the end, for names are often told apart by these. */
enum { LABEL_MOST = 600 };
char *label_name(const char *bytes, size_t size);

/* A file's name for people, cleaned: without folders and suffix, "runs/net3.bin" is "net3". Free
 * it. */
char *label_stem(const char *path);

/* Takes the next character of clean text: its code point and the columns it fills in a terminal (0
 * to 2). 0 at the end of the text. */
int label_next(const char **text, uint32_t *code, int *columns);

/* The columns that clean text fills in a terminal. */
int label_columns(const char *text);

/* Whether a character fills two columns. */
int label_wide(uint32_t code);

/* Writes a code point as UTF-8: the number of bytes. */
int label_encode(uint32_t code, char bytes[4]);

#endif
