/* How far the GPU engine may be from the CPU engine: what all tests of it hold it to.
 *
 * value: the largest difference of the elements of a tensor of parameters or of the probabilities,
 * in parts of the largest element, and of a loss in parts of it; gradient: of gradients and of
 * momentum. Bits are another matter: the same GPU must give the same ones in every way to run. */
#ifndef PSWEEP_TOLERANCE_H
#define PSWEEP_TOLERANCE_H

#include <math.h>

struct tolerance {
    double value, gradient;
};

/* fp32 on the doubles, one step: single precision, and another order of sums. */
static const struct tolerance TOLERANCE_STEP = {2e-6, 2e-5};
/* Twenty small steps. What differs grows with each, and jumps where a value moves over the corner
 * of a ReLU or another pixel becomes the largest of its window; the gradient is then another one.
 */
static const struct tolerance TOLERANCE_STEPS = {2e-3, 2e-1};
/* Three steps of a device that nobody has seen: with room for what it does to the last bits; and
 * TF32, which keeps ten bits of what is multiplied. */
static const struct tolerance TOLERANCE_FP32 = {1e-4, 1e-3}, TOLERANCE_TF32 = {2e-2, 2e-1};
/* bf16, which keeps eight bits of all that is stored between the layers and of the weights that the
 * convolutions see. What is that coarse moves values over the corner of a ReLU in the first step,
 * and a sum that nearly cancels may be anything; so parity compares all parameters, and the whole
 * gradient, as vectors: √(Σ (a - b)² / Σ a²). 0.4 was found in networks of twelve layers, and
 * after twenty steps the gradient is another one, which is not compared. The last is for a device
 * that nobody has seen, where tensors are compared as above: the offsets begin at 0, are nothing
 * but six gradients, and were 0.17 apart. */
static const struct tolerance TOLERANCE_BF16_STEP = {2e-2, 5e-1},
                              TOLERANCE_BF16_STEPS = {1.5e-1, INFINITY},
                              TOLERANCE_BF16 = {3e-1, 3e-1};

#endif
