/* The table of one instruction set's kernels. */
#include "each.h"

#define TEXT_(name) #name
#define TEXT(name)  TEXT_(name)

extern const struct kernels ISA_NAME(kernels);
const struct kernels ISA_NAME(kernels) = {
    .name = TEXT(ISA),
    .load_row = ISA_NAME(load_row),
    .spread_image = ISA_NAME(spread_image),
    .spread_activation = ISA_NAME(spread_activation),
    .spread_results = ISA_NAME(spread_results),
    .spread_gradient = ISA_NAME(spread_gradient),
    .spread_weights = ISA_NAME(spread_weights),
    .multiply = ISA_NAME(multiply),
    .gather = ISA_NAME(gather),
    .gather_gradient = ISA_NAME(gather_gradient),
    .correlate = ISA_NAME(correlate),
    .average = ISA_NAME(average),
    .gradient_sums = ISA_NAME(gradient_sums),
};
