/* The table of one instruction set's kernels. */
#include "each.h"

#define TEXT_(name) #name
#define TEXT(name)  TEXT_(name)

extern const struct kernels ISA_NAME(kernels);
const struct kernels ISA_NAME(kernels) = {
    .name = TEXT(ISA),
    .convolve = ISA_NAME(convolve),
    .weight_gradient = ISA_NAME(weight_gradient),
    .activate = ISA_NAME(activate),
    .average = ISA_NAME(average),
    .gradient_sums = ISA_NAME(gradient_sums),
    .gradient = ISA_NAME(gradient),
};
