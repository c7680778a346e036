/* Convolutions on the device that is made of memory: stride 1, padded to the same size, by plain
 * loops. */
#ifndef PSWEEP_DOUBLE_CONVOLVE_H
#define PSWEEP_DOUBLE_CONVOLVE_H

#include <cstddef>
#include <cstdint>

/* A tensor in memory. */
struct tensor {
    int64_t extent[4], stride[4];
    bool narrow; /* its elements are bfloat16, not float */
    char *at;
};

static inline size_t values_of(const tensor &t)
{
    return size_t(t.extent[0] * t.extent[1] * t.extent[2] * t.extent[3]);
}
static inline size_t bytes_of(const tensor &t)
{
    return values_of(t) * (t.narrow ? 2 : 4);
}

/* All three tensors are narrow, or none. */
struct job {
    int direction; /* which is made: 0 y, 1 dx, 2 dw */
    tensor x, w, y;
    char *workspace;
    int64_t workspace_bytes;
    bool tensor_cores;
};

/* Sums of floats are double, sums of bfloat16 are float. What the workspace has is lost.
 *
 * PSWEEP_DOUBLE_TF32=nearest, truncated: on tensor cores floats are multiplied as TF32, with ten
 * bits of mantissa. PSWEEP_DOUBLE_WRONG=1: a device that computes wrong, a little; =cores: on its
 * tensor cores alone. */
void convolve(const job &j);

#endif
