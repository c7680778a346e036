/* The decoders behind decode(): one file each, same contract (decode.h), and one row each in the
 * table of decode.c.
 *
 * Those of libraries that psfetch can be built without are weak: NULL where they were absent. */
#ifndef PSWEEP_FORMATS_H
#define PSWEEP_FORMATS_H

#include "decoding/decode.h"

int decode_png(const uint8_t *bytes, size_t size, struct pixels *out);
int decode_jpeg(const uint8_t *bytes, size_t size, struct pixels *out);
int decode_bmp(const uint8_t *bytes, size_t size, struct pixels *out);
int decode_webp(const uint8_t *bytes, size_t size, struct pixels *out) __attribute__((weak));
int decode_gif(const uint8_t *bytes, size_t size, struct pixels *out) __attribute__((weak));

/* For decoders: lays pixels of 1 or 3 channels and transparency over black, in place. */
void pixels_over_black(struct pixels *pixels);

#endif
