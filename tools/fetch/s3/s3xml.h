/* The two XML documents of S3 that matter here: a page of a listing, and an error. */
#ifndef PSWEEP_S3XML_H
#define PSWEEP_S3XML_H

#include "text.h"

#include <stdint.h>

enum { S3_MAX_KEY = 1024 /* bytes, by Amazon's rules */ };
#define S3_ANY_SIZE UINT64_MAX /* of an object that nobody has listed */

struct s3_object {
    char *key;     /* whole key, with the folder */
    uint64_t size; /* bytes, or S3_ANY_SIZE */
    char etag[64]; /* without quotes; "" when the listing has none or a longer one */
};

/* What a folder holds, subfolders included, in any order. Keys that end in a slash and are empty,
 * which some tools leave as marks of a folder, are left out. */
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

/* Appends the objects, and the folders of CommonPrefixes, of a ListObjectsV2 answer for a folder,
 * asked for with encoding-type=url, to listing. next becomes the token of the next
 * page, "" when this is the last. 0, or -1 with a sentence; listing stays whole. */
int s3xml_page(const uint8_t *xml, size_t size, const char *folder, struct s3_listing *listing,
               struct text *next);

/* What stands behind open, "<Code>" or "<Region>", in an error document; "" when there is none.
 * Only letters, digits and dashes are kept. */
void s3xml_error(const uint8_t *xml, size_t size, const char *open, char *value, size_t room);

#endif
