#include "set.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum where { IN_MEMORY, IN_INPUT, IN_SPOOL };

/* Memory is taken in blocks of this size, as it is needed. */
enum { BLOCK = 16 << 20 };

/* Where an image's record is. */
struct member {
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
    struct member *member;
    uint64_t *id;

    uint64_t *limit;
    void **block; /* [blocks] */
    size_t blocks;
    uint8_t *free; /* what is left of the last one */
    size_t free_size;

    int input;        /* read again where it is a file */
    int spool;        /* a file of our own where it is not; -1 until it is needed */
    uint64_t spooled; /* its size */

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
    set->spool = -1;
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
    if (set->spool >= 0)
        close(set->spool);
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

static int open_spool(struct set *set)
{
    const char *directory = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/psaug-XXXXXX", directory && *directory ? directory : "/tmp");
    set->spool = mkostemp(path, O_CLOEXEC);
    if (set->spool < 0)
        return fail("cannot make a spool file %s: %s", path, strerror(errno));
    unlink(path);
    explain("the images need more than --memory: the rest is spooled to a file");
    return 0;
}

static int spool(struct set *set, const uint8_t *bytes, size_t size)
{
    if (set->spool < 0 && open_spool(set) < 0)
        return -1;
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(set->spool, bytes + done, size - done, (off_t)(set->spooled + done));
        if (put < 0 && errno != EINTR)
            return fail("cannot write the spool file: %s", strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    set->spooled += size;
    return 0;
}

int set_add(struct set *set, const struct image *image, const struct record *record, int64_t place)
{
    if (set->count == set->room) {
        set->room = set->room ? 2 * set->room : 4096;
        set->member = egrow(set->member, set->room, sizeof *set->member);
        set->id = egrow(set->id, set->room, sizeof *set->id);
    }
    struct member *member = &set->member[set->count];
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
        member->place = set->spooled;
        if (spool(set, record->bytes, record->size) < 0)
            return -1;
    }
    set->id[set->count++] = image->id;
    return 0;
}

/* The record's bytes from the file, into the set's own buffer. */
static int read_again(struct set *set, const struct member *member)
{
    if (set->again_size < member->size) {
        set->again_size = member->size;
        set->again = egrow(set->again, set->again_size, 1);
    }
    int file = member->where == IN_SPOOL ? set->spool : set->input;
    for (size_t done = 0; done < member->size;) {
        ssize_t got =
            pread(file, set->again + done, member->size - done, (off_t)(member->place + done));
        if (got == 0)
            return fail_as(DAMAGED, "the input became shorter while it was read again");
        if (got < 0 && errno != EINTR)
            return fail("cannot read images again: %s", strerror(errno));
        done += got > 0 ? (size_t)got : 0;
    }
    if (XXH3_64bits(set->again, member->size) != member->digest)
        return fail_as(DAMAGED, "the input changed while it was read again");
    return 0;
}

struct image set_outline(const struct set *set, size_t place)
{
    const struct member *member = &set->member[place];
    return (struct image){.id = set->id[place], .height = member->height, .width = member->width};
}

int set_image(struct set *set, size_t place, struct image *image)
{
    const struct member *member = &set->member[place];
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
