/* The one-dimensional transforms of Winograd's fast convolution F(4, 3): four results of a filter
 * with three taps from six pixels, by six products instead of twelve (Lavin, Gray, "Fast algorithms
 * for convolutional neural networks", 2016). Applied to columns, then to rows, they give F(4×4,
 * 3×3): 36 products for 16 results instead of 144.
 *
 *   results = Aᵀ ((G·taps) ⊙ (Bᵀ·pixels))
 *
 * The products are values of polynomials at the points 0, ±5/8, ±3/2 and ∞. These points are exact
 * in float, so are all coefficients made of them but G's divisors, and they round less than the
 * usual 0, ±1, ±2, ∞: measured over 32 channels, root mean square 5.4e-7 of the result's against
 * 1.0e-6 (direct convolution: 2.2e-7), for the weights' gradient 1.3e-6 against 3.0e-6.
 *
 * The gradient of the taps is the same formula read backwards: taps' = Gᵀ Σ ((A·results') ⊙
 * (Bᵀ·pixels)). */
#ifndef PSWEEP_WINOGRAD_H
#define PSWEEP_WINOGRAD_H

#include "each.h"

#define POINT_A  0.625f
#define POINT_B  1.5f
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)
#define CUBE_A   (POINT_A * SQUARE_A)
#define CUBE_B   (POINT_B * SQUARE_B)
/* The products of a point's distances from the other finite points. */
#define DIVISOR_0 (SQUARE_A * SQUARE_B)
#define DIVISOR_A (2 * SQUARE_A * (SQUARE_A - SQUARE_B))
#define DIVISOR_B (2 * SQUARE_B * (SQUARE_B - SQUARE_A))

SPECIALISED lanes times(float factor, lanes a)
{
    return lanes_multiply(lanes_all(factor), a);
}

/* factor·a + b */
SPECIALISED lanes more(float factor, lanes a, lanes b)
{
    return lanes_fma(lanes_all(factor), a, b);
}

/* count vectors, next floats from one to the next. The compiler is held to one addition for each.
 */
SPECIALISED void load_each(const float *from, size_t next, int count, lanes *to)
{
    for (int i = 0; i < count; i++, from += next)
        to[i] = lanes_load(from);
}

SPECIALISED void store_each(float *to, size_t next, int count, const lanes *from)
{
    for (int i = 0; i < count; i++, to += next)
        lanes_store(to, from[i]);
}

/* Bᵀ */
SPECIALISED void transform_pixels(const lanes d[6], lanes t[6])
{
    lanes even_a = more(-SQUARE_B, d[2], d[4]), odd_a = more(-SQUARE_B, d[1], d[3]);
    lanes even_b = more(-SQUARE_A, d[2], d[4]), odd_b = more(-SQUARE_A, d[1], d[3]);
    t[0] = more(SQUARE_A * SQUARE_B, d[0], more(-(SQUARE_A + SQUARE_B), d[2], d[4]));
    lanes a = times(POINT_A, odd_a), b = times(POINT_B, odd_b);
    t[1] = lanes_add(even_a, a);
    t[2] = lanes_subtract(even_a, a);
    t[3] = lanes_add(even_b, b);
    t[4] = lanes_subtract(even_b, b);
    t[5] = more(SQUARE_A * SQUARE_B, d[1], more(-(SQUARE_A + SQUARE_B), d[3], d[5]));
}

/* Aᵀ */
SPECIALISED void transform_products(const lanes m[6], lanes y[4])
{
    lanes sum_a = lanes_add(m[1], m[2]), sum_b = lanes_add(m[3], m[4]);
    lanes less_a = lanes_subtract(m[1], m[2]), less_b = lanes_subtract(m[3], m[4]);
    y[0] = lanes_add(m[0], lanes_add(sum_a, sum_b));
    y[1] = more(POINT_A, less_a, times(POINT_B, less_b));
    y[2] = more(SQUARE_A, sum_a, times(SQUARE_B, sum_b));
    y[3] = more(CUBE_A, less_a, more(CUBE_B, less_b, m[5]));
}

/* A */
SPECIALISED void transform_results(const lanes y[4], lanes t[6])
{
    lanes even_a = more(SQUARE_A, y[2], y[0]), odd_a = more(SQUARE_A, y[3], y[1]);
    lanes even_b = more(SQUARE_B, y[2], y[0]), odd_b = more(SQUARE_B, y[3], y[1]);
    lanes a = times(POINT_A, odd_a), b = times(POINT_B, odd_b);
    t[0] = y[0];
    t[1] = lanes_add(even_a, a);
    t[2] = lanes_subtract(even_a, a);
    t[3] = lanes_add(even_b, b);
    t[4] = lanes_subtract(even_b, b);
    t[5] = y[3];
}

/* G */
SPECIALISED void transform_taps(const lanes g[3], lanes t[6])
{
    lanes even_a = more(SQUARE_A / DIVISOR_A, g[2], times(1 / DIVISOR_A, g[0]));
    lanes even_b = more(SQUARE_B / DIVISOR_B, g[2], times(1 / DIVISOR_B, g[0]));
    t[0] = times(1 / DIVISOR_0, g[0]);
    t[1] = more(POINT_A / DIVISOR_A, g[1], even_a);
    t[2] = more(-POINT_A / DIVISOR_A, g[1], even_a);
    t[3] = more(POINT_B / DIVISOR_B, g[1], even_b);
    t[4] = more(-POINT_B / DIVISOR_B, g[1], even_b);
    t[5] = g[2];
}

/* Gᵀ */
SPECIALISED void transform_sums(const lanes p[6], lanes g[3])
{
    lanes sum_a = lanes_add(p[1], p[2]), sum_b = lanes_add(p[3], p[4]);
    lanes less_a = lanes_subtract(p[1], p[2]), less_b = lanes_subtract(p[3], p[4]);
    g[0] = more(1 / DIVISOR_A, sum_a, more(1 / DIVISOR_B, sum_b, times(1 / DIVISOR_0, p[0])));
    g[1] = more(POINT_A / DIVISOR_A, less_a, times(POINT_B / DIVISOR_B, less_b));
    g[2] = more(SQUARE_A / DIVISOR_A, sum_a, more(SQUARE_B / DIVISOR_B, sum_b, p[5]));
}

#endif
