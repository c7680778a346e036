/* Exponential, logarithm, powers, sine and cosine whose bits are the same everywhere.
 *
 * The C library's differ between versions and processors, and what they return reaches the stream
 * (losses, gradients, views). These use only IEEE additions, multiplications and divisions in
 * double, each rounded once, so every machine computes the same. Error below 1 unit in the last
 * place, measured against a longer type (tests/unit/maths_test.c).
 */
#ifndef PSWEEP_MATHS_H
#define PSWEEP_MATHS_H

#include <stdint.h>

/* e^x. Overflow gives infinity, underflow rounds to subnormals and 0, NaN stays NaN. */
double maths_exp(double x);

/* Natural logarithm. maths_log(0) is -infinity; of a negative number or a NaN it is NaN. */
double maths_log(double x);

/* x^n. Each of its multiplications doubles the error so far and adds one of its own: n / 2 units in
 * the last place where x is no exact power, and the less matters the smaller x^n has become. */
double maths_power(double x, uint64_t n);

/* Sine and cosine of x in radians, |x| ≤ 2^20; beyond that, and of a NaN, NaN. */
double maths_sin(double x);
double maths_cos(double x);

#endif
