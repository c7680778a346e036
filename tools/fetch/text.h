/* A string that grows: always ends in a zero byte once something was added. Start with all zero. */
#ifndef PSWEEP_TEXT_H
#define PSWEEP_TEXT_H

#include <stddef.h>

struct text {
    char *at;
    size_t size, capacity; /* size does not count the zero byte */
};

void text_clear(struct text *text); /* makes it "", keeps the memory */
void text_bytes(struct text *text, const void *bytes, size_t size);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);
void text_wipe(struct text *text); /* overwrites it first */

/* Appends bytes[size] as URLs have them (RFC 3986): all but letters, digits, - . _ ~ and what is in
 * keep become %XX, in upper case. */
void text_encode(struct text *text, const char *bytes, size_t size, const char *keep);
#define TEXT_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Whether a string can be part of a header line or a host name: no blank, no control character,
 * nothing beyond ASCII. */
int text_is_plain(const char *text);

#endif
