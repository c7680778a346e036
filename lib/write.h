/* Writing a stream of records (FORMAT.md) to a file descriptor, or one record to memory.
 *
 * A record is begun with its type, filled with pack_…(), and ended. The writer counts what a
 * record, a map and an array hold:
 *
 *     write_begin(w, "epoch");
 *     pack_uint(w, "epoch", 3);
 *     pack_uint(w, "images", 45000);
 *     if (write_end(w) < 0) …
 *
 * Bytes are gathered in a buffer of 256 KiB and more and written when it is full or on
 * write_flush(). Functions return 0, or -1 with a sentence. Once a write failed, all that follow
 * fail the same way.
 */
#ifndef PSWEEP_WRITE_H
#define PSWEEP_WRITE_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

struct writer;

/* Writes to fd, which stays the caller's; a pipe is enlarged to 1 MiB where the system allows. fd
 * -1 writes nowhere: write_last() gives the record that was ended last, and the next one takes its
 * place. name stands in messages ("output"). Never fails. */
struct writer *write_open(int fd, const char *name);
void write_close(struct writer *writer); /* frees; writes nothing. NULL is allowed */

void write_begin(struct writer *writer, const char *type);
/* Ends the record, and maps and arrays that are open; flushes when the buffer is full. A record
 * that no reader would take fails. */
int write_end(struct writer *writer);
/* Begins the header record: version, kind and tool are filled in. */
void write_header(struct writer *writer, const char *kind);
/* Begins a record with bytes that were read, whose end follows (pack_position(), pack_seal()). */
void write_begin_with(struct writer *writer, const uint8_t *bytes, size_t size);
/* A whole record as it was read (a filter passing on what it does not know). */
int write_record(struct writer *writer, const uint8_t *bytes, size_t size);
/* A whole record as it was taken apart. */
int write_object(struct writer *writer, const msgpack_object *object);
/* The bytes of the record that was ended last; borrowed until the next one is begun. */
const uint8_t *write_last(const struct writer *writer, size_t *size);
int write_flush(struct writer *writer);
/* For one who waits with nothing to write: fails when the reader of our pipe has closed it. */
int write_look(struct writer *writer);
/* The end record alone: the header of another stream follows, which readers take for joined. */
int write_join(struct writer *writer);
/* The end record, flush, and close of the fd with its errors looked at (a full disk shows here). */
int write_finish(struct writer *writer);

/* Whether the failure was that the reader of our pipe has closed it. */
int write_reader_gone(const struct writer *writer);

/* The two figures that epoch and checkpoint records carry. Ask for them before write_begin(), then
 * pack them: the fields "records" and "digest". */
struct position {
    uint64_t records, digest;
};
struct position write_position(struct writer *writer);
void pack_position(struct writer *writer, struct position position);
/* The last field of a checkpoint: the digest of the record itself. */
void pack_seal(struct writer *writer);

/* One field each: key and value; with NULL for the key an element of an array. */
void pack_uint(struct writer *writer, const char *key, uint64_t value);
void pack_real(struct writer *writer, const char *key, double value);
void pack_bool(struct writer *writer, const char *key, int value);
void pack_text(struct writer *writer, const char *key, const char *value);
void pack_bin(struct writer *writer, const char *key, const void *bytes, size_t size);
/* A text that does not end with 0. */
void pack_text_sized(struct writer *writer, const char *key, const char *value, size_t size);
void pack_reals(struct writer *writer, const char *key, const double *values, uint32_t count);
void pack_texts(struct writer *writer, const char *key, char *const *values, uint32_t count);
void pack_nil(struct writer *writer, const char *key);
/* A field, or an element, whose value follows: a map or an array, which pack_close() ends. */
void pack_map(struct writer *writer, const char *key);
void pack_array(struct writer *writer, const char *key);
void pack_close(struct writer *writer);
/* A field as it was read. */
void pack_pair(struct writer *writer, const msgpack_object_kv *pair);
/* So many elements of an array, or fields of a map, that are msgpack already. */
void pack_raw(struct writer *writer, const void *bytes, size_t size, uint32_t values);

#endif
