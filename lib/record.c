#include "record.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    FIRST_BUFFER = 1 << 20,
    MOST_DEPTH = 16,
    MOST_ELEMENTS = 1 << 20,
    MOST_BYTES = 1 << 30, /* FORMAT.md, Limits */
};

struct reader {
    int fd;
    int how;
    char *name;

    /* Bytes [start, end) of buffer have been read and not yet been taken. The buffer grows only
     * when it is full, to twice its size: a length that lies takes no more memory than what really
     * arrived. */
    uint8_t *buffer;
    size_t start, end, size;

    /* Where we are in the present stream of possibly several joined ones. */
    int inside;       /* between header and end */
    int sealed;       /* records of a progress channel have seals: -1 no, 0 none came, 1 yes */
    uint64_t records; /* of this stream so far */
    XXH3_state_t *digest;

    uint64_t all_records, all_bytes;
    int64_t file_begin; /* where the input stood at first; -1: cannot be sought */
    size_t last;        /* size of the last record */
    msgpack_zone *zone;
    const volatile sig_atomic_t *stop; /* NULL: signals do not matter */
    int failed; /* a damaged stream stays damaged: every later call says the same */
};

struct reader *record_open(int fd, const char *name, int how)
{
    struct reader *reader = ealloc(1, sizeof *reader);
    reader->fd = fd;
    reader->how = how;
    reader->name = ecopy(name);
    reader->file_begin = lseek(fd, 0, SEEK_CUR);
    reader->size = FIRST_BUFFER;
    reader->buffer = egrow(NULL, reader->size, 1);
    reader->digest = XXH3_createState();
    reader->zone = msgpack_zone_new(8192);
    if (reader->digest == NULL || reader->zone == NULL)
        die(FAILED, "out of memory: a stream reader");
    /* A larger pipe means fewer switches between the programs; a system that refuses loses only
     * speed. */
    (void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
    return reader;
}

void record_close(struct reader *reader)
{
    if (reader == NULL)
        return;
    XXH3_freeState(reader->digest);
    msgpack_zone_free(reader->zone);
    free(reader->buffer);
    free(reader->name);
    free(reader);
}

void record_stop_on(struct reader *reader, const volatile sig_atomic_t *stop)
{
    reader->stop = stop;
}

uint64_t record_count(const struct reader *reader)
{
    return reader->all_records;
}

uint64_t record_bytes(const struct reader *reader)
{
    return reader->all_bytes;
}

int64_t record_place(const struct reader *reader)
{
    if (reader->file_begin < 0)
        return -1;
    return reader->file_begin + (int64_t)(reader->all_bytes - reader->last);
}

const char *record_name(const struct reader *reader)
{
    return reader->name;
}

/* Reads more behind what is there: the number of bytes, 0 at the end of the file, -1, or -2 for not
 * yet. */
static ssize_t fill(struct reader *reader)
{
    if (reader->start == reader->end)
        reader->start = reader->end = 0;
    if (reader->end == reader->size && reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    if (reader->end == reader->size) {
        reader->size *= 2;
        reader->buffer = egrow(reader->buffer, reader->size, 1);
    }
    for (int interrupted = 0;; interrupted = errno == EINTR) {
        if (interrupted && reader->stop && *reader->stop)
            return -2;
        ssize_t got = read(reader->fd, reader->buffer + reader->end, reader->size - reader->end);
        if (got >= 0) {
            reader->end += (size_t)got;
            return got;
        }
        if ((errno == EAGAIN || errno == EWOULDBLOCK) && reader->how & READ_FOLLOW)
            return -2;
        /* Somebody else made the input non-blocking: whoever does not follow it waits all the same.
         */
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            poll(&(struct pollfd){.fd = reader->fd, .events = POLLIN}, 1, -1);
        else if (errno != EINTR)
            return fail("cannot read %s: %s", reader->name, strerror(errno));
    }
}

/* What the end of the input means here. */
static int at_end(struct reader *reader)
{
    if (reader->how & READ_FOLLOW)
        return RECORD_WAIT;
    unsigned long long records = reader->all_records;
    if (reader->start < reader->end)
        return fail_as(DAMAGED,
                       "%s ends in the middle of record %llu, without an end record: "
                       "the program before it failed",
                       reader->name, records + 1);
    if (reader->how & READ_BARE)
        return RECORD_NONE;
    if (reader->all_records == 0)
        return fail_as(DAMAGED, "%s is empty: the program before it failed", reader->name);
    if (reader->inside)
        return fail_as(DAMAGED,
                       "%s ends after %llu record%s without an end record: "
                       "the program before it failed",
                       reader->name, records, plural(records));
    return RECORD_NONE;
}

static const struct {
    const char *name;
    enum record_type type;
} known_type[] = {
    {"image", RECORD_IMAGE},
    {"view", RECORD_VIEW},
    {"progress", RECORD_PROGRESS},
    {"epoch", RECORD_EPOCH},
    {"validation", RECORD_VALIDATION},
    {"checkpoint", RECORD_CHECKPOINT},
    {"model", RECORD_MODEL},
    {"score", RECORD_SCORE},
    {"done", RECORD_DONE},
    {"header", RECORD_HEADER},
    {"end", RECORD_END},
};

static enum record_type type_of(const msgpack_object *type)
{
    for (size_t i = 0; i < sizeof known_type / sizeof known_type[0]; i++)
        if (object_is(type, known_type[i].name))
            return known_type[i].type;
    return RECORD_UNKNOWN;
}

int record_parse(const uint8_t *bytes, size_t size, msgpack_zone *zone, struct record *record)
{
    size_t offset = 0;
    record->bytes = bytes;
    record->size = size;
    msgpack_zone_clear(zone);
    msgpack_unpack_return got =
        msgpack_unpack((const char *)bytes, size, &offset, zone, &record->map);
    if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        die(FAILED, "out of memory: a record of %zu byte%s", size, plural(size));
    if (got != MSGPACK_UNPACK_SUCCESS && got != MSGPACK_UNPACK_EXTRA_BYTES)
        return fail_as(DAMAGED, "a record is not msgpack");
    if (record->map.type != MSGPACK_OBJECT_MAP)
        return fail_as(DAMAGED, "a record is not a map");
    const msgpack_object *type = record_field(record, "type");
    if (type == NULL || type->type != MSGPACK_OBJECT_STR)
        return fail_as(DAMAGED, "a record has no type");
    record->type = type_of(type);
    return 0;
}

/* The last eight bytes of a checkpoint, or a record of the progress channel, are the digest of
 * those before them. */
static int verify_seal(const struct reader *reader, const struct record *record)
{
    enum { SEAL = 8 };
    uint64_t seal;
    if (record_uint(record, "seal", UINT64_MAX, &seal) < 0)
        return -1;
    if (record->size < SEAL || seal != XXH3_64bits(record->bytes, record->size - SEAL))
        return fail_as(DAMAGED, "%s is damaged: record %llu does not match its seal", reader->name,
                       (unsigned long long)reader->all_records + 1);
    return 0;
}

/* The count and digest that epoch, checkpoint and end records carry, against our own. */
static int verify(struct reader *reader, const struct record *record)
{
    uint64_t records, digest;
    if (record_uint(record, "records", UINT64_MAX, &records) < 0 ||
        record_uint(record, "digest", UINT64_MAX, &digest) < 0)
        return -1;
    if (records != reader->records)
        return fail_as(DAMAGED, "%s is damaged: %llu record%s came where %llu had been written",
                       reader->name, (unsigned long long)reader->records, plural(reader->records),
                       (unsigned long long)records);
    if (digest != XXH3_64bits_digest(reader->digest))
        return fail_as(DAMAGED,
                       "%s is damaged: what comes before record %llu differs from the digest in it",
                       reader->name, (unsigned long long)records + 1);
    return record->type == RECORD_CHECKPOINT ? verify_seal(reader, record) : 0;
}

static int begin_stream(struct reader *reader, const struct record *record)
{
    if (record->type != RECORD_HEADER)
        return fail_as(DAMAGED, "%s is not a psweep stream: it does not begin with a header",
                       reader->name);
    uint64_t version;
    if (record_uint(record, "version", UINT64_MAX, &version) < 0)
        return -1;
    if (version != 1)
        return fail_as(DAMAGED, "%s has version %llu of the format; this program reads version 1",
                       reader->name, (unsigned long long)version);
    reader->inside = 1;
    reader->records = 0;
    XXH3_64bits_reset(reader->digest);
    return 0;
}

static int is_of_channel(const struct record *record)
{
    const msgpack_object *name = record_field(record, "name");
    return (record->type == RECORD_PROGRESS || record->type == RECORD_VALIDATION ||
            record->type == RECORD_DONE) &&
           name && name->type == MSGPACK_OBJECT_STR;
}

/* Records of the progress channel stand for themselves, and either all of them have seals or none.
 */
static int verify_bare(struct reader *reader, const struct record *record)
{
    int sealed = record_field(record, "seal") ? 1 : -1;
    unsigned long long number = reader->all_records + 1;
    if (!is_of_channel(record))
        return fail_as(DAMAGED, "%s is damaged: record %llu is not one of a progress channel",
                       reader->name, number);
    if (reader->sealed && sealed != reader->sealed)
        return fail_as(DAMAGED, "%s is damaged: record %llu has %s seal, unlike those before it",
                       reader->name, number, sealed > 0 ? "a" : "no");
    reader->sealed = sealed;
    return sealed > 0 ? verify_seal(reader, record) : 0;
}

int record_is_bare(const uint8_t *bytes, size_t size)
{
    struct record record;
    int64_t span = record_span(bytes, size);
    msgpack_zone zone;
    if (span <= 0)
        return 0;
    if (!msgpack_zone_init(&zone, 8192))
        die(FAILED, "out of memory: a record");
    int bare = record_parse(bytes, (size_t)span, &zone, &record) == 0 && is_of_channel(&record);
    msgpack_zone_destroy(&zone);
    return bare;
}

int record_unproven(const struct reader *reader)
{
    return reader->sealed < 0;
}

/* Keeps count, digest and place in the stream, and refuses what does not fit. */
static int account(struct reader *reader, const struct record *record)
{
    if (reader->how & READ_BARE)
        return verify_bare(reader, record);
    if (!reader->inside) {
        if (begin_stream(reader, record) < 0)
            return -1;
    } else if (record->type == RECORD_HEADER) {
        return fail_as(DAMAGED,
                       "%s has another header after %llu record%s, with no end record before it: "
                       "a stream that was cut short has been joined to another",
                       reader->name, (unsigned long long)reader->all_records,
                       plural(reader->all_records));
    } else if (record->type == RECORD_END || record->type == RECORD_EPOCH ||
               record->type == RECORD_CHECKPOINT) {
        if (verify(reader, record) < 0)
            return -1;
    }
    if (record->type == RECORD_END) {
        reader->inside = 0;
        return 0;
    }
    reader->records++;
    XXH3_64bits_update(reader->digest, record->bytes, record->size);
    return 0;
}

int record_next(struct reader *reader, struct record *record)
{
    if (reader->failed)
        return -1;
    int64_t span;
    while ((span = reader->start == reader->end ? 0
                                                : record_span(reader->buffer + reader->start,
                                                              reader->end - reader->start)) == 0) {
        ssize_t got = fill(reader);
        if (got == -2)
            return RECORD_WAIT;
        int state = got < 0 ? -1 : got == 0 ? at_end(reader) : RECORD_READ;
        if (state < 0)
            reader->failed = 1;
        if (state != RECORD_READ)
            return state;
    }
    if (span < 0 ||
        record_parse(reader->buffer + reader->start, (size_t)span, reader->zone, record) < 0) {
        reader->failed = 1;
        if (reader->all_records == 0)
            return fail_as(DAMAGED,
                           "%s is not a psweep stream: %s (psfetch makes one of images, pstrain "
                           "one of a network)",
                           reader->name, why());
        return fail_as(DAMAGED, "%s is damaged at record %llu: %s", reader->name,
                       (unsigned long long)reader->all_records + 1, why());
    }
    if (account(reader, record) < 0) {
        reader->failed = 1;
        return -1;
    }
    reader->start += (size_t)span;
    reader->all_records++;
    reader->all_bytes += (uint64_t)span;
    reader->last = (size_t)span;
    return RECORD_READ;
}

int record_check_kind(const struct reader *reader, const struct record *header, const char *wanted)
{
    char kind[32], list[128];
    if (record_text(header, "kind", kind, sizeof kind) < 0)
        return -1;
    snprintf(list, sizeof list, "%s", wanted);
    for (char *save, *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save))
        if (strcmp(word, kind) == 0)
            return 0;
    snprintf(list, sizeof list, "%s", wanted);
    char *space = strrchr(list, ' ');
    return fail("%s is a stream of kind %s; one of kind %.*s%s%s is wanted", reader->name, kind,
                space ? (int)(space - list) : (int)strlen(list), list, space ? " or " : "",
                space ? space + 1 : "");
}

int record_header(struct reader *reader, const char *wanted, struct record *record)
{
    int got = record_next(reader, record);
    if (got != RECORD_READ)
        return got < 0 ? -1 : fail("%s has no header yet", reader->name);
    return record_check_kind(reader, record, wanted);
}

/* Where a msgpack object ends is found by walking its heads: no memory, bounded depth and counts.
 */

/* One head: how many bytes it takes itself, how many raw bytes follow it, and how many objects. */
struct head {
    size_t size;
    uint64_t raw, objects;
};

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    while (count--)
        value = value << 8 | *bytes++;
    return value;
}

/* The heads 0xc0 … 0xdf, as in the msgpack specification: width bytes of a length follow the first
 * byte; the length counts what kind says; fixed raw bytes follow besides. */
static const struct {
    uint8_t width;
    char kind; /* 0: plain value, r: raw bytes, a: array, m: map, x: never used */
    uint8_t fixed;
} table[32] = {
    {0, 0, 0},   {0, 'x', 0}, {0, 0, 0},   {0, 0, 0},   {1, 'r', 0}, {2, 'r', 0}, {4, 'r', 0},
    {1, 'r', 1}, {2, 'r', 1}, {4, 'r', 1}, {0, 0, 4},   {0, 0, 8},   {0, 0, 1},   {0, 0, 2},
    {0, 0, 4},   {0, 0, 8},   {0, 0, 1},   {0, 0, 2},   {0, 0, 4},   {0, 0, 8},   {0, 0, 2},
    {0, 0, 3},   {0, 0, 5},   {0, 0, 9},   {0, 0, 17},  {1, 'r', 0}, {2, 'r', 0}, {4, 'r', 0},
    {2, 'a', 0}, {4, 'a', 0}, {2, 'm', 0}, {4, 'm', 0},
};

/* 1 when the head is read, 0 when bytes are missing, -1 when there is no such head. */
static int read_head(const uint8_t *bytes, size_t size, struct head *head)
{
    if (size == 0)
        return 0;
    uint8_t first = bytes[0];
    *head = (struct head){.size = 1};
    if (first < 0x80 || first >= 0xe0)
        return 1;
    if (first < 0xc0) {
        if (first < 0x90)
            head->objects = 2 * (first & 0x0fu);
        else if (first < 0xa0)
            head->objects = first & 0x0fu;
        else
            head->raw = first & 0x1fu;
        return 1;
    }
    size_t width = table[first - 0xc0].width;
    char kind = table[first - 0xc0].kind;
    if (kind == 'x')
        return -1;
    if (size < 1 + width)
        return 0;
    uint64_t length = big_endian(bytes + 1, width);
    head->size = 1 + width;
    head->raw = table[first - 0xc0].fixed + (kind == 'r' ? length : 0);
    head->objects = kind == 'a' ? length : kind == 'm' ? 2 * length : 0;
    return 1;
}

int64_t record_span(const uint8_t *bytes, size_t size)
{
    uint64_t left[MOST_DEPTH + 1] = {1}; /* objects still to come at each depth */
    unsigned depth = 0;
    uint64_t place = 0, elements = 0;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0)
                return (int64_t)place;
            depth--;
        }
        struct head head;
        if (place >= size)
            return 0;
        int got = read_head(bytes + place, size - place, &head);
        if (got < 0)
            return fail_as(DAMAGED, "no msgpack object begins with byte 0x%02x", bytes[place]);
        if (got == 0)
            return 0;
        left[depth]--;
        place += head.size + head.raw;
        elements += head.objects;
        if (elements > MOST_ELEMENTS)
            return fail_as(DAMAGED, "it has more than %d elements", MOST_ELEMENTS);
        if (place > MOST_BYTES)
            return fail_as(DAMAGED, "it is larger than %d bytes", MOST_BYTES);
        if (head.objects > 0) {
            if (depth == MOST_DEPTH)
                return fail_as(DAMAGED, "it is nested deeper than %d", MOST_DEPTH);
            left[++depth] = head.objects;
        }
        if (place > size)
            return 0;
    }
}

/* Fields of a record: by name, with their type and range looked at. */

int object_is(const msgpack_object *object, const char *text)
{
    size_t size = strlen(text);
    return object && object->type == MSGPACK_OBJECT_STR && object->via.str.size == size &&
           memcmp(object->via.str.ptr, text, size) == 0;
}

const msgpack_object *map_field(const msgpack_object *map, const char *key)
{
    if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (object_is(&map->via.map.ptr[i].key, key))
            return &map->via.map.ptr[i].val;
    return NULL;
}

uint64_t map_uint(const msgpack_object *map, const char *key, uint64_t absent)
{
    const msgpack_object *field = map_field(map, key);
    return field && field->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? field->via.u64 : absent;
}

int map_true(const msgpack_object *map, const char *key)
{
    const msgpack_object *field = map_field(map, key);
    return field && field->type == MSGPACK_OBJECT_BOOLEAN && field->via.boolean;
}

const msgpack_object *record_field(const struct record *record, const char *key)
{
    return map_field(&record->map, key);
}

/* "a record of type image has no label" and the like; always -1. */
static int wrong(const struct record *record, const char *key, const char *what)
{
    const msgpack_object *type = record_field(record, "type");
    return fail_as(DAMAGED, "a record of type %.*s %s %s", (int)type->via.str.size,
                   type->via.str.ptr, what, key);
}

int record_uint(const struct record *record, const char *key, uint64_t most, uint64_t *value)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return wrong(record, key, "should have a whole number as its");
    if (field->via.u64 > most)
        return wrong(record, key, "has too large a number as its");
    *value = field->via.u64;
    return 0;
}

int real_of(const msgpack_object *object, double *value)
{
    if (object->type == MSGPACK_OBJECT_FLOAT64 || object->type == MSGPACK_OBJECT_FLOAT32)
        *value = object->via.f64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        *value = (double)object->via.u64;
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *value = (double)object->via.i64;
    else
        return -1;
    return 0;
}

int record_real(const struct record *record, const char *key, double *value)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    return real_of(field, value) < 0 ? wrong(record, key, "should have a number as its") : 0;
}

int record_text(const struct record *record, const char *key, char *buffer, size_t size)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_STR)
        return wrong(record, key, "should have a text as its");
    if (field->via.str.size >= size || memchr(field->via.str.ptr, 0, field->via.str.size))
        return wrong(record, key, "has too long a text (or a zero byte in it) as its");
    memcpy(buffer, field->via.str.ptr, field->via.str.size);
    buffer[field->via.str.size] = 0;
    return 0;
}

int record_bin(const struct record *record, const char *key, const uint8_t **bytes, size_t *size)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_BIN)
        return wrong(record, key, "should have bytes as its");
    *bytes = (const uint8_t *)field->via.bin.ptr;
    *size = field->via.bin.size;
    return 0;
}
