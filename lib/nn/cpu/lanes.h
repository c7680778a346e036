/* Sixteen images side by side: the vector type that the kernels compute with.
 *
 * A value of type lanes holds one float of each of 16 images. The same operations, in the same
 * order, with the same rounding, for every instruction set: AVX-512 has one register for it, AVX2
 * two halves, NEON four quarters, plain C an array. This is the only file that knows which one a
 * kernel is compiled for; it also says how many registers' worth of sums a kernel may keep (blocks
 * change speed, never bits, since each sum's own order does not depend on them).
 *
 * NaN rule: a NaN is never dropped. lanes_beats() lets it win, lanes_positive() lets it pass.
 */
#ifndef PSWEEP_LANES_H
#define PSWEEP_LANES_H

#include <stdint.h>

enum { LANES = 16 };

#if defined __AVX512F__

#include <immintrin.h>

/* Sums kept in registers: FILTERS filters × TILES tiles of a product, PAIR filters × CHANNELS
 * channels of a correlation. */
#define LANES_FILTERS  6
#define LANES_TILES    4
#define LANES_PAIR     4
#define LANES_CHANNELS 4

typedef __m512 lanes;
typedef __mmask16 lanes_mask;

static inline lanes lanes_load(const float *at)
{
    return _mm512_load_ps(at);
}
static inline void lanes_store(float *at, lanes a)
{
    _mm512_store_ps(at, a);
}
static inline lanes lanes_all(float value)
{
    return _mm512_set1_ps(value);
}
static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}
static inline lanes lanes_subtract(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}
static inline lanes lanes_multiply(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}
/* a·b + c, rounded once */
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}
/* a > b, or a is NaN */
static inline lanes_mask lanes_beats(lanes a, lanes b)
{
    return (lanes_mask)(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) |
                        _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q));
}
/* a > 0, or a is NaN */
static inline lanes_mask lanes_positive(lanes a)
{
    return _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NLE_UQ);
}
/* Bits shift … shift + 7 of each, as a number */
static inline lanes lanes_bytes(const uint32_t *at, int shift)
{
    __m512i words = _mm512_srl_epi32(_mm512_load_si512(at), _mm_cvtsi32_si128(shift));
    return _mm512_cvtepi32_ps(_mm512_and_si512(words, _mm512_set1_epi32(255)));
}
/* 0 > a ? 0 : a; so NaN stays */
static inline lanes lanes_rectify(lanes a)
{
    return _mm512_max_ps(_mm512_setzero_ps(), a);
}
/* the first n of 16 */
static inline lanes_mask lanes_first(uint32_t n)
{
    return (lanes_mask)((1u << n) - 1);
}
/* mask ? a : b */
static inline lanes lanes_select(lanes_mask mask, lanes a, lanes b)
{
    return _mm512_mask_blend_ps(mask, b, a);
}
/* The sum of all 16: i + (i+8), then + 4, + 2, + 1 apart. */
static inline float lanes_fold(lanes a)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
/* Half sums of a and b: i + (i+8) of each; then i + (i+4), for what the first step left; and so on.
 */
static inline lanes fold8(lanes a, lanes b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
static inline lanes fold4(lanes a, lanes b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
static inline lanes fold2(lanes a, lanes b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
}
static inline lanes fold1(lanes a, lanes b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
/* Lane i: lanes_fold(a[i]), for 16 vectors at once. */
static inline lanes lanes_fold16(const lanes a[LANES])
{
    lanes four[4];
    for (int i = 0; i < 4; i++)
        four[i] = fold4(fold8(a[i], a[i + 4]), fold8(a[i + 8], a[i + 12]));
    return fold1(fold2(four[0], four[1]), fold2(four[2], four[3]));
}

#elif defined __AVX2__ && defined __FMA__

#include <immintrin.h>

#define LANES_FILTERS  6
#define LANES_TILES    1
#define LANES_PAIR     2
#define LANES_CHANNELS 2

typedef struct {
    __m256 low, high;
} lanes;
typedef lanes lanes_mask; /* all bits of a chosen lane are set */

static inline lanes lanes_load(const float *at)
{
    return (lanes){_mm256_load_ps(at), _mm256_load_ps(at + 8)};
}
static inline void lanes_store(float *at, lanes a)
{
    _mm256_store_ps(at, a.low);
    _mm256_store_ps(at + 8, a.high);
}
static inline lanes lanes_all(float value)
{
    return (lanes){_mm256_set1_ps(value), _mm256_set1_ps(value)};
}
static inline lanes lanes_add(lanes a, lanes b)
{
    return (lanes){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
static inline lanes lanes_subtract(lanes a, lanes b)
{
    return (lanes){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
static inline lanes lanes_multiply(lanes a, lanes b)
{
    return (lanes){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return (lanes){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
static inline __m256 half_beats(__m256 a, __m256 b)
{
    return _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
static inline lanes_mask lanes_beats(lanes a, lanes b)
{
    return (lanes_mask){half_beats(a.low, b.low), half_beats(a.high, b.high)};
}
static inline lanes_mask lanes_positive(lanes a)
{
    __m256 zero = _mm256_setzero_ps();
    return (lanes_mask){_mm256_cmp_ps(a.low, zero, _CMP_NLE_UQ),
                        _mm256_cmp_ps(a.high, zero, _CMP_NLE_UQ)};
}
static inline __m256 half_bytes(const uint32_t *at, int shift)
{
    __m256i words =
        _mm256_srl_epi32(_mm256_load_si256((const __m256i *)at), _mm_cvtsi32_si128(shift));
    return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(255)));
}
static inline lanes lanes_bytes(const uint32_t *at, int shift)
{
    return (lanes){half_bytes(at, shift), half_bytes(at + 8, shift)};
}
static inline lanes lanes_rectify(lanes a)
{
    __m256 zero = _mm256_setzero_ps();
    return (lanes){_mm256_max_ps(zero, a.low), _mm256_max_ps(zero, a.high)};
}
static inline lanes_mask lanes_first(uint32_t n)
{
    __m256 low = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
    __m256 high = _mm256_add_ps(low, _mm256_set1_ps(8)), limit = _mm256_set1_ps((float)n);
    return (lanes_mask){_mm256_cmp_ps(low, limit, _CMP_LT_OQ),
                        _mm256_cmp_ps(high, limit, _CMP_LT_OQ)};
}
static inline lanes lanes_select(lanes_mask mask, lanes a, lanes b)
{
    return (lanes){_mm256_blendv_ps(b.low, a.low, mask.low),
                   _mm256_blendv_ps(b.high, a.high, mask.high)};
}
static inline float lanes_fold(lanes a)
{
    __m256 eight = _mm256_add_ps(a.low, a.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
static inline __m256 fold8(lanes a)
{
    return _mm256_add_ps(a.low, a.high);
}
static inline __m256 fold4(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
static inline __m256 fold2(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
}
static inline __m256 fold1(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}
/* Lane i of 8: lanes_fold(a[i]). */
static inline __m256 half_fold16(const lanes *a)
{
    __m256 four[4];
    for (int i = 0; i < 4; i++)
        four[i] = fold4(fold8(a[i]), fold8(a[i + 4]));
    return fold1(fold2(four[0], four[1]), fold2(four[2], four[3]));
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    return (lanes){half_fold16(a), half_fold16(a + 8)};
}

#elif defined __ARM_NEON && defined __aarch64__

#include <arm_neon.h>

#define LANES_FILTERS  6
#define LANES_TILES    1
#define LANES_PAIR     2
#define LANES_CHANNELS 2

typedef struct {
    float32x4_t at[4];
} lanes;
typedef struct {
    uint32x4_t at[4]; /* all bits of a chosen lane are set */
} lanes_mask;

/* result.at[i] = expression, for every quarter i */
#define EACH_QUARTER(type, expression)                                                             \
    type result;                                                                                   \
    for (int i = 0; i < 4; i++)                                                                    \
        result.at[i] = (expression);                                                               \
    return result

static inline lanes lanes_load(const float *at)
{
    EACH_QUARTER(lanes, vld1q_f32(at + 4 * i));
}
static inline void lanes_store(float *at, lanes a)
{
    for (int i = 0; i < 4; i++)
        vst1q_f32(at + 4 * i, a.at[i]);
}
static inline lanes lanes_all(float value)
{
    EACH_QUARTER(lanes, vdupq_n_f32(value));
}
static inline lanes lanes_add(lanes a, lanes b)
{
    EACH_QUARTER(lanes, vaddq_f32(a.at[i], b.at[i]));
}
static inline lanes lanes_subtract(lanes a, lanes b)
{
    EACH_QUARTER(lanes, vsubq_f32(a.at[i], b.at[i]));
}
static inline lanes lanes_multiply(lanes a, lanes b)
{
    EACH_QUARTER(lanes, vmulq_f32(a.at[i], b.at[i]));
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    EACH_QUARTER(lanes, vfmaq_f32(c.at[i], a.at[i], b.at[i]));
}
static inline lanes_mask lanes_beats(lanes a, lanes b)
{
    EACH_QUARTER(lanes_mask,
                 vorrq_u32(vcgtq_f32(a.at[i], b.at[i]), vmvnq_u32(vceqq_f32(a.at[i], a.at[i]))));
}
static inline lanes_mask lanes_positive(lanes a)
{
    EACH_QUARTER(lanes_mask, vmvnq_u32(vcleq_f32(a.at[i], vdupq_n_f32(0))));
}
static inline lanes lanes_bytes(const uint32_t *at, int shift)
{
    EACH_QUARTER(lanes,
                 vcvtq_f32_u32(vandq_u32(vshlq_u32(vld1q_u32(at + 4 * i), vdupq_n_s32(-shift)),
                                         vdupq_n_u32(255))));
}
static inline lanes lanes_rectify(lanes a)
{
    float32x4_t zero = vdupq_n_f32(0);
    EACH_QUARTER(lanes, vbslq_f32(vcgtq_f32(zero, a.at[i]), zero, a.at[i]));
}
static inline lanes_mask lanes_first(uint32_t n)
{
    static const uint32_t number[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    EACH_QUARTER(lanes_mask, vcltq_u32(vld1q_u32(number + 4 * i), vdupq_n_u32(n)));
}
static inline lanes lanes_select(lanes_mask mask, lanes a, lanes b)
{
    EACH_QUARTER(lanes, vbslq_f32(mask.at[i], a.at[i], b.at[i]));
}
static inline float lanes_fold(lanes a)
{
    float32x4_t four = vaddq_f32(vaddq_f32(a.at[0], a.at[2]), vaddq_f32(a.at[1], a.at[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    float sum[LANES];
    for (int i = 0; i < LANES; i++)
        sum[i] = lanes_fold(a[i]);
    return lanes_load(sum);
}

#else

#include <math.h>

#define LANES_FILTERS  2
#define LANES_TILES    2
#define LANES_PAIR     2
#define LANES_CHANNELS 2

typedef struct {
    float at[LANES];
} lanes;
typedef struct {
    _Bool at[LANES];
} lanes_mask;

/* result.at[i] = expression, for every lane i */
#define EACH_LANE(type, expression)                                                                \
    type result;                                                                                   \
    for (int i = 0; i < LANES; i++)                                                                \
        result.at[i] = (expression);                                                               \
    return result

static inline lanes lanes_load(const float *at)
{
    EACH_LANE(lanes, at[i]);
}
static inline void lanes_store(float *at, lanes a)
{
    for (int i = 0; i < LANES; i++)
        at[i] = a.at[i];
}
static inline lanes lanes_all(float value)
{
    EACH_LANE(lanes, value);
}
static inline lanes lanes_add(lanes a, lanes b)
{
    EACH_LANE(lanes, a.at[i] + b.at[i]);
}
static inline lanes lanes_subtract(lanes a, lanes b)
{
    EACH_LANE(lanes, a.at[i] - b.at[i]);
}
static inline lanes lanes_multiply(lanes a, lanes b)
{
    EACH_LANE(lanes, a.at[i] * b.at[i]);
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    EACH_LANE(lanes, fmaf(a.at[i], b.at[i], c.at[i]));
}
static inline lanes_mask lanes_beats(lanes a, lanes b)
{
    EACH_LANE(lanes_mask, a.at[i] > b.at[i] || a.at[i] != a.at[i]);
}
static inline lanes_mask lanes_positive(lanes a)
{
    EACH_LANE(lanes_mask, !(a.at[i] <= 0));
}
static inline lanes lanes_bytes(const uint32_t *at, int shift)
{
    EACH_LANE(lanes, (float)(at[i] >> shift & 255));
}
static inline lanes lanes_rectify(lanes a)
{
    EACH_LANE(lanes, 0 > a.at[i] ? 0 : a.at[i]);
}
static inline lanes_mask lanes_first(uint32_t n)
{
    EACH_LANE(lanes_mask, (uint32_t)i < n);
}
static inline lanes lanes_select(lanes_mask mask, lanes a, lanes b)
{
    EACH_LANE(lanes, mask.at[i] ? a.at[i] : b.at[i]);
}
static inline float lanes_fold(lanes a)
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.at[i] += a.at[i + half];
    return a.at[0];
}
static inline lanes lanes_fold16(const lanes a[LANES])
{
    EACH_LANE(lanes, lanes_fold(a[i]));
}

#endif

static inline lanes lanes_zero(void)
{
    return lanes_all(0);
}

#endif
