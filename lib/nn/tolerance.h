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
/* bf16, which keeps eight bits of all that is stored between the layers and of the weights that the
 * convolutions see. What is that coarse moves values over the corner of a ReLU in the first step,
 * and a sum that nearly cancels may be anything; so parity compares all parameters, and the whole
 * gradient, as vectors: √(Σ (a - b)² / Σ a²). 0.4 was found in networks of twelve layers, and
 * after twenty steps the gradient is another one, which is not compared. */
static const struct tolerance TOLERANCE_BF16_STEP = {2e-2, 5e-1},
                              TOLERANCE_BF16_STEPS = {1.5e-1, INFINITY};

/* Beside a reference that rounds what the engine rounds, the nearest of seven steps: most are 1e-8
 * apart, 1e-6 and 1e-3 of one network whose sums often lie between two values of bf16. */
static const struct tolerance TOLERANCE_BF16_ROUNDED = {1e-5, 2e-3};

/* Six steps of a device that nobody has seen (selftest.c), as vectors √(Σ (a - b)² / Σ a²) of all
 * tensors: what the steps changed, and the momentum; and the loss as above. A single tensor says
 * little, for what TF32, which keeps ten bits of what is multiplied, moves over the corner of a
 * ReLU makes other gradients, and offsets are nothing but six of these. On the doubles change and
 * momentum were 2e-7 and 1e-6 apart in fp32; 0.009 and 0.11 in TF32, rounded as tensor cores do;
 * 0.011 and 0.14 in bf16; and 1.6 and 13 where each convolution was wrong by a hundredth. */
struct tolerance_of_all {
    double change, momentum, loss;
};
static const struct tolerance_of_all TOLERANCE_FP32 = {1e-4, 1e-3, 1e-4},
                                     TOLERANCE_TF32 = {1e-1, 5e-1, 2e-2},
                                     TOLERANCE_BF16 = {1e-1, 5e-1, 5e-2};

#endif
