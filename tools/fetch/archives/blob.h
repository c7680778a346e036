/* The bytes of an archive, from the first to the last: of a file, an object of S3, or a web page.
 *
 * From a network, what is cut short, stalls or is refused for the moment is asked for again, as far
 * as it has come, up to access.attempts times without 64 KiB of progress; the server's ETag,
 * Last-Modified and length must then be the same still. Where it gives none of the three, and where
 * at the end the MD5 is not the ETag that says one, all must be read again from the start:
 * supply_check().
 */
#ifndef PSWEEP_SUPPLY_H
#define PSWEEP_SUPPLY_H

#include "sources/source.h"

#include <sys/types.h>

struct supply;

/* name: a path, s3://bucket/key, or https://…; http://… only for this machine itself, by the name
 * localhost or a number. *supply is NULL on failure. */
int supply_open(struct supply **supply, const char *name, const struct source_options *options);
void supply_close(struct supply *supply); /* NULL is allowed */

/* The next bytes, in *block until the next call: how many; 0 at the end; -1 with a sentence. */
ssize_t supply_read(struct supply *supply, const void **block);
/* Passes over at most size bytes without reading: how many; 0 where that cannot be done. */
int64_t supply_skip(struct supply *supply, int64_t size);
/* The file that it is, for those who come back to a part of it; -1: it is none. */
int supply_file(const struct supply *supply);
/* Nothing is read in order any more: gives the memory back that this took. */
void supply_rest(struct supply *supply);

/* When all was read, or, with failed, when what was read made no sense: 0: it is what the server
 * has; 1: it was damaged on the way, and is now at its start again; -1 with a sentence: it is
 * damaged and was tried often enough. why() is kept when it returns 0. */
int supply_check(struct supply *supply, int failed);

#endif
