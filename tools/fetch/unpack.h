/* The bytes that a supply brings, unpacked: gzip, zstd, xz and bzip2, told by their first bytes;
 * anything else comes as it is.
 *
 * What the packing has of sums is checked, and that its end is there, for those who read to the
 * end: gzip by zlib, since libarchive passes over its sum, the others by libarchive. (zstd may have
 * none: the program writes one, and so does shard.c; libarchive does not.)
 */
#ifndef PSWEEP_UNPACK_H
#define PSWEEP_UNPACK_H

#include "supply.h"

struct unpack;

/* supply, and its name for sentences, are borrowed until unpack_close(). NULL with a sentence. */
struct unpack *unpack_open(struct supply *supply, const char *name);
void unpack_close(struct unpack *unpack); /* NULL is allowed */

/* As supply.h has them; unpack_file(): -1 also for what is packed. */
ssize_t unpack_read(struct unpack *unpack, const void **block);
int64_t unpack_skip(struct unpack *unpack, int64_t size);
int unpack_file(const struct unpack *unpack);

/* How many bytes, packed as they are, were read or passed over. */
uint64_t unpack_came(const struct unpack *unpack);

#endif
