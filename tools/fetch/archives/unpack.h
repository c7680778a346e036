/* The bytes of a blob, unpacked where they are packed: by gzip, zstd, xz or bzip2, told by their
 * first bytes; else as they are.
 *
 * The sums of what is packed are checked, as far as there are any, and that its end is there: gzip
 * by zlib, since libarchive passes over its sum, the others by libarchive. (zstd may have none: the
 * program writes one, and so does shard.c; libarchive does not.)
 *
 * A few bytes can be packed that become very many, for which nobody has room. Images' files, which
 * are packed already, hardly shrink; blank pixels without packing do, a hundredfold. So what is
 * packed may become UNPACK_MOST times its size, beyond the first UNPACK_FREE bytes. */
#ifndef PSWEEP_UNPACK_H
#define PSWEEP_UNPACK_H

#include "archives/blob.h"

enum { UNPACK_FREE = 256 << 20, UNPACK_MOST = 256 };

struct unpack;

/* blob, and its name for sentences, are borrowed until unpack_close(). NULL with a sentence. */
struct unpack *unpack_open(struct blob *blob, const char *name);
void unpack_close(struct unpack *unpack); /* NULL is allowed */

/* The next bytes, in *block until the next call: how many; 0 at the end; -1 with a sentence, whose
 * status is DAMAGED when what is packed is damaged. */
ssize_t unpack_read(struct unpack *unpack, const void **block);
/* Passes over at most size bytes: how many; 0 where that cannot be done without reading. */
int64_t unpack_skip(struct unpack *unpack, int64_t size);
/* The file that the bytes lie in as they are, or -1. */
int unpack_file(const struct unpack *unpack);
/* How many bytes of the blob, packed as they are, were read or passed over. */
uint64_t unpack_came(const struct unpack *unpack);
/* 0 while so many bytes may have been made of those; -1 with a sentence. */
int unpack_check(const struct unpack *unpack, uint64_t made);

#endif
