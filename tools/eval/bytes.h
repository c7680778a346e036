/* A file that is made in memory before it is written: bytes, one behind the other. */
#ifndef PSWEEP_BYTES_H
#define PSWEEP_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* All 0 is an empty one; free(at) ends it. */
struct bytes {
    uint8_t *at; /* [size], of room */
    size_t size, room;
};

void bytes_add(struct bytes *bytes, const void *more, size_t size);
/* A whole number, little-endian in so many bytes, 8 at most. */
void bytes_number(struct bytes *bytes, uint64_t number, size_t size);
/* What printf() would write. */
void bytes_print(struct bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A JSON string of a text that is UTF-8 without controls (label.h); an array of such strings. */
void bytes_json(struct bytes *bytes, const char *text);
void bytes_json_list(struct bytes *bytes, char *const *texts, uint32_t count);

#endif
