/* What a bucket or a folder in it holds.
 *
 * A source is s3://bucket or s3://bucket/folder; the folder is a key prefix up to a slash:
 * s3://b/train holds train/cat/1.png and not train2/cat/1.png. Keys are bytes, as a rule UTF-8.
 */
#ifndef PSWEEP_LISTING_H
#define PSWEEP_LISTING_H

#include "s3/request.h"

/* Whether a source is an s3:// URL. */
int s3_is_url(const char *source);

/* Takes s3://bucket/key apart: bucket and folder of an empty listing, to be freed; is_folder: a key
 * without a slash at its end gets one. 0, or -1 with a sentence and nothing to free. */
int s3_take_url(const char *url, int is_folder, struct s3_listing *listing);

/* Lists url, and where it has more than a page and folders, these at once. 0, or -1 with a
 * sentence; then nothing is to be freed. An empty listing is no error. */
int s3_list(struct s3 *s3, const char *url, struct s3_listing *listing);
void s3_listing_free(struct s3_listing *listing);

#endif
