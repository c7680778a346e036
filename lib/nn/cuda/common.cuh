/* What the kernels share: the rules of the network, sums in one order, the sizes of launches.
 *
 * One thread makes one value, or walks along one channel's part of a sum; neighbouring threads have
 * neighbouring channels, so that memory is read in rows. Included by the .cu files alone. */
#ifndef PSWEEP_CUDA_COMMON_H
#define PSWEEP_CUDA_COMMON_H

#include "kernels.h"

#include <math.h>
#include <string.h>

enum { THREADS = 256, MOST_TILE = 64 }; /* MOST_TILE: channels of a block that sums */

/* What is stored as float, which goes in and out as it is, or as bf16. */
static __device__ inline float wide(float stored)
{
    return stored;
}
static __device__ inline float wide(struct bf16 stored)
{
    uint32_t bits = (uint32_t)stored.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static __device__ inline void store(float *to, float value)
{
    *to = value;
}
static __device__ inline void store(struct bf16 *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    /* Half of the last place that stays, less the least bit where that is even; of a NaN the upper
     * half with a bit that keeps it one. */
    uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    to->bits = (uint16_t)(value == value ? nearest : bits >> 16 | 0x40);
}

/* a > b, or a is NaN: the same rule as the CPU's. */
static __device__ inline bool beats(float a, float b)
{
    return a > b || a != a;
}

/* a > 0, or a is NaN */
static __device__ inline bool positive(float a)
{
    return !(a <= 0);
}

static __device__ inline float rectified(float z)
{
    return positive(z) ? z : 0;
}

static __device__ inline float normalised(const struct channel_normal *n, float y)
{
    return fmaf(y, n->gain, n->shift);
}

static __device__ inline int here()
{
    return (int)(blockIdx.x * blockDim.x + threadIdx.x);
}

/* Which of the four pixels of a window, in the order upper left, upper right, lower left, lower
 * right, has the largest z; on a tie the first. *highest is that z, *chosen its y. */
template <class T>
static __device__ inline int window(const T *y, int width, int channels,
                                    const struct channel_normal *n, float *highest, float *chosen)
{
    int best = 0;
    for (int i = 0; i < 4; i++) {
        float value = wide(y[((i / 2) * width + i % 2) * channels]), z = normalised(n, value);
        /* Row by row: the right one must beat the left one, then the lower the upper. */
        if (i == 0 || beats(z, *highest)) {
            best = i;
            *highest = z;
            *chosen = value;
        }
    }
    return best;
}

/* Adds up two values over the rows of a block: thread row 0 has the sums of its column. */
static __device__ inline void add_rows(float *first, float *second)
{
    __shared__ float shared[2 * THREADS];
    int tile = (int)blockDim.x, rows = (int)blockDim.y;
    int mine = 2 * ((int)threadIdx.y * tile + (int)threadIdx.x);
    shared[mine] = *first;
    shared[mine + 1] = *second;
    __syncthreads();
    if (threadIdx.y > 0)
        return;
    for (int row = 1; row < rows; row++) {
        *first += shared[2 * (row * tile + (int)threadIdx.x)];
        *second += shared[2 * (row * tile + (int)threadIdx.x) + 1];
    }
}

/* Pixels first … end of part number part of count pixels. */
static __device__ inline int part_begin(int part, int count)
{
    return (int)((long long)count * part / PARTS);
}

/* Both sums of a channel over all parts, in order. */
static __device__ inline void add_parts(const float *parts, int channels, int channel,
                                        double *first, double *second)
{
    *first = *second = 0;
    for (int part = 0; part < PARTS; part++) {
        *first += parts[2 * (part * channels + channel)];
        *second += parts[2 * (part * channels + channel) + 1];
    }
}

#ifndef KERNELS_ON_HOST

/* Calls launch with a value of the type in which the shape's values are stored: what it said. */
template <class F>
static inline cudaError_t as_stored(const struct shape *s, F launch)
{
    if (s->storage == STORED_BF16)
        launch(bf16{});
    else
        launch(float{});
    return cudaGetLastError();
}

static inline unsigned blocks(int count)
{
    return (unsigned)((count + THREADS - 1) / THREADS);
}

/* Blocks that sum: a tile of channels beside each other, rows of them below. */
static inline dim3 tile_of(int channels)
{
    unsigned tile = channels < MOST_TILE ? (unsigned)channels : MOST_TILE;
    return dim3(tile, THREADS / tile);
}
static inline dim3 parts_of(int channels)
{
    unsigned tile = tile_of(channels).x;
    return dim3(PARTS, ((unsigned)channels + tile - 1) / tile);
}

#endif

#endif
