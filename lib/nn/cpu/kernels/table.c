/* The table of one instruction set's kernels. */
#include "each.h"

#define TEXT_(name) #name
#define TEXT(name)  TEXT_(name)

extern const struct kernels ISA_NAME(kernels);
const struct kernels ISA_NAME(kernels) = {
    .name = TEXT(ISA),
    .load_row = ISA_NAME(load_row),
    .input_transform_image = ISA_NAME(input_transform_image),
    .input_transform_activation = ISA_NAME(input_transform_activation),
    .input_transform_results = ISA_NAME(input_transform_results),
    .input_transform_gradient = ISA_NAME(input_transform_gradient),
    .filter_transform = ISA_NAME(filter_transform),
    .multiply = ISA_NAME(multiply),
    .output_transform = ISA_NAME(output_transform),
    .output_transform_gradient = ISA_NAME(output_transform_gradient),
    .correlate = ISA_NAME(correlate),
    .transpose = ISA_NAME(transpose),
    .sums_transform = ISA_NAME(sums_transform),
    .activate = ISA_NAME(activate),
    .add = ISA_NAME(add),
    .average = ISA_NAME(average),
    .largest = ISA_NAME(largest),
    .gradient_sums = ISA_NAME(gradient_sums),
};
