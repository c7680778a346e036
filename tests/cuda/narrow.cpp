/* How the kernels narrow a float to bfloat16 and widen it: every bfloat16 with all that can lie
 * between it and the next, beside a search for the nearest.
 *
 *     narrow
 */
#include "nn/cuda/common.cuh"

#include <cstdio>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest of the two beside it, by their distance; the even one where both are as near. What is
 * beyond the largest rounds as if there were one more. */
static uint32_t nearest(uint32_t bits)
{
    uint32_t below = bits >> 16, above = below + 1;
    double value = float_of(bits), low = float_of(below << 16), high = float_of(above << 16);
    if ((bits & 0x7fffffff) >= 0x7f7f0000 && (bits & 0x7fffffff) < 0x7f800000)
        high = low > 0 ? 0x1p128 : -0x1p128;
    double down = fabs(value - low), up = fabs(high - value);
    return down < up || (down == up && below % 2 == 0) ? below : above;
}

static bool wrong(uint32_t bits)
{
    struct bf16 stored;
    float value = float_of(bits);
    store(&stored, value);
    float back = wide(stored);
    if (value != value)
        return back == back;
    if (isinf(value))
        return back != value;
    return stored.bits != nearest(bits) || float_of((uint32_t)stored.bits << 16) != back;
}

int main()
{
    static const uint32_t between[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    int errors = 0;
    for (uint32_t upper = 0; upper < 0x10000; upper++)
        for (uint32_t lower : between)
            if (wrong(upper << 16 | lower) && errors++ < 10)
                printf("%.9g is narrowed to another value than the nearest\n",
                       (double)float_of(upper << 16 | lower));
    return errors == 0 ? 0 : 1;
}
