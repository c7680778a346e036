/* Testing with views (--tta): a model is asked for several views of an image, and what it says is
 * the mean of the probabilities that it gives them.
 *
 *   none    the image
 *   flip    the image and its mirror image, a half each
 *   shifts  these two, a quarter each, and both of the image moved by a pixel up and left and by
 *           one down and right, an eighth each (the weights of Keller Jordan, "94 % on CIFAR-10 in
 *           3.29 seconds on a single GPU", 2024, which are of logits there)
 *
 * Weights are powers of two: a product with one is exact. What is moved in from outside of an image
 * is the pixel at its edge; of a larger image that a window is taken of, what stands there.
 */
#ifndef PSWEEP_LOOKS_H
#define PSWEEP_LOOKS_H

#include "image.h"

enum { LOOKS_MOST = 6 };

struct look {
    int32_t down, right; /* where the view begins, from where the image does */
    int flip;
    double weight;
};

struct looks {
    const char *name; /* NULL: none */
    uint32_t count;
    const struct look *look; /* [count] */
};

/* Those of a name, which must be one of "flip" and "shifts", or NULL, and is borrowed. */
struct looks looks_of(const char *name);

/* Draws the window of height × width in the middle of an image, which is as large or larger, as
 * that look has it: pixels[height][width][channels]. */
void look_draw(const struct look *look, const struct image *image, uint32_t height, uint32_t width,
               uint8_t *pixels);

/* The mean of what was said to each look, in their order: probability[looks.count][values] becomes
 * probability[values], each a sum in double that is rounded once. */
void looks_mean(const struct looks *looks, float *probability, size_t values);

#endif
