/* The decoders behind decode(): one file each, same contract (decode.h). */
#ifndef PSWEEP_FORMATS_H
#define PSWEEP_FORMATS_H

#include "decode.h"

int decode_png(const uint8_t *bytes, size_t size, struct pixels *out);
int decode_jpeg(const uint8_t *bytes, size_t size, struct pixels *out);

#endif
