/* Reading a stream of records (FORMAT.md) from a file descriptor.
 *
 * Law: everything in a struct record is borrowed from the reader until its next record_next();
 * nothing needs freeing but the reader. No memory is allocated per record. Functions return -1 with
 * a sentence in why(), whose status is DAMAGED when the input is cut short or breaks a promise.
 *
 * The reader checks what FORMAT.md promises: header first, known version, end record with the right
 * count and digest (also in epoch and checkpoint records), limits before memory.
 */
#ifndef PSWEEP_RECORD_H
#define PSWEEP_RECORD_H

#include <msgpack.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

enum record_type {
    RECORD_UNKNOWN,
    RECORD_HEADER,
    RECORD_IMAGE,
    RECORD_VIEW,
    RECORD_EPOCH,
    RECORD_PROGRESS,
    RECORD_VALIDATION,
    RECORD_CHECKPOINT,
    RECORD_MODEL,
    RECORD_SCORE,
    RECORD_DONE,
    RECORD_END,
};

struct record {
    enum record_type type;
    msgpack_object map;   /* always MSGPACK_OBJECT_MAP */
    const uint8_t *bytes; /* the record as it stands in the input */
    size_t size;
};

/* How record_open() treats the input; may be or-ed. */
enum {
    READ_STREAM = 0, /* header … end, one or several joined */
    READ_BARE = 1,   /* the progress channel: records without header and end, sealed each */
    READ_FOLLOW = 2, /* end of file may be a pause: record_next() returns RECORD_WAIT */
};

enum { RECORD_NONE = 0, RECORD_READ = 1, RECORD_WAIT = 2 };

struct reader;

/* Reads from fd, which stays the caller's. name stands in messages: "input", "net3.bin"; it is
 * copied. */
struct reader *record_open(int fd, const char *name, int how);
void record_close(struct reader *reader); /* NULL is allowed */

/* The next record, headers and ends included. RECORD_READ; RECORD_NONE at the end of the input,
 * after an end record; RECORD_WAIT with READ_FOLLOW when there is nothing more yet; -1. */
int record_next(struct reader *reader, struct record *record);

/* Takes the first record, which must be a header of one of the kinds in wanted ("images epochs");
 * says "input is a stream of kind run; one of kind images or epochs is wanted" otherwise. */
int record_header(struct reader *reader, const char *wanted, struct record *record);
/* Takes apart one record whose bytes the caller kept; the result borrows from them and from zone,
 * which is cleared first. */
int record_parse(const uint8_t *bytes, size_t size, msgpack_zone *zone, struct record *record);

/* Makes a read that a signal interrupts while *stop is set return RECORD_WAIT. */
void record_stop_on(struct reader *reader, const volatile sig_atomic_t *stop);

/* Whether what begins with these bytes is a progress channel: with a whole record as that has them.
 * A stream begins with another, whichever of its bits is damaged. */
int record_is_bare(const uint8_t *bytes, size_t size);
/* Whether records of a progress channel had no seals, so that nothing proves them. */
int record_unproven(const struct reader *reader);

/* The same check on a header that record_next() returned. */
int record_check_kind(const struct reader *reader, const struct record *header, const char *wanted);

/* Records and bytes taken so far, over all joined streams; for messages. */
uint64_t record_count(const struct reader *reader);
uint64_t record_bytes(const struct reader *reader);
/* Where the last record begins in the file, or -1 when the input cannot be sought. */
int64_t record_place(const struct reader *reader);
const char *record_name(const struct reader *reader);

/* A field of a record or of a map, or NULL when it is absent; no map (NULL, or another object) has
 * none. */
const msgpack_object *record_field(const struct record *record, const char *key);
const msgpack_object *map_field(const msgpack_object *map, const char *key);
/* The same of a field that may be missing, or the map itself: a whole number, else absent; whether
 * it is true. */
uint64_t map_uint(const msgpack_object *map, const char *key, uint64_t absent);
int map_true(const msgpack_object *map, const char *key);
/* Whether an object, which may be NULL, is this text. */
int object_is(const msgpack_object *object, const char *text);
/* The value of a number, whole or real; -1 for anything else. */
int real_of(const msgpack_object *object, double *value);

/* A field that must be there with the right type and in range, else -1 and a sentence that names
 * record type and field. */
int record_uint(const struct record *record, const char *key, uint64_t most, uint64_t *value);
int record_real(const struct record *record, const char *key, double *value); /* integers too */
/* Text as a string of its own (ends with 0) in buffer[size]; too long is an error. */
int record_text(const struct record *record, const char *key, char *buffer, size_t size);
/* Bytes of a bin, borrowed. */
int record_bin(const struct record *record, const char *key, const uint8_t **bytes, size_t *size);

/* The size of the msgpack object that starts at bytes, of which size are there: its size; 0 when
 * more is needed; -1 when it breaks a limit or is no msgpack. Takes no memory and reads only heads.
 */
int64_t record_span(const uint8_t *bytes, size_t size);

#endif
