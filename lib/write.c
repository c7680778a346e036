#include "write.h"

#include "message.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { FLUSH_AT = 1 << 18, DEEPEST = 16 /* FORMAT.md, Limits */ };

/* A map or an array that is being filled: where its head stands, and what it holds so far. */
struct open_container {
    size_t head;
    int is_map;
    uint32_t count;
};

struct writer {
    int fd; /* -1: in memory */
    char *name;
    uint8_t *buffer;
    size_t used, size;
    size_t hashed; /* bytes of buffer that the digest has seen: all but an unfinished record */
    size_t begun;  /* where in buffer the last record begins, and its size once it has ended */
    size_t last;
    struct open_container open[DEEPEST];
    int depth; /* how many of them are; a record that began with ready bytes has a head already */
    uint64_t records;
    XXH3_state_t *digest;
    msgpack_packer packer;
    int error; /* errno of the first write that failed, 0 while all is well */
};

static int append(void *data, const char *bytes, size_t size)
{
    struct writer *writer = data;
    if (writer->size - writer->used < size) {
        while (writer->size - writer->used < size)
            writer->size *= 2;
        writer->buffer = egrow(writer->buffer, writer->size, 1);
    }
    memcpy(writer->buffer + writer->used, bytes, size);
    writer->used += size;
    return 0;
}

struct writer *write_open(int fd, const char *name)
{
    struct writer *writer = ealloc(1, sizeof *writer);
    writer->fd = fd;
    writer->name = ecopy(name);
    writer->size = 2 * FLUSH_AT;
    writer->buffer = egrow(NULL, writer->size, 1);
    writer->digest = XXH3_createState();
    if (writer->digest == NULL)
        die(FAILED, "out of memory: a stream writer");
    XXH3_64bits_reset(writer->digest);
    msgpack_packer_init(&writer->packer, writer, append);
    /* A larger pipe means fewer switches between the programs; a system that refuses loses only
     * speed. */
    if (fd >= 0)
        (void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
    return writer;
}

void write_close(struct writer *writer)
{
    if (writer == NULL)
        return;
    XXH3_freeState(writer->digest);
    free(writer->buffer);
    free(writer->name);
    free(writer);
}

static int report(const struct writer *writer)
{
    if (writer->error == EPIPE)
        return fail("%s was closed by its reader", writer->name);
    if (writer->error == EMSGSIZE)
        return fail("a record for %s would be larger than any reader accepts (FORMAT.md, Limits)",
                    writer->name);
    return fail("cannot write %s: %s", writer->name, strerror(writer->error));
}

int write_reader_gone(const struct writer *writer)
{
    return writer->error == EPIPE;
}

/* Everything up to used belongs to finished records when this is called. */
static void hash_new(struct writer *writer)
{
    XXH3_64bits_update(writer->digest, writer->buffer + writer->hashed,
                       writer->used - writer->hashed);
    writer->hashed = writer->used;
}

int write_flush(struct writer *writer)
{
    if (writer->error)
        return report(writer);
    if (writer->fd < 0)
        return 0;
    hash_new(writer);
    size_t done = 0;
    while (done < writer->used) {
        ssize_t put = write(writer->fd, writer->buffer + done, writer->used - done);
        if (put >= 0) {
            done += (size_t)put;
        } else if (errno != EINTR) {
            writer->error = errno;
            return report(writer);
        }
    }
    writer->used = writer->hashed = 0;
    return 0;
}

int write_look(struct writer *writer)
{
    struct pollfd out = {.fd = writer->fd}; /* errors are reported unasked */
    if (writer->error == 0 && poll(&out, 1, 0) > 0 && out.revents & (POLLERR | POLLHUP))
        writer->error = EPIPE;
    return writer->error ? report(writer) : 0;
}

/* A head of one byte is left room for; most maps and arrays need no more. */
static void open_container(struct writer *writer, int is_map)
{
    if (writer->depth == DEEPEST)
        die(FAILED, "%s: a record is nested deeper than %d", writer->name, DEEPEST);
    writer->open[writer->depth++] = (struct open_container){writer->used, is_map, 0};
    append(writer, "", 1);
}

/* One value more in the array, or key and value in the map, that is open. */
static void count(struct writer *writer, uint32_t values)
{
    if (writer->depth > 0)
        writer->open[writer->depth - 1].count += values;
}

/* The head of what is open as msgpack has it: the shortest that holds the count. */
static void put_head(struct writer *writer)
{
    const struct open_container *open = &writer->open[writer->depth - 1];
    uint8_t head[5];
    size_t size = 1;
    if (open->count < 16) {
        head[0] = (uint8_t)((open->is_map ? 0x80 : 0x90) | open->count);
    } else {
        size = open->count <= UINT16_MAX ? 3 : 5;
        head[0] = (uint8_t)((open->is_map ? 0xde : 0xdc) + (size == 5));
        for (size_t i = 1; i < size; i++)
            head[i] = (uint8_t)(open->count >> 8 * (size - 1 - i));
        append(writer, (const char *)head, size - 1); /* room; what it holds is moved over */
        memmove(writer->buffer + open->head + size, writer->buffer + open->head + 1,
                writer->used - open->head - size);
    }
    memcpy(writer->buffer + open->head, head, size);
}

void pack_close(struct writer *writer)
{
    put_head(writer);
    writer->depth--;
}

static void begin(struct writer *writer)
{
    if (writer->fd < 0)
        writer->used = writer->hashed = writer->records = 0;
    writer->begun = writer->used;
    writer->depth = 0;
}

void write_begin(struct writer *writer, const char *type)
{
    begin(writer);
    open_container(writer, 1);
    pack_text(writer, "type", type);
}

/* An element takes a byte at least, so a small record has not too many and need not be walked; but
 * a header, which holds those before it, may be nested too deep. */
static int is_readable(const struct writer *writer)
{
    enum { SMALL = 1 << 20 };
    size_t size = writer->used - writer->begun;
    return (size <= SMALL && writer->records > 0) ||
           record_span(writer->buffer + writer->begun, size) == (int64_t)size;
}

int write_end(struct writer *writer)
{
    while (writer->depth > 0)
        pack_close(writer);
    if (!is_readable(writer)) {
        writer->used = writer->begun;
        writer->error = writer->error ? writer->error : EMSGSIZE;
        return report(writer);
    }
    writer->last = writer->used - writer->begun;
    writer->records++;
    if (writer->used >= FLUSH_AT)
        return write_flush(writer);
    return writer->error ? report(writer) : 0;
}

void write_header(struct writer *writer, const char *kind)
{
    char tool[64];
    snprintf(tool, sizeof tool, "%s %s", program, PSWEEP_VERSION);
    write_begin(writer, "header");
    pack_uint(writer, "version", 1);
    pack_text(writer, "kind", kind);
    pack_text(writer, "tool", tool);
}

void write_begin_with(struct writer *writer, const uint8_t *bytes, size_t size)
{
    begin(writer);
    append(writer, (const char *)bytes, size);
}

int write_record(struct writer *writer, const uint8_t *bytes, size_t size)
{
    write_begin_with(writer, bytes, size);
    return write_end(writer);
}

int write_object(struct writer *writer, const msgpack_object *object)
{
    begin(writer);
    msgpack_pack_object(&writer->packer, *object);
    return write_end(writer);
}

const uint8_t *write_last(const struct writer *writer, size_t *size)
{
    *size = writer->last;
    return writer->buffer + writer->begun;
}

/* A text without being counted: what follows it is. */
static void pack_string(struct writer *writer, const char *text, size_t size)
{
    msgpack_pack_str(&writer->packer, size);
    msgpack_pack_str_body(&writer->packer, text, size);
}

/* Counts a value, or a key and its value; an element of an array has none. */
static void pack_key(struct writer *writer, const char *key)
{
    count(writer, 1);
    if (key)
        pack_string(writer, key, strlen(key));
}

/* A whole number in its 8-byte form, so that the end record has one length. */
static void append_wide(struct writer *writer, uint64_t value)
{
    char wide[8];
    for (int i = 0; i < 8; i++)
        wide[i] = (char)(value >> (56 - 8 * i));
    append(writer, wide, sizeof wide);
}

static void pack_wide(struct writer *writer, const char *key, uint64_t value)
{
    pack_key(writer, key);
    append(writer, "\xcf", 1);
    append_wide(writer, value);
}

static int put_end(struct writer *writer)
{
    struct position position = write_position(writer);
    write_begin(writer, "end");
    pack_position(writer, position);
    pack_close(writer);
    return write_flush(writer);
}

int write_join(struct writer *writer)
{
    int result = put_end(writer);
    writer->records = 0;
    XXH3_64bits_reset(writer->digest);
    return result;
}

int write_finish(struct writer *writer)
{
    if (put_end(writer) < 0)
        return -1;
    if (close(writer->fd) < 0) {
        writer->error = errno;
        return report(writer);
    }
    return 0;
}

struct position write_position(struct writer *writer)
{
    hash_new(writer);
    return (struct position){writer->records, XXH3_64bits_digest(writer->digest)};
}

void pack_position(struct writer *writer, struct position position)
{
    pack_wide(writer, "records", position.records);
    pack_wide(writer, "digest", position.digest);
}

void pack_seal(struct writer *writer)
{
    pack_key(writer, "seal");
    while (writer->depth > 0)
        pack_close(writer);
    append(writer, "\xcf", 1);
    append_wide(writer, XXH3_64bits(writer->buffer + writer->begun, writer->used - writer->begun));
}

void pack_uint(struct writer *writer, const char *key, uint64_t value)
{
    pack_key(writer, key);
    msgpack_pack_uint64(&writer->packer, value);
}

void pack_real(struct writer *writer, const char *key, double value)
{
    pack_key(writer, key);
    msgpack_pack_double(&writer->packer, value);
}

void pack_bool(struct writer *writer, const char *key, int value)
{
    pack_key(writer, key);
    value ? msgpack_pack_true(&writer->packer) : msgpack_pack_false(&writer->packer);
}

void pack_text(struct writer *writer, const char *key, const char *value)
{
    pack_text_sized(writer, key, value, strlen(value));
}

void pack_text_sized(struct writer *writer, const char *key, const char *value, size_t size)
{
    pack_key(writer, key);
    pack_string(writer, value, size);
}

void pack_bin(struct writer *writer, const char *key, const void *bytes, size_t size)
{
    pack_key(writer, key);
    msgpack_pack_bin(&writer->packer, size);
    msgpack_pack_bin_body(&writer->packer, bytes, size);
}

void pack_reals(struct writer *writer, const char *key, const double *values, uint32_t count)
{
    pack_array(writer, key);
    for (uint32_t i = 0; i < count; i++)
        pack_real(writer, NULL, values[i]);
    pack_close(writer);
}

void pack_texts(struct writer *writer, const char *key, char *const *values, uint32_t count)
{
    pack_array(writer, key);
    for (uint32_t i = 0; i < count; i++)
        pack_text(writer, NULL, values[i]);
    pack_close(writer);
}

void pack_map(struct writer *writer, const char *key)
{
    pack_key(writer, key);
    open_container(writer, 1);
}

void pack_array(struct writer *writer, const char *key)
{
    pack_key(writer, key);
    open_container(writer, 0);
}

void pack_nil(struct writer *writer, const char *key)
{
    pack_key(writer, key);
    msgpack_pack_nil(&writer->packer);
}

void pack_pair(struct writer *writer, const msgpack_object_kv *pair)
{
    count(writer, 1);
    msgpack_pack_object(&writer->packer, pair->key);
    msgpack_pack_object(&writer->packer, pair->val);
}

void pack_raw(struct writer *writer, const void *bytes, size_t size, uint32_t values)
{
    count(writer, values);
    append(writer, bytes, size);
}
