/* The bytes of an archive, from the first to the last: of a file, an object of S3, or a web page.
 *
 * From a network, what is cut short, stalls or is refused for the moment is asked for again, as far
 * as it has come, up to access.attempts times without 64 KiB of progress; the server's ETag,
 * Last-Modified and length must then be the same still. Where it gives none of the three, and where
 * at the end the MD5 is not the ETag that says one, all must be read again from the start:
 * blob_check().
 */
#ifndef PSWEEP_BLOB_H
#define PSWEEP_BLOB_H

#include "cancellation.h"
#include "credentials/credentials.h"

#include <stdint.h>
#include <sys/types.h>

struct blob;

/* Whether name begins with s3://, https:// or http://. */
int blob_is_url(const char *name);
/* A URL without what may be secret in it, a question mark and all behind: for messages and headers.
 * Free it. */
char *blob_show(const char *url);

/* Whether a URL that is not S3's may be asked for: plain http is for servers on this machine, with
 * no one in between. 0, or -1 with a sentence. */
int blob_check_page(const char *url);

/* name: a path, s3://bucket/key, or https://…; http://… only for this machine itself, by the name
 * localhost or a number. NULL with a sentence. */
struct blob *blob_open(const char *name, const struct access_options *access,
                       const struct cancellation *cancellation);
void blob_close(struct blob *blob); /* NULL is allowed */

/* The next bytes, in *block until the next call: how many; 0 at the end; -1 with a sentence. */
ssize_t blob_read(struct blob *blob, const void **block);
/* Passes over at most size bytes without reading: how many; 0 where that cannot be done. */
int64_t blob_skip(struct blob *blob, int64_t size);
/* The file that it is, for those who come back to a part of it; -1: it is none. */
int blob_file(const struct blob *blob);
/* Nothing is read in order any more: gives the memory back that this took. */
void blob_rest(struct blob *blob);

/* When all was read, or, with failed, when what was read made no sense: 0: it is what the server
 * has; 1: it was damaged on the way, and is now at its start again; -1 with a sentence: it is
 * damaged and was tried often enough. why() is kept when it returns 0. */
int blob_check(struct blob *blob, int failed);

#endif
