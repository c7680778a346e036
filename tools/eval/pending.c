#include "pending.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

void pending_take(struct pending *pending, const struct record *record, uint64_t id, uint32_t label)
{
    if (pending->room < record->size) {
        pending->bytes = egrow(pending->bytes, record->size, 1);
        pending->room = record->size;
    }
    memcpy(pending->bytes, record->bytes, record->size);
    pending->size = record->size;
    pending->id = id;
    pending->label = label;
}

void pending_free(struct pending *pending)
{
    free(pending->bytes);
    *pending = (struct pending){0};
}

int pending_write(struct writer *writer, const struct pending *pending, const struct guess *guess,
                  uint32_t guesses, msgpack_zone *zone)
{
    struct record record;
    struct image image;
    if (record_parse(pending->bytes, pending->size, zone, &record) < 0 ||
        image_read(&record, UINT32_MAX, &image) < 0)
        return -1;
    image.id = pending->id;
    image.label = pending->label;
    image.guesses = guesses;
    if (guesses > 0)
        memcpy(image.guess, guess, guesses * sizeof *guess);
    return image_write(writer, &image);
}
