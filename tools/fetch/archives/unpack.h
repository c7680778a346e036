/* The bytes that a supply brings, unpacked: gzip, zstd, xz and bzip2, told by their first bytes;
 * anything else comes as it is.
 *
 * What the packing has of sums is checked, and that its end is there, for those who read to the
 * end: gzip by zlib, since libarchive passes over its sum, the others by libarchive. (zstd may have
 * none: the program writes one, and so does shard.c; libarchive does not.)
 *
 * A few bytes can be packed that become very many, for which nobody has room. */
#ifndef PSWEEP_UNPACK_H
#define PSWEEP_UNPACK_H

#include "archives/blob.h"

struct unpack;

/* supply, and its name for sentences, are borrowed until unpack_close(). NULL with a sentence. */
struct unpack *unpack_open(struct supply *supply, const char *name);
void unpack_close(struct unpack *unpack); /* NULL is allowed */

/* As supply.h has them; unpack_file(): -1 also for what is packed. */
ssize_t unpack_read(struct unpack *unpack, const void **block);
int64_t unpack_skip(struct unpack *unpack, int64_t size);
int unpack_file(const struct unpack *unpack);

/* 0 while so many bytes may have been made of what came: UNPACK_MOST times as many, beyond the
 * first UNPACK_FREE of them; else -1 with a sentence. unpack_read() asks this itself. Images'
 * files, which are packed already, hardly shrink; blank pixels without packing do, a hundredfold.
 */
enum { UNPACK_FREE = 256 << 20, UNPACK_MOST = 256 };
int unpack_check(const struct unpack *unpack, uint64_t made);

/* How many bytes, packed as they are, were read or passed over. */
uint64_t unpack_came(const struct unpack *unpack);

#endif
