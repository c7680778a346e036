/* Sixteen images side by side: the vector type that the kernels compute with.
 *
 * A value of type lanes holds one float of each of 16 images, in as many vectors as the instruction
 * set needs for that: AVX-512 one, AVX2 two, NEON four, plain C sixteen floats. The same
 * operations, in the same order, with the same rounding, for every one. This is the only file that
 * knows which one a kernel is compiled for; it also says how many registers' worth of sums a kernel
 * may keep (blocks change speed, never bits, since each sum's own order does not depend on them).
 *
 * NaN rule: a NaN is never dropped. lanes_beats() lets it win, lanes_positive() lets it pass.
 */
#ifndef PSWEEP_LANES_H
#define PSWEEP_LANES_H

#include <stdint.h>

enum { LANES = 16 };

/* For each instruction set: sums kept in registers (FILTERS filters × TILES tiles of a product,
 * PAIR filters × CHANNELS channels of a correlation), how many VECTORS the lanes fill, its vector,
 * what a comparison gives, and the operations on them, which are told below. */
#if defined __AVX512F__

#include <immintrin.h>

#define LANES_FILTERS  6
#define LANES_TILES    4
#define LANES_PAIR     4
#define LANES_CHANNELS 4
#define VECTORS        1

typedef __m512 vector;
typedef __mmask16 vector_mask;

#define vector_load(at)           _mm512_load_ps(at)
#define vector_load_any(at)       _mm512_loadu_ps(at)
#define vector_store(at, a)       _mm512_store_ps(at, a)
#define vector_all(value)         _mm512_set1_ps(value)
#define vector_add(a, b)          _mm512_add_ps(a, b)
#define vector_subtract(a, b)     _mm512_sub_ps(a, b)
#define vector_multiply(a, b)     _mm512_mul_ps(a, b)
#define vector_fma(a, b, c)       _mm512_fmadd_ps(a, b, c)
#define vector_rectify(a)         _mm512_max_ps(_mm512_setzero_ps(), a)
#define vector_less(a, b)         _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define vector_positive(a)        _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NLE_UQ)
#define vector_select(mask, a, b) _mm512_mask_blend_ps(mask, b, a)
#define vector_beats(a, b)                                                                         \
    ((vector_mask)(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q)))
#define vector_bytes(at, shift)                                                                    \
    _mm512_cvtepi32_ps(                                                                            \
        _mm512_and_si512(_mm512_srl_epi32(_mm512_load_si512(at), _mm_cvtsi32_si128(shift)),        \
                         _mm512_set1_epi32(255)))

#elif defined __AVX2__ && defined __FMA__

#include <immintrin.h>

#define LANES_FILTERS  6
#define LANES_TILES    1
#define LANES_PAIR     2
#define LANES_CHANNELS 2
#define VECTORS        2

typedef __m256 vector;
typedef __m256 vector_mask; /* all bits of a chosen lane are set, as for NEON */

#define vector_load(at)           _mm256_load_ps(at)
#define vector_load_any(at)       _mm256_loadu_ps(at)
#define vector_store(at, a)       _mm256_store_ps(at, a)
#define vector_all(value)         _mm256_set1_ps(value)
#define vector_add(a, b)          _mm256_add_ps(a, b)
#define vector_subtract(a, b)     _mm256_sub_ps(a, b)
#define vector_multiply(a, b)     _mm256_mul_ps(a, b)
#define vector_fma(a, b, c)       _mm256_fmadd_ps(a, b, c)
#define vector_rectify(a)         _mm256_max_ps(_mm256_setzero_ps(), a)
#define vector_less(a, b)         _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define vector_positive(a)        _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_NLE_UQ)
#define vector_select(mask, a, b) _mm256_blendv_ps(b, a, mask)
#define vector_beats(a, b)                                                                         \
    _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q))
#define vector_bytes(at, shift)                                                                    \
    _mm256_cvtepi32_ps(_mm256_and_si256(                                                           \
        _mm256_srl_epi32(_mm256_load_si256((const __m256i *)(at)), _mm_cvtsi32_si128(shift)),      \
        _mm256_set1_epi32(255)))

#elif defined __ARM_NEON && defined __aarch64__

#include <arm_neon.h>

#define LANES_FILTERS  6
#define LANES_TILES    1
#define LANES_PAIR     2
#define LANES_CHANNELS 2
#define VECTORS        4

typedef float32x4_t vector;
typedef uint32x4_t vector_mask;

#define vector_load(at)           vld1q_f32(at)
#define vector_load_any(at)       vld1q_f32(at)
#define vector_store(at, a)       vst1q_f32(at, a)
#define vector_all(value)         vdupq_n_f32(value)
#define vector_add(a, b)          vaddq_f32(a, b)
#define vector_subtract(a, b)     vsubq_f32(a, b)
#define vector_multiply(a, b)     vmulq_f32(a, b)
#define vector_fma(a, b, c)       vfmaq_f32(c, a, b)
#define vector_rectify(a)         vbslq_f32(vcgtq_f32(vdupq_n_f32(0), a), vdupq_n_f32(0), a)
#define vector_less(a, b)         vcltq_f32(a, b)
#define vector_positive(a)        vmvnq_u32(vcleq_f32(a, vdupq_n_f32(0)))
#define vector_select(mask, a, b) vbslq_f32(mask, a, b)
#define vector_beats(a, b)        vorrq_u32(vcgtq_f32(a, b), vmvnq_u32(vceqq_f32(a, a)))
#define vector_bytes(at, shift)                                                                    \
    vcvtq_f32_u32(vandq_u32(vshlq_u32(vld1q_u32(at), vdupq_n_s32(-(shift))), vdupq_n_u32(255)))

#else

#include <math.h>

#define LANES_FILTERS  2
#define LANES_TILES    2
#define LANES_PAIR     2
#define LANES_CHANNELS 2
#define VECTORS        16

typedef float vector;
typedef _Bool vector_mask;

#define vector_load(at)           (*(at))
#define vector_load_any(at)       (*(at))
#define vector_store(at, a)       (*(at) = (a))
#define vector_all(value)         (value)
#define vector_add(a, b)          ((a) + (b))
#define vector_subtract(a, b)     ((a) - (b))
#define vector_multiply(a, b)     ((a) * (b))
#define vector_fma(a, b, c)       fmaf(a, b, c)
#define vector_rectify(a)         (0 > (a) ? 0 : (a))
#define vector_less(a, b)         ((a) < (b))
#define vector_positive(a)        (!((a) <= 0))
#define vector_select(mask, a, b) ((mask) ? (a) : (b))
#define vector_beats(a, b)        ((a) > (b) || (a) != (a))
#define vector_bytes(at, shift)   ((float)(*(at) >> (shift)&255))

#endif

enum { VECTOR_WIDTH = LANES / VECTORS }; /* floats of a vector */

/* A structure of one vector is not the same to the compiler as a vector (measured). */
#ifdef __AVX512F__
typedef vector lanes;
typedef vector_mask lanes_mask;
#define PART(a, i) (a)
#else
typedef struct {
    vector at[VECTORS];
} lanes;
typedef struct {
    vector_mask at[VECTORS];
} lanes_mask;
#define PART(a, i) ((a).at[i])
#endif

/* Part i of the result = expression, for every vector i */
#define EACH_VECTOR(type, expression)                                                              \
    type result;                                                                                   \
    for (int i = 0; i < VECTORS; i++)                                                              \
        PART(result, i) = (expression);                                                            \
    return result

static inline lanes lanes_load(const float *at)
{
    EACH_VECTOR(lanes, vector_load(at + i * VECTOR_WIDTH));
}
/* From a place that is aligned for a float only. */
static inline lanes lanes_load_any(const float *at)
{
    EACH_VECTOR(lanes, vector_load_any(at + i * VECTOR_WIDTH));
}
static inline void lanes_store(float *at, lanes a)
{
    for (int i = 0; i < VECTORS; i++)
        vector_store(at + i * VECTOR_WIDTH, PART(a, i));
}
static inline lanes lanes_all(float value)
{
    EACH_VECTOR(lanes, vector_all(value));
}
static inline lanes lanes_zero(void)
{
    return lanes_all(0);
}
static inline lanes lanes_add(lanes a, lanes b)
{
    EACH_VECTOR(lanes, vector_add(PART(a, i), PART(b, i)));
}
static inline lanes lanes_subtract(lanes a, lanes b)
{
    EACH_VECTOR(lanes, vector_subtract(PART(a, i), PART(b, i)));
}
static inline lanes lanes_multiply(lanes a, lanes b)
{
    EACH_VECTOR(lanes, vector_multiply(PART(a, i), PART(b, i)));
}
/* a·b + c, rounded once */
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    EACH_VECTOR(lanes, vector_fma(PART(a, i), PART(b, i), PART(c, i)));
}
/* 0 > a ? 0 : a; so NaN stays */
static inline lanes lanes_rectify(lanes a)
{
    EACH_VECTOR(lanes, vector_rectify(PART(a, i)));
}
/* Bits shift … shift + 7 of each, as a number */
static inline lanes lanes_bytes(const uint32_t *at, int shift)
{
    EACH_VECTOR(lanes, vector_bytes(at + i * VECTOR_WIDTH, shift));
}
/* a > b, or a is NaN */
static inline lanes_mask lanes_beats(lanes a, lanes b)
{
    EACH_VECTOR(lanes_mask, vector_beats(PART(a, i), PART(b, i)));
}
/* a > 0, or a is NaN */
static inline lanes_mask lanes_positive(lanes a)
{
    EACH_VECTOR(lanes_mask, vector_positive(PART(a, i)));
}
/* the first n of 16 */
static inline lanes_mask lanes_first(uint32_t n)
{
    static const _Alignas(64) float number[LANES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                     8, 9, 10, 11, 12, 13, 14, 15};
    EACH_VECTOR(lanes_mask,
                vector_less(vector_load(number + i * VECTOR_WIDTH), vector_all((float)n)));
}
/* mask ? a : b */
static inline lanes lanes_select(lanes_mask mask, lanes a, lanes b)
{
    EACH_VECTOR(lanes, vector_select(PART(mask, i), PART(a, i), PART(b, i)));
}

/* lanes_fold16: lane i is the sum of the 16 lanes of a[i], in one order: j + (j+8), then + 4, + 2,
 * + 1 apart. The x86 sets take these steps for several a[i] at once, and fold8(), fold4() and so on
 * give half as many sums for what two vectors hold.
 *
 * lanes_transpose: lane j of a[i] and lane i of a[j] change places. */
#if defined __AVX512F__

static inline vector fold8(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
static inline vector fold4(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
static inline vector fold2(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
}
static inline vector fold1(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    vector four[4];
    for (int i = 0; i < 4; i++)
        four[i] = fold4(fold8(a[i], a[i + 4]), fold8(a[i + 8], a[i + 12]));
    return fold1(fold2(four[0], four[1]), fold2(four[2], four[3]));
}

/* Four rows of 4 × 4 blocks, each transposed in its place. */
static inline void transpose_blocks(const lanes a[4], vector t[4])
{
    vector low = _mm512_unpacklo_ps(a[0], a[1]), low_below = _mm512_unpacklo_ps(a[2], a[3]);
    vector high = _mm512_unpackhi_ps(a[0], a[1]), high_below = _mm512_unpackhi_ps(a[2], a[3]);
    t[0] = _mm512_shuffle_ps(low, low_below, 0x44);
    t[1] = _mm512_shuffle_ps(low, low_below, 0xee);
    t[2] = _mm512_shuffle_ps(high, high_below, 0x44);
    t[3] = _mm512_shuffle_ps(high, high_below, 0xee);
}
static inline void lanes_transpose(lanes a[LANES])
{
    vector t[4][4];
    for (int row = 0; row < 4; row++)
        transpose_blocks(a + 4 * row, t[row]);
    for (int i = 0; i < 4; i++) {
        vector even = _mm512_shuffle_f32x4(t[0][i], t[1][i], 0x88),
               odd = _mm512_shuffle_f32x4(t[0][i], t[1][i], 0xdd),
               even_below = _mm512_shuffle_f32x4(t[2][i], t[3][i], 0x88),
               odd_below = _mm512_shuffle_f32x4(t[2][i], t[3][i], 0xdd);
        a[i] = _mm512_shuffle_f32x4(even, even_below, 0x88);
        a[4 + i] = _mm512_shuffle_f32x4(odd, odd_below, 0x88);
        a[8 + i] = _mm512_shuffle_f32x4(even, even_below, 0xdd);
        a[12 + i] = _mm512_shuffle_f32x4(odd, odd_below, 0xdd);
    }
}

#elif defined __AVX2__ && defined __FMA__

static inline vector fold8(lanes a)
{
    return _mm256_add_ps(a.at[0], a.at[1]);
}
static inline vector fold4(vector a, vector b)
{
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
static inline vector fold2(vector a, vector b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
}
static inline vector fold1(vector a, vector b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    lanes result;
    for (int half = 0; half < 2; half++, a += 8) {
        vector four[4];
        for (int i = 0; i < 4; i++)
            four[i] = fold4(fold8(a[i]), fold8(a[i + 4]));
        result.at[half] = fold1(fold2(four[0], four[1]), fold2(four[2], four[3]));
    }
    return result;
}

/* Half h of four rows of 4 × 4 blocks, each transposed in its place. */
static inline void transpose_blocks(const lanes a[4], int h, vector t[4])
{
    vector low = _mm256_unpacklo_ps(a[0].at[h], a[1].at[h]);
    vector low_below = _mm256_unpacklo_ps(a[2].at[h], a[3].at[h]);
    vector high = _mm256_unpackhi_ps(a[0].at[h], a[1].at[h]);
    vector high_below = _mm256_unpackhi_ps(a[2].at[h], a[3].at[h]);
    t[0] = _mm256_shuffle_ps(low, low_below, 0x44);
    t[1] = _mm256_shuffle_ps(low, low_below, 0xee);
    t[2] = _mm256_shuffle_ps(high, high_below, 0x44);
    t[3] = _mm256_shuffle_ps(high, high_below, 0xee);
}
static inline void lanes_transpose(lanes a[LANES])
{
    vector t[2][4][4];
    for (int h = 0; h < 2; h++)
        for (int row = 0; row < 4; row++)
            transpose_blocks(a + 4 * row, h, t[h][row]);
    for (int i = 0; i < 4; i++)
        for (int h = 0; h < 2; h++)
            for (int k = 0; k < 2; k++) {
                vector above = t[h][2 * k][i], below = t[h][2 * k + 1][i];
                a[8 * h + i].at[k] = _mm256_permute2f128_ps(above, below, 0x20);
                a[8 * h + 4 + i].at[k] = _mm256_permute2f128_ps(above, below, 0x31);
            }
}

#else

static inline float fold(lanes a)
{
#if defined __ARM_NEON && defined __aarch64__
    vector four = vaddq_f32(vaddq_f32(a.at[0], a.at[2]), vaddq_f32(a.at[1], a.at[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
#else
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.at[i] += a.at[i + half];
    return a.at[0];
#endif
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    float sum[LANES];
    for (int i = 0; i < LANES; i++)
        sum[i] = fold(a[i]);
    return lanes_load(sum);
}

static inline void lanes_transpose(lanes a[LANES])
{
    _Alignas(64) float from[LANES][LANES], to[LANES];
    for (int i = 0; i < LANES; i++)
        lanes_store(from[i], a[i]);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++)
            to[j] = from[j][i];
        a[i] = lanes_load(to);
    }
}

#endif

#endif
