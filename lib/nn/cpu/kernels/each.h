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

void ISA_NAME(load_row)(const uint8_t *const image[LANES], int width, int channels,
                        const float (*scale)[2], float *to, size_t plane);
void ISA_NAME(input_transform_image)(const float *plane, int height, int width, int first,
                                     const struct input_tiles *to);
void ISA_NAME(input_transform_activation)(const struct output *o, int first,
                                          const struct input_tiles *to);
void ISA_NAME(input_transform_gradient)(const struct output *o, const float *gradient, int first,
                                        uint32_t live, const struct input_tiles *to);
void ISA_NAME(input_transform_results)(const struct output *o, const float *gradient, int first,
                                       uint32_t live, const struct input_tiles *to);
void ISA_NAME(filter_transform)(const float *weights, size_t next, int side, int flip, int filters,
                                float *to, size_t panel, size_t place);
void ISA_NAME(multiply)(const struct product *product);
void ISA_NAME(output_transform)(const struct output_tiles *g, float bias, float *sums, int first);
void ISA_NAME(output_transform_gradient)(const struct output_tiles *g, const float *y,
                                         const struct normal *normal, float *sums, int first);
void ISA_NAME(correlate)(const struct correlation *c, float *folded, float *to);
void ISA_NAME(transpose)(const float *from, int rows, int columns, float *to);
void ISA_NAME(sums_transform)(const float *sums, size_t place, int count, float *to);
void ISA_NAME(activate)(const struct output *o, const float *more, float *to);
void ISA_NAME(add)(const float *more, size_t count, float *to);
void ISA_NAME(average)(const struct output *o, float *mean);
void ISA_NAME(largest)(const struct output *o, float *value, float *pixel);
void ISA_NAME(gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                             float *sums);

#endif
