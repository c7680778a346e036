/* Argument reduction and a Taylor series long enough for double. */
#include "maths.h"

#include <math.h>
#include <string.h>

/* ln 2 in two parts: the first has 20 zero bits at its end, so that k·LN2_HIGH is exact for |k| <
 * 2^11. */
static const double LN2_HIGH = 0x1.62e42fee00000p-1, LN2_LOW = 0x1.a39ef35793c76p-33;
static const double LOG2_E = 0x1.71547652b82fep+0;

/* 2^k for a normal result, -1022 ≤ k ≤ 1023. */
static double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double maths_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.8)
        return INFINITY;
    if (x < -745.2)
        return 0;

    /* x = k·ln 2 + r, |r| ≤ 0.3466: e^x = 2^k·(1 + (r + r²·(1/2! + r/3! + …))) */
    int k = (int)(x * LOG2_E + (x < 0 ? -0.5 : 0.5));
    double high = x - k * LN2_HIGH, low = k * LN2_LOW, r = high - low;
    double series = 0;
    static const double inverse_factorial[] = {
        1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
        1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
    };
    for (int i = sizeof inverse_factorial / sizeof *inverse_factorial - 1; i >= 0; i--)
        series = series * r + inverse_factorial[i];
    /* what rounding r lost: (high - low) - r, to first order added back */
    double lost = (high - r) - low;
    double result = 1 + (r + (r * r * series + lost));

    /* in two steps where 2^k is no normal number: one rounding too many, in subnormals only */
    if (k > 1023)
        return result * 2 * power_of_two(k - 1);
    if (k < -1022)
        return result * power_of_two(k + 64) * 0x1p-64;
    return result * power_of_two(k);
}

double maths_log(double x)
{
    if (x != x || x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    if (x == INFINITY)
        return x;

    int k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    /* x = 2^k·m with m in [√½, √2) */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m /= 2;
        k++;
    }

    /* With f = m - 1 (exact) and s = f / (2 + f): log m = 2·artanh s = 2s + s·t, t = 2s²/3 + 2s⁴/5
     * + … and 2s = f - s·f = f - (f²/2 - s·f²/2), which keeps f, the large part, free of rounding.
     */
    double f = m - 1, s = f / (2 + f), square = s * s, half = 0.5 * f * f, t = 0;
    for (int n = 25; n >= 3; n -= 2)
        t = t * square + 2.0 / n;
    t *= square;
    return k * LN2_HIGH + (f - ((half - s * (half + t)) - k * LN2_LOW));
}

double maths_power(double x, uint64_t n)
{
    double result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

/* x = k·π/2 + high + low, |high| ≤ π/4; low is what high lost by rounding. k, or -1 where there is
 * none; its last two bits count. */
static int quarter_turns(double x, double *high, double *low)
{
    /* π/2 in three parts; the first two have 33 bits, so that k of them are exact. */
    static const double PART[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};
    if (!(fabs(x) <= 0x1p20))
        return -1;
    int k = (int)(x * 0x1.45f306dc9c883p-1 + (x < 0 ? -0.5 : 0.5));
    double rest = x - k * PART[0], part = k * PART[1], last = k * PART[2], coarse = rest - part;
    double lost = (rest - coarse) - part - last;
    *high = coarse + lost;
    *low = (coarse - *high) + lost;
    return k & 3;
}

/* r + r³·(-1/3! + r²/5! - …), and to first order what low adds. */
static double sine_series(double r, double low)
{
    static const double inverse_factorial[] = {
        -1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
        -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000,
    };
    double square = r * r, series = 0;
    for (int i = sizeof inverse_factorial / sizeof *inverse_factorial - 1; i >= 0; i--)
        series = series * square + inverse_factorial[i];
    return r + (r * square * series + low * (1 - 0.5 * square));
}

/* 1 - r²/2 + r⁴·(1/4! - r²/6! + …), and to first order what low takes away. */
static double cosine_series(double r, double low)
{
    static const double inverse_factorial[] = {
        1.0 / 24,        -1.0 / 720,         1.0 / 40320,          -1.0 / 3628800,
        1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000, -1.0 / 6402373705728000,
    };
    double square = r * r, half = 0.5 * square, series = 0;
    for (int i = sizeof inverse_factorial / sizeof *inverse_factorial - 1; i >= 0; i--)
        series = series * square + inverse_factorial[i];
    double coarse = 1 - half;
    return coarse + (((1 - coarse) - half) + (square * square * series - r * low));
}

double maths_sin(double x)
{
    double high, low;
    int turns = quarter_turns(x, &high, &low);
    if (turns < 0)
        return NAN;
    double value = turns & 1 ? cosine_series(high, low) : sine_series(high, low);
    return turns & 2 ? -value : value;
}

double maths_cos(double x)
{
    double high, low;
    int turns = quarter_turns(x, &high, &low);
    if (turns < 0)
        return NAN;
    double value = turns & 1 ? sine_series(high, low) : cosine_series(high, low);
    return turns == 1 || turns == 2 ? -value : value;
}
