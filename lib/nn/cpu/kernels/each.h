/* For the files of this folder only: each is compiled once for each instruction set with ISA
 * defined as its name, and its functions carry that name: ISA_NAME(convolve) is convolve_avx2.
 * kernels.h says what they do. */
#ifndef PSWEEP_EACH_H
#define PSWEEP_EACH_H

#include "nn/cpu/kernels.h"

#define ISA_NAME__(name, isa) name##_##isa
#define ISA_NAME_(name, isa)  ISA_NAME__(name, isa)
#define ISA_NAME(name)        ISA_NAME_(name, ISA)

/* Specialised for each size of a block, so that its loops are unrolled whole and its sums stay in
 * registers (the Makefile gives the compiler leave to). */
#define SPECIALISED static inline __attribute__((always_inline))

void ISA_NAME(convolve)(const struct band *in, const float *weights, const float *bias, int filters,
                        float *out, size_t plane, float *sums);
void ISA_NAME(weight_gradient)(const struct band *in, const struct band *out_gradient,
                               float *partial);
void ISA_NAME(activate)(const struct output *o, int first, struct band *to);
void ISA_NAME(average)(const struct output *o, float *mean);
void ISA_NAME(gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                             float *sums);
void ISA_NAME(gradient)(const struct output *o, const float *gradient, int first, uint32_t live,
                        struct band *to);

#endif
