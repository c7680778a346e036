/* The convolution kernels of each instruction set at odd shapes: forward, data gradient and weight
 * gradient against sums in double precision straight from their definition, and against each other,
 * bit by bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "nn/cpu/kernels.h"
#include "random.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

static const struct size {
    int channels, filters, height, width;
    uint32_t live; /* lanes with an image */
} sizes[] = {
    {1, 1, 5, 7, 16},   {67, 3, 5, 7, 16},   {2, 67, 1, 1, 1},   {13, 5, 4, 4, 7},
    {3, 16, 12, 33, 3}, {64, 64, 2, 2, 16},  {7, 6, 9, 18, 15},  {9, 11, 32, 32, 1},
    {5, 4, 8, 3, 16},   {18, 36, 16, 16, 2}, {6, 22, 3, 40, 16}, {33, 17, 8, 8, 11},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* The largest error, as a share of the root mean square of what is expected. Winograd's sums are of
 * products some five times as large as what they make (winograd.h): the mean error is 5e-7, the
 * largest of some 100,000 up to twenty times that. Direct sums of these sizes are off by up to
 * 2e-6.
 */
static const double TOLERANCE = 1e-5;

static float *vectors(size_t count)
{
    float *v = aligned_alloc(64, count * LANES * sizeof *v);
    if (v == NULL)
        die(FAILED, "no memory");
    memset(v, 0, count * LANES * sizeof *v);
    return v;
}

static float *noise(size_t count, uint32_t what)
{
    float *v = vectors((count + LANES - 1) / LANES);
    for (size_t i = 0; i < count; i++)
        v[i] = (float)random_unit(philox(7, what, i, PURPOSE_SYNTH).word[0]) - 0.5f;
    return v;
}

/* One convolution with all that it needs; x, y: [channels or filters][height][width][LANES]. */
struct layer_test {
    struct size s;
    size_t plane; /* floats */
    float *weights, *x, *dy;
    float *y, *dx, *dw; /* what the kernels make of them; dw: [filters][channels][9] */
};

static int strips(const struct size *s)
{
    return (s->height + TILE - 1) / TILE;
}

/* out[to][pixel] = Σ weight·in, by the kernels, in a single piece; flip: the data gradient, whose
 * pixels of lanes without an image must be 0. */
static void convolve(const struct kernels *k, const struct layer_test *t, int flip, const float *in,
                     int from, int to, float *out)
{
    int across = (t->s.width + TILE - 1) / TILE, tiles = strips(&t->s) * across;
    float *strip = vectors(6 * ((size_t)across * TILE + 2));
    float *pixels = vectors(PLACES * place_floats(from, tiles) / LANES);
    float *products = vectors(PLACES * place_floats(to, tiles) / LANES);
    float *weights = vectors(PLACES * weights_place(to, from) / LANES);
    struct input_tiles at = {strip, pixels, place_floats(from, tiles), across};
    struct normal plain = {.gain = 1};
    for (int c = 0; c < from; c++)
        for (int i = 0; i < strips(&t->s); i++, at.at += across * LANES)
            if (flip) {
                struct output o = {t->y, &plain, 1, t->s.height, t->s.width, POOL_NONE};
                k->input_transform_gradient(&o, in + (size_t)c * t->plane, i * TILE, t->s.live,
                                            &at);
            } else {
                k->input_transform_image(in + (size_t)c * t->plane, t->s.height, t->s.width,
                                         i * TILE, &at);
            }
    for (int c = 0; c < from; c++)
        k->filter_transform(t->weights + (flip ? c * t->s.channels : c) * 9,
                            (size_t)(flip ? 1 : t->s.channels) * 9, 3, flip, to,
                            weights + (size_t)c * LANES, (size_t)from * LANES,
                            weights_place(to, from));
    struct product p = {pixels,
                        weights,
                        products,
                        place_floats(from, tiles),
                        weights_place(to, from),
                        place_floats(to, tiles),
                        (size_t)from * LANES,
                        from,
                        0,
                        to,
                        tiles};
    k->multiply(&p);
    for (int f = 0; f < to; f++)
        for (int i = 0; i < strips(&t->s); i++) {
            struct output_tiles g = {products + (f * tiles + i * across) * LANES,
                                     p.products_place,
                                     t->s.height - i * TILE,
                                     t->s.width,
                                     out + (size_t)f * t->plane +
                                         (size_t)(i * TILE * t->s.width) * LANES,
                                     0};
            k->output_transform(&g, 0.25f, NULL, 0);
        }
    free(strip);
    free(pixels);
    free(products);
    free(weights);
}

static void correlate(const struct kernels *k, const struct layer_test *t)
{
    int across = (t->s.width + TILE - 1) / TILE, tiles = strips(&t->s) * across;
    int quads = correlation_quads(t->s.channels);
    float *strip = vectors(6 * ((size_t)across * TILE + 2));
    float *pixels = vectors(PLACES * place_floats(t->s.channels, tiles) / LANES);
    float *gradients = vectors(PLACES * place_floats(QUAD, tiles) / LANES);
    float *folded = vectors(PLACES * (size_t)quads), *made = vectors(9 * (size_t)quads);
    struct input_tiles at = {strip, pixels, place_floats(t->s.channels, tiles), across};
    struct normal plain = {.gain = 1};
    struct output o = {t->y, &plain, 1, t->s.height, t->s.width, POOL_NONE};
    for (int c = 0; c < t->s.channels; c++)
        for (int i = 0; i < strips(&t->s); i++, at.at += across * LANES)
            k->input_transform_image(t->x + (size_t)c * t->plane, t->s.height, t->s.width, i * TILE,
                                     &at);
    for (int filter = 0; filter < t->s.filters; filter += QUAD) {
        int rest = t->s.filters - filter;
        struct correlation c = {gradients,
                                pixels,
                                place_floats(QUAD, tiles),
                                place_floats(t->s.channels, tiles),
                                rest < QUAD ? rest : QUAD,
                                t->s.channels,
                                tiles};
        at = (struct input_tiles){strip, gradients, c.gradients_place, across};
        for (int f = 0; f < c.filters; f++)
            for (int i = 0; i < strips(&t->s); i++, at.at += across * LANES)
                k->input_transform_results(&o, t->dy + (size_t)(filter + f) * t->plane, i * TILE,
                                           t->s.live, &at);
        k->correlate(&c, folded, made);
        for (int f = 0; f < c.filters; f++)
            for (int channel = 0; channel < t->s.channels; channel++)
                for (int tap = 0; tap < 9; tap++)
                    t->dw[((filter + f) * t->s.channels + channel) * 9 + tap] =
                        made[(channel / QUAD * 9 + tap) * LANES + f * QUAD + channel % QUAD];
    }
    free(strip);
    free(pixels);
    free(gradients);
    free(folded);
    free(made);
}

static struct layer_test *make(const struct size *s)
{
    struct layer_test *t = ealloc(1, sizeof *t);
    t->s = *s;
    t->plane = (size_t)(s->height * s->width) * LANES;
    size_t in = (size_t)s->channels * t->plane, out = (size_t)s->filters * t->plane;
    t->weights = noise((size_t)(s->filters * s->channels) * 9 + LANES, 1);
    t->x = noise(in, 2);
    t->dy = noise(out, 3);
    t->y = vectors(out / LANES);
    t->dx = vectors(in / LANES);
    t->dw = vectors((size_t)(s->filters * s->channels) * 9);
    return t;
}

static void end(struct layer_test *t)
{
    float *all[] = {t->weights, t->x, t->dy, t->y, t->dx, t->dw};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(t);
}

static void run(const struct kernels *k, struct layer_test *t)
{
    convolve(k, t, 0, t->x, t->s.channels, t->s.filters, t->y);
    convolve(k, t, 1, t->dy, t->s.filters, t->s.channels, t->dx);
    correlate(k, t);
}

/* The definition: y, dx (+ the same bias) and dw in double precision. */
struct expected {
    double *y, *dx, *dw;
};

static void define(const struct layer_test *t, const struct expected *e)
{
    const struct size *s = &t->s;
    for (size_t i = 0; i < (size_t)s->filters * t->plane; i++)
        e->y[i] = 0.25;
    for (size_t i = 0; i < (size_t)s->channels * t->plane; i++)
        e->dx[i] = 0.25;
    for (int f = 0; f < s->filters; f++)
        for (int c = 0; c < s->channels; c++)
            for (int tap = 0; tap < 9; tap++)
                for (int row = 0; row < s->height; row++)
                    for (int column = 0; column < s->width; column++) {
                        int r = row + tap / 3 - 1, k = column + tap % 3 - 1;
                        if (r < 0 || r >= s->height || k < 0 || k >= s->width)
                            continue;
                        size_t weight =
                            ((size_t)f * (size_t)s->channels + (size_t)c) * 9 + (size_t)tap;
                        size_t x = (size_t)c * t->plane + (size_t)(r * s->width + k) * LANES;
                        size_t y = (size_t)f * t->plane + (size_t)(row * s->width + column) * LANES;
                        for (uint32_t lane = 0; lane < LANES; lane++) {
                            double dy = lane < s->live ? t->dy[y + lane] : 0;
                            e->y[y + lane] += (double)t->weights[weight] * t->x[x + lane];
                            e->dx[x + lane] += t->weights[weight] * dy;
                            e->dw[weight] += t->x[x + lane] * dy;
                        }
                    }
}

/* The largest error as a share of the root mean square, over the first lanes of each vector. */
static double error(const float *found, const double *expected, size_t n, uint32_t lanes_used)
{
    double most = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        square += i % LANES < lanes_used ? expected[i] * expected[i] : 0;
        if (!(fabs(found[i] - expected[i]) <= most))
            most = fabs(found[i] - expected[i]);
    }
    return most / sqrt(square / (double)n * LANES / lanes_used);
}

static double worst_error(const struct layer_test *t, const struct expected *e, int print)
{
    size_t out = (size_t)t->s.filters * t->plane, in = (size_t)t->s.channels * t->plane;
    double y = error(t->y, e->y, out, LANES), dx = error(t->dx, e->dx, in, t->s.live),
           dw = error(t->dw, e->dw, (size_t)(t->s.filters * t->s.channels) * 9, LANES);
    if (print)
        printf(
            "# %2d -> %2d channels, %2dx%-2d, %2u lanes: forward %.1e, data %.1e, weights %.1e\n",
            t->s.channels, t->s.filters, t->s.height, t->s.width, t->s.live, y, dx, dw);
    return fmax(y, fmax(dx, dw));
}

static void test_against_the_definition(void **state)
{
    (void)state;
    const struct kernels *k = kernels_choose("auto");
    for (int i = 0; i < SIZES; i++) {
        struct layer_test *t = make(&sizes[i]);
        size_t in = (size_t)t->s.channels * t->plane, out = (size_t)t->s.filters * t->plane;
        struct expected e = {ealloc(out, sizeof(double)), ealloc(in, sizeof(double)),
                             ealloc((size_t)(t->s.filters * t->s.channels) * 9, sizeof(double))};
        define(t, &e);
        run(k, t);
        double most = worst_error(t, &e, 1);
        assert_true(most <= TOLERANCE);

        /* a weight that is off by little, or a pixel at the edge, is found */
        float *planted[] = {&t->weights[t->s.filters * t->s.channels * 9 - 5], &t->x[in - LANES],
                            &t->dy[out - LANES]};
        for (int p = 0; p < 3; p++) {
            float kept = *planted[p];
            *planted[p] += 0.01f;
            run(k, t);
            assert_true(worst_error(t, &e, 0) > TOLERANCE);
            *planted[p] = kept;
        }
        free(e.y);
        free(e.dx);
        free(e.dw);
        end(t);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    const char *isa[] = {"avx512", "avx2", "neon"};
    for (int i = 0; i < SIZES; i++) {
        struct layer_test *plain = make(&sizes[i]), *other = make(&sizes[i]);
        size_t in = (size_t)plain->s.channels * plain->plane,
               out = (size_t)plain->s.filters * plain->plane;
        run(kernels_choose("c"), plain);
        for (size_t n = 0; n < sizeof isa / sizeof *isa; n++) {
            const struct kernels *k = kernels_choose(isa[n]);
            if (k == NULL)
                continue;
            run(k, other);
            assert_memory_equal(other->y, plain->y, out * sizeof(float));
            assert_memory_equal(other->dx, plain->dx, in * sizeof(float));
            assert_memory_equal(other->dw, plain->dw,
                                (size_t)(plain->s.filters * plain->s.channels) * 9 * sizeof(float));
        }
        end(plain);
        end(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_definition),
        cmocka_unit_test(test_same_bits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
