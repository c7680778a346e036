/* How the camera was held: the orientation that Exif has of an image, and turning by it.
 *
 *     1 as it is        2 left and right swapped        5 rows are columns
 *     3 half a turn     4 top and bottom swapped        7 the same, after half a turn
 *     6 a quarter turn clockwise                        8 a quarter turn the other way
 *
 * An Exif block is a TIFF file's head: a byte order, and a list of entries of which tag 0x112 is
 * it.
 */
#ifndef PSWEEP_ORIENT_H
#define PSWEEP_ORIENT_H

#include "decoding/decode.h"

/* What a block says, from its byte order ("II" or "MM") on: 1 … 8; 0 when it does not, or is
 * malformed. */
unsigned orient_exif(const uint8_t *exif, size_t size);

/* Writes in, turned by its orientation, into out (another struct), whose orientation is 1. 0, or -1
 * with a sentence. */
int orient(const struct pixels *in, struct pixels *out);

#endif
