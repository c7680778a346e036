/* An image that waits, as the record it came in, for what a model says of it. */
#ifndef PSWEEP_PENDING_H
#define PSWEEP_PENDING_H

#include "image.h"

/* Starts all zero; its memory is used again for the next one. */
struct pending {
    uint8_t *bytes; /* [size], of room */
    size_t size, room;
    uint64_t id; /* what is to be written in place of the record's */
    uint32_t label;
};

void pending_take(struct pending *pending, const struct record *record, uint64_t id,
                  uint32_t label);
void pending_free(struct pending *pending);

/* Writes the image with what it is taken for: guesses of them, in place of what the record has. The
 * zone is cleared. -1 with a sentence. */
int pending_write(struct writer *writer, const struct pending *pending, const struct guess *guess,
                  uint32_t guesses, msgpack_zone *zone);

#endif
