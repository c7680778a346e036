/* Objects of an S3 bucket: list them, and get many at once.
 *
 * A source is s3://bucket or s3://bucket/folder; the folder is a key prefix up to a slash:
 * s3://b/train holds train/cat/1.png and not train2/cat/1.png. Keys are bytes, as a rule UTF-8.
 *
 * Requests are signed here (sigv4.h) on every attempt and go out over one kept-alive connection
 * each; no redirect is followed, but the region that a server tells is taken over once, and its
 * clock. Passing troubles (connection lost or stalled for 10 s, 408, 429, 5xx, a signature that
 * came too late, a body that is short or does not match) are tried again with full jitter, up to
 * access.attempts times in all, 5 times where nobody answers (transfers.h has the bound over all).
 * The rest fails at once with a sentence that names s3://bucket/key, the server's code and the
 * request id.
 *
 * A body is handed out only when its length is Content-Length and the listed size, and, where the
 * ETag is an MD5, its MD5 is that; If-Match with the listed ETag turns an object that was replaced
 * in between into an error.
 */
#ifndef PSWEEP_S3_H
#define PSWEEP_S3_H

#include "credentials/credentials.h"
#include "cancellation.h"

#include <stddef.h>
#include <stdint.h>

enum {
    S3_CONNECTIONS = 64, /* the default of --connections */
    S3_MAX_CONNECTIONS = 512,
    S3_MAX_KEY = 1024, /* bytes, by Amazon's rules */
};

struct s3;

/* Finds credentials and endpoint; talks to nobody yet. Call from the main thread, before others
 * run. options NULL: for pages of the web, which are asked for without credentials. cancellation is
 * copied, and asked while the main thread waits for the network. On failure *s3 is NULL. */
int s3_open(struct s3 **s3, const struct access_options *options,
            const struct cancellation *cancellation);
void s3_close(struct s3 *s3); /* NULL is allowed; after all that was begun with it */

struct s3_object {
    char *key;     /* whole key, with the folder */
    uint64_t size; /* bytes */
    char etag[64]; /* without quotes; "" when the listing has none or a longer one */
};

/* What a folder holds, subfolders included, in the server's order (by bytes of the key). Keys that
 * end in a slash and are empty, which some tools leave as marks of a folder, are left out. */
struct s3_listing {
    char *bucket;
    char *folder; /* "" or "train/": every key begins with it */
    struct s3_object *object;
    size_t count;
    char **prefix; /* folders in it, whole names, where they are not listed through */
    size_t prefixes;
};

/* Appends an object, whose key becomes the listing's. */
void s3_listing_add(struct s3_listing *listing, const struct s3_object *object);

/* 1 when source is an s3:// URL. */
int s3_is_url(const char *source);

/* Takes s3://bucket/key apart: bucket and folder of an empty listing, to be freed; is_folder: a key
 * without a slash at its end gets one. 0, or -1 with a sentence and nothing to free. */
int s3_take_url(const char *url, int is_folder, struct s3_listing *listing);

/* Lists url, and where it has more than a page and folders, these at once. 0, or -1 with a
 * sentence; then nothing is to be freed. An empty listing is no error.
 */
int s3_list(struct s3 *s3, const char *url, struct s3_listing *listing);
void s3_listing_free(struct s3_listing *listing);

#endif
