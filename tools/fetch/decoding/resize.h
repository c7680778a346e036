/* Resizing in integers: the same bytes on every machine.
 *
 * Separable triangle filter, the usual bilinear one when an axis grows, widened to two output
 * pixels when it shrinks, so that every input pixel counts. With n input and m output pixels along
 * an axis and S = max(n, m), output i takes input j with the weight
 *
 *     max(0, 2·S − |(2j + 1)·m − (2i + 1)·n|)
 *
 * over the sum of the weights that lie inside the image. Columns first, kept to 1/256 of a step,
 * then rows; both round to nearest, halves up.
 */
#ifndef PSWEEP_RESIZE_H
#define PSWEEP_RESIZE_H

#include "decoding/decode.h"

/* Writes in, resized, into out (another struct; its memory grows and is reused). height, width ≥ 1.
 * 0, or -1 with a sentence when the new size, or in's height by the new width, exceeds decode.h's
 * limits. */
int resize(const struct pixels *in, uint32_t height, uint32_t width, struct pixels *out);

/* What becomes of proportions: they are given up; or kept, with black around the image where it is
 * too narrow or too low; or kept, with its middle only where it is too wide or too high. Sizes that
 * follow are rounded to nearest, and at least 1; where the rest cannot be halved, the top and the
 * left get the smaller half. */
enum fit { FIT_STRETCH, FIT_PAD, FIT_CROP };
int resize_to_fit(const struct pixels *in, uint32_t height, uint32_t width, enum fit fit,
                  struct pixels *out);

#endif
