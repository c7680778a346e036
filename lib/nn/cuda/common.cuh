/* What the kernels share: the rules of the network, sums in one order, the sizes of launches.
 *
 * What goes through a tensor has a thread for four channels, which are read and written at once, of
 * a few pixels; neighbouring threads have neighbouring channels. Included by the .cu files alone.
 */
#ifndef PSWEEP_CUDA_COMMON_H
#define PSWEEP_CUDA_COMMON_H

#include "kernels.h"

#include <math.h>
#include <string.h>

/* Threads of a block; most of them beside each other along the channels, four each. */
enum { THREADS = 256, MOST_TILE = 16 };

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

/* Four channels of a pixel. */
template <class T>
struct alignas(4 * sizeof(T)) four {
    T value[4];
};
template <class T>
static __device__ inline four<float> load(const T *from)
{
    four<T> stored = *(const four<T> *)from;
    four<float> loaded;
    for (int k = 0; k < 4; k++)
        loaded.value[k] = wide(stored.value[k]);
    return loaded;
}
template <class T>
static __device__ inline void store(T *to, four<float> values)
{
    four<T> stored;
    for (int k = 0; k < 4; k++)
        store(&stored.value[k], values.value[k]);
    *(four<T> *)to = stored;
}

/* Of a launch over() rows: the row of this thread, its column, and the first of its channels. */
struct place {
    int row, column, channel;
};
static __device__ inline place my_place()
{
    return {(int)(blockIdx.x * blockDim.z + threadIdx.z),
            (int)(blockIdx.y * blockDim.y + threadIdx.y),
            4 * (int)(blockIdx.z * blockDim.x + threadIdx.x)};
}

/* Adds up the values of a block's threads over its rows, which are at least as many, in their
 * order and in double: thread row 0 has the sums. */
template <class S, int VALUES>
static __device__ inline void add_rows(S (&mine)[VALUES])
{
    __shared__ S shared[VALUES * THREADS];
    int tile = (int)blockDim.x, rows = (int)blockDim.y, across = VALUES * tile;
    S *column = shared + threadIdx.x;
    for (int k = 0; k < VALUES; k++)
        column[(int)threadIdx.y * across + k * tile] = mine[k];
    __syncthreads();
    S *own = shared + (int)threadIdx.y * tile + (int)threadIdx.x;
    if ((int)threadIdx.y < VALUES) {
        double sum = own[0];
        for (int row = 1; row < rows; row++)
            sum += own[row * across];
        own[0] = (S)sum;
    }
    __syncthreads();
    for (int k = 0; threadIdx.y == 0 && k < VALUES; k++)
        mine[k] = column[k * tile];
}

/* Of a block: which thread this is, of how many. */
static __device__ inline int my_number()
{
    return (int)(threadIdx.y * blockDim.x + threadIdx.x);
}
static __device__ inline int my_block()
{
    return (int)(blockDim.x * blockDim.y);
}

/* Brings a value of each thread of a block together by both(), first onto SOME of them: all threads
 * have the result. */
template <class F>
static __device__ inline double over_block(double mine, F both)
{
    enum { SOME = 16 };
    __shared__ double shared[THREADS];
    int thread = my_number();
    __syncthreads(); /* the result before is read */
    shared[thread] = mine;
    __syncthreads();
    for (int i = thread + SOME; thread < SOME && i < my_block(); i += SOME)
        shared[thread] = both(shared[thread], shared[i]);
    __syncthreads();
    double all = shared[0];
    for (int i = 1; i < SOME && i < my_block(); i++)
        all = both(all, shared[i]);
    return all;
}
static __device__ inline double add_block(double mine)
{
    return over_block(mine, [](double a, double b) { return a + b; });
}

/* Where part number part begins of count things in so many parts. */
static __device__ inline int part_begin(int part, int parts, int count)
{
    int begin = part * ((count + parts - 1) / parts);
    return begin < count ? begin : count;
}

/* So many pixels a thread reads before it computes with the first. */
enum { STRIDE = 4 };

/* Hands what read() has at i, i + step, … before end to add(), in this order. */
template <class R, class A>
static __device__ inline void each(int i, int end, int step, R read, A add)
{
    for (; i + (STRIDE - 1) * step < end; i += STRIDE * step) {
        decltype(read(i)) value[STRIDE];
        for (int j = 0; j < STRIDE; j++)
            value[j] = read(i + j * step);
        for (int j = 0; j < STRIDE; j++)
            add(value[j]);
    }
    for (; i < end; i += step)
        add(read(i));
}

/* To read ahead without asking whether there is something: the last one instead. */
static __device__ inline int inside(int pixel, int pixels)
{
    return pixel < pixels ? pixel : pixels - 1;
}
/* Of a launch over_pixels(): number j of the STRIDE pixels of a thread. */
static __device__ inline int pixel_of(int j)
{
    return (int)((blockIdx.x * STRIDE + j) * blockDim.z + threadIdx.z);
}

/* The four pixels of a window, in the order upper left, upper right, lower left, lower right, and
 * which of them has the largest z: on a tie the first. */
struct window {
    four<float> y[4], highest;
    four<int> best;
};
template <class T>
static __device__ inline void look(const T *y, int width, int channels,
                                   const struct channel_normal *n, window *w)
{
    for (int i = 0; i < 4; i++)
        w->y[i] = load(y + ((i / 2) * width + i % 2) * channels);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 4; i++) {
            float z = normalised(&n[k], w->y[i].value[k]);
            /* Row by row: the right one must beat the left one, then the lower the upper. */
            if (i == 0 || beats(z, w->highest.value[k])) {
                w->best.value[k] = i;
                w->highest.value[k] = z;
            }
        }
}

/* Sums of four channels, of each two, into a block's part. */
static __device__ inline void put_sums(float (&sum)[8], int channels, float *parts)
{
    int channel = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x);
    add_rows(sum);
    if (threadIdx.y > 0 || channel >= channels)
        return;
    float *to = parts + 2 * ((int)blockIdx.x * channels + channel);
    for (int half = 0; half < 2; half++)
        store(to + 4 * half,
              {sum[4 * half], sum[4 * half + 1], sum[4 * half + 2], sum[4 * half + 3]});
}

/* A block has threads for a few channels, and for each of these LANES, which share the parts. */
enum { LANES = 32 };

/* Both sums of a channel over all parts: in thread row 0. */
static __device__ inline void add_parts(const float *from, int parts, int channels, int channel,
                                        double (&sum)[2])
{
    struct pair {
        float first, second;
    };
    sum[0] = sum[1] = 0;
    each((int)threadIdx.y, channel < channels ? parts : 0, LANES,
         [=](int part) { return *(const pair *)(from + 2 * (part * channels + channel)); },
         [&](pair both) {
             sum[0] += both.first;
             sum[1] += both.second;
         });
    add_rows(sum);
}

static inline unsigned split(int count, unsigned size)
{
    return ((unsigned)count + size - 1) / size;
}

/* Threads along the channels: all blocks have as many. */
static inline unsigned tile_of(int channels)
{
    unsigned fours = (unsigned)channels / 4;
    return split((int)fours, split((int)fours, MOST_TILE));
}

/* A launch with a place for each column of each row and four channels of it: of few columns a block
 * has several rows. */
struct launch {
    dim3 grid, block;
};
static inline launch over(int rows, int columns, int channels)
{
    const unsigned most = 64; /* rows of a block of CUDA */
    unsigned tile = tile_of(channels), beside = THREADS / tile, below;
    beside = beside < (unsigned)columns ? beside : (unsigned)columns;
    below = THREADS / (tile * beside);
    below = below < most ? below : most;
    return {{split(rows, below), split(columns, beside), split(channels, 4 * tile)},
            {tile, beside, below}};
}

/* A launch that sums: each block a part of what there is, for a tile of the channels. */
static inline launch of_parts(int parts, int channels)
{
    unsigned tile = tile_of(channels);
    return {{(unsigned)parts, split(channels, 4 * tile), 1}, {tile, THREADS / tile, 1}};
}
/* As many parts as give each thread four of count pixels. */
static inline int parts_of(int count, int channels)
{
    int rows = THREADS / (int)tile_of(channels), parts = count / (4 * rows);
    return parts < 1 ? 1 : parts < PARTS ? parts : (int)PARTS;
}

static inline int pixels_of(const struct shape *s)
{
    return s->images * s->height * s->width;
}

/* A launch that adds parts up. */
static inline launch of_lanes(int channels)
{
    return {{split(channels, THREADS / LANES), 1, 1}, {THREADS / LANES, LANES, 1}};
}

/* Over pixels in a row, STRIDE of them a thread; over the windows of an image's rows. */
static inline launch over_pixels(const struct shape *s)
{
    return over((int)split(pixels_of(s), STRIDE), 1, s->channels);
}
static inline launch over_windows(const struct shape *s)
{
    return over(s->images * (s->height / 2), s->width / 2, s->channels);
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

#endif

#endif
