/* Writes images' files as one tar archive, class/name.png, the same bytes every time: members in
 * the order given, of 1970, of nobody, readable by all. pax where a name is long or beyond ASCII.
 * What is packed has a sum of it all: gzip always, and zstd here too.
 */
#ifndef PSWEEP_SHARD_H
#define PSWEEP_SHARD_H

#include "decoding/decode.h"

struct shard;

/* path: "-" is stdout; .tar.gz, .tgz and .tar.zst compress. A file appears under its name when it
 * is whole: until then it is path.part. NULL is a sentence. */
struct shard *shard_open(const char *path);
int shard_add(struct shard *shard, const char *name, const uint8_t *bytes, size_t size);
/* Ends the archive: 0, or -1 with a sentence; then shard_close() takes the rest away. */
int shard_finish(struct shard *shard);
void shard_close(struct shard *shard);
/* Whether what failed was that the reader of stdout has closed it. */
int shard_reader_gone(const struct shard *shard);

/* The pixels as a PNG file: memory to be freed, its size in *size; NULL with a sentence. */
uint8_t *encode_png(const struct pixels *pixels, size_t *size);

#endif
