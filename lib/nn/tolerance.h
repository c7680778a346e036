/* How far the GPU engine may be from the CPU engine: what all tests of it hold it to.
 *
 * value: the largest difference of the elements of a tensor of parameters or of the probabilities,
 * in parts of the largest element, and of a loss in parts of it; gradient: of gradients and of
 * momentum. Bits are another matter: the same GPU must give the same ones in every way to run. */
#ifndef PSWEEP_TOLERANCE_H
#define PSWEEP_TOLERANCE_H

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

#endif
