/* The two XML documents of S3 that matter here: a page of a listing, and an error. */
#ifndef PSWEEP_S3XML_H
#define PSWEEP_S3XML_H

#include "s3/s3.h"
#include "text.h"

/* Appends the objects, and the folders of CommonPrefixes, of a ListObjectsV2 answer, asked for with
 * encoding-type=url, to listing (bucket and folder must be set). next becomes the token of the next
 * page, "" when this is the last. 0, or -1 with a sentence; listing stays whole. */
int s3xml_page(const uint8_t *xml, size_t size, struct s3_listing *listing, struct text *next);

/* The <Code> or <Region> of an error document; "" when there is none. Only letters and digits are
 * kept, and of a region the dashes too. */
void s3xml_code(const uint8_t *xml, size_t size, char code[64]);
void s3xml_region(const uint8_t *xml, size_t size, char region[32]);

#endif
