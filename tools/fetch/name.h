/* Names of files and objects are bytes; in the stream they are texts. */
#ifndef PSWEEP_NAME_H
#define PSWEEP_NAME_H

#include <stddef.h>

/* Whether it is UTF-8 as RFC 3629 has it: no longer forms than needed, no surrogates. */
int name_is_utf8(const char *name);

/* A copy of name[size], which is UTF-8, in Unicode's composed form (NFC): macOS stores an accent
 * apart from its letter, others do not, and it is the same name. Free it. */
char *name_compose(const char *name, size_t size);

/* The same for sentences: control characters and bytes that are no UTF-8 as \x1b, the rest as it
 * is, as much as a sentence can hold. Borrowed from this thread until its next call. */
const char *name_show(const char *name);

/* For qsort(): of two strings by their bytes. */
int name_order(const void *left, const void *right);

/* The first of many names, for a sentence. Starts all zero. */
enum { SOME_NAMES = 3 };
struct some_names {
    char *name[SOME_NAMES]; /* copies */
    size_t count;           /* of all */
};
void some_names_add(struct some_names *names, const char *name);
/* "a.png, b.png, c.png and 5 more", as name_show() has them. Borrowed from this thread until its
 * next call. */
const char *some_names_told(const struct some_names *names);
void some_names_free(struct some_names *names);

#endif
