#include "set.h"

#include "message.h"
#include "spool.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum where { IN_MEMORY, IN_INPUT, IN_SPOOL };

/* Memory is taken in blocks of this size, as it is needed. */
enum { BLOCK = 16 << 20 };

/* Where an image's record is. */
struct set_member {
    union {
        uint8_t *bytes; /* IN_MEMORY */
        uint64_t place; /* in the file */
    };
    uint32_t size, height, width; /* of the record; of the image */
    enum where where;
    uint64_t digest; /* XXH3 of the record, against an input that changes meanwhile */
};

struct set {
    size_t count, room;
    struct set_member *member;
    uint64_t *id;

    uint64_t *limit;
    void **block; /* [blocks] */
    size_t blocks;
    uint8_t *free; /* what is left of the last one */
    size_t free_size;

    int input;          /* read again where it is a file */
    struct spool spool; /* a file of our own where it is not */

    uint8_t *again; /* a record read back from the file */
    size_t again_size;
    msgpack_zone *zone;
};

struct set *set_open(uint64_t *limit, int input)
{
    struct set *set = ealloc(1, sizeof *set);
    set->limit = limit;
    set->zone = msgpack_zone_new(8192);
    if (set->zone == NULL)
        die(FAILED, "out of memory: a set of images");
    set->input = input;
    set->spool = SPOOL_NEW;
    return set;
}

void set_close(struct set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->blocks; i++)
        free(set->block[i]);
    free(set->block);
    msgpack_zone_free(set->zone);
    spool_close(&set->spool);
    free(set->again);
    free(set->member);
    free(set->id);
    free(set);
}

/* Memory for a record, or NULL when the limit is reached. */
static uint8_t *take(struct set *set, size_t size)
{
    if (size > *set->limit)
        return NULL;
    if (size > set->free_size) {
        size_t room = size > BLOCK ? size : BLOCK;
        uint8_t *block = malloc(room);
        if (block == NULL) {
            explain("the system has no more memory, though --memory would allow it");
            *set->limit = 0;
            return NULL;
        }
        set->block = egrow(set->block, set->blocks + 1, sizeof *set->block);
        set->block[set->blocks++] = set->free = block;
        set->free_size = room;
    }
    uint8_t *taken = set->free;
    set->free += size;
    set->free_size -= size;
    *set->limit -= size;
    return taken;
}

size_t set_count(const struct set *set)
{
    return set->count;
}

const uint64_t *set_ids(const struct set *set)
{
    return set->id;
}

int set_add(struct set *set, const struct image *image, const struct record *record, int64_t place)
{
    if (set->count == set->room) {
        set->room = set->room ? 2 * set->room : 4096;
        set->member = egrow(set->member, set->room, sizeof *set->member);
        set->id = egrow(set->id, set->room, sizeof *set->id);
    }
    struct set_member *member = &set->member[set->count];
    member->size = (uint32_t)record->size;
    member->height = image->height;
    member->width = image->width;
    member->digest = XXH3_64bits(record->bytes, record->size);
    uint8_t *bytes = take(set, record->size);
    if (bytes != NULL) {
        member->where = IN_MEMORY;
        member->bytes = memcpy(bytes, record->bytes, record->size);
    } else if (place >= 0) {
        member->where = IN_INPUT;
        member->place = (uint64_t)place;
    } else {
        member->where = IN_SPOOL;
        member->place = set->spool.size;
        if (set->spool.size == 0)
            explain("the images need more than --memory: the rest is spooled to a file");
        if (spool_add(&set->spool, record->bytes, record->size) < 0)
            return -1;
    }
    set->id[set->count++] = image->id;
    return 0;
}

int set_flush(struct set *set)
{
    return set->spool.held > 0 ? spool_flush(&set->spool) : 0;
}

/* The record's bytes from the file, into the set's own buffer. */
static int read_again(struct set *set, const struct set_member *member)
{
    if (set->again_size < member->size) {
        set->again_size = member->size;
        set->again = egrow(set->again, set->again_size, 1);
    }
    int file = member->where == IN_SPOOL ? set->spool.fd : set->input;
    if (read_at(file, member->place, set->again, member->size) < 0)
        return fail_as(why_status(), "cannot read images again: %s", why());
    if (XXH3_64bits(set->again, member->size) != member->digest)
        return fail_as(DAMAGED, "the input changed while it was read again");
    return 0;
}

struct image set_outline(const struct set *set, size_t place)
{
    const struct set_member *member = &set->member[place];
    return (struct image){.id = set->id[place], .height = member->height, .width = member->width};
}

int set_image(struct set *set, size_t place, struct image *image)
{
    const struct set_member *member = &set->member[place];
    const uint8_t *bytes = member->bytes;
    struct record record;
    if (member->where != IN_MEMORY) {
        if (read_again(set, member) < 0)
            return -1;
        bytes = set->again;
    }
    if (record_parse(bytes, member->size, set->zone, &record) < 0 ||
        image_read(&record, UINT32_MAX, image) < 0)
        return fail_as(DAMAGED, "the input changed while it was read again: %s", why());
    image->id = set->id[place];
    return 0;
}
