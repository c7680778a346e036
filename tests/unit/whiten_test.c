/* Filters that whiten: eigenvectors of matrices whose own are known, and patches whose covariance
 * is the unit matrix behind the filters. */
#include "message.h"
#include "nn/whiten.h"
#include "random.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void eigenvectors_by_hand(void **state)
{
    (void)state;
    double values[3], vectors[9], root = sqrt(0.5);
    /* (2 1; 1 2): 3 along (1, 1), 1 along (1, -1); and a third axis by itself. */
    double a[] = {2, 1, 0, 1, 2, 0, 0, 0, 2.5};
    whiten_eigen(3, a, values, vectors);
    double wanted[] = {root, root, 0, 0, 0, 1, root, -root, 0};
    for (int i = 0; i < 9; i++)
        assert_true(fabs(vectors[i] - wanted[i]) < 1e-14);
    assert_true(fabs(values[0] - 3) < 1e-14 && fabs(values[1] - 2.5) < 1e-14 &&
                fabs(values[2] - 1) < 1e-14);
}

/* Q·diagonal·Qᵀ for a reflection Q = 1 - 2uuᵀ: its eigenvectors are the columns of Q. */
static void eigenvectors_of_a_reflection(void **state)
{
    enum { SIZE = 27 };
    (void)state;
    double u[SIZE], a[SIZE * SIZE], values[SIZE], vectors[SIZE * SIZE], length = 0;
    for (int i = 0; i < SIZE; i++) {
        u[i] = random_unit(philox(1, 0, (uint64_t)i, PURPOSE_SYNTH).word[0]) - 0.5;
        length += u[i] * u[i];
    }
    for (int i = 0; i < SIZE; i++)
        u[i] /= sqrt(length);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            double sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += ((i == k) - 2 * u[i] * u[k]) * (k + 1) * ((j == k) - 2 * u[j] * u[k]);
            a[i * SIZE + j] = sum;
        }
    whiten_eigen(SIZE, a, values, vectors);
    for (int i = 0; i < SIZE; i++) {
        int k = SIZE - 1 - i;
        double along = 0;
        assert_true(fabs(values[i] - (k + 1)) < 1e-12);
        for (int j = 0; j < SIZE; j++)
            along += vectors[i * SIZE + j] * ((j == k) - 2 * u[j] * u[k]);
        assert_true(fabs(fabs(along) - 1) < 1e-12);
    }
}

/* What a filter gives at a place of an image. */
static double answer(const struct net_shape *s, const float *filter, const uint8_t *image,
                     const double *deviation, uint32_t row, uint32_t column)
{
    double sum = 0;
    for (uint32_t c = 0; c < s->channels; c++)
        for (uint32_t y = 0; y < 3; y++)
            for (uint32_t x = 0; x < 3; x++)
                sum += (double)filter[(c * 3 + y) * 3 + x] *
                       image[((row + y) * s->width + column + x) * s->channels + c] / deviation[c];
    return sum;
}

static void patches_become_white(void **state)
{
    enum { HEIGHT = 12, WIDTH = 10, CHANNELS = 2, COUNT = 20, FILTERS = 36, VALUES = FILTERS / 2 };
    static struct net net;
    static uint8_t image[COUNT][HEIGHT][WIDTH][CHANNELS];
    static double sum[VALUES], product[VALUES][VALUES];
    double deviation[CHANNELS] = {40, 70}, patches = COUNT * (HEIGHT - 2) * (WIDTH - 2);
    struct net_shape shape = {0, 0, HEIGHT, WIDTH, CHANNELS, 2, "36w-4"};
    (void)state;
    /* Neighbours and channels that go together. */
    for (int n = 0; n < COUNT; n++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                struct random r = philox(2, (uint32_t)n, (uint64_t)(y * WIDTH + x), PURPOSE_SYNTH);
                uint32_t left = x > 0 ? image[n][y][x - 1][0] : 100;
                image[n][y][x][0] = (uint8_t)((left + random_below(r.word[0], 256)) / 2);
                image[n][y][x][1] =
                    (uint8_t)((image[n][y][x][0] + random_below(r.word[1], 256)) / 2);
            }
    assert_int_equal(net_make(&net, &shape), 0);
    assert_true(whiten_wanted(&net));
    assert_int_equal(whiten_check(&net), 0);
    float *parameters = ealloc(net.parameters, sizeof *parameters);
    whiten(&net, &image[0][0][0][0], COUNT, deviation, parameters);

    for (int n = 0; n < COUNT; n++)
        for (uint32_t y = 0; y + 2 < HEIGHT; y++)
            for (uint32_t x = 0; x + 2 < WIDTH; x++) {
                double value[VALUES];
                for (int f = 0; f < VALUES; f++) {
                    const float *filter = parameters + 2 * f * 9 * CHANNELS;
                    value[f] = answer(&shape, filter, &image[n][0][0][0], deviation, y, x);
                    sum[f] += value[f] / patches;
                    for (int g = 0; g <= f; g++)
                        product[f][g] += value[f] * value[g] / patches;
                }
            }
    double worst = 0;
    for (int f = 0; f < VALUES; f++)
        for (int g = 0; g <= f; g++) {
            double off = fabs(product[f][g] - sum[f] * sum[g] - (f == g));
            worst = off > worst ? off : worst;
        }
    print_message("# covariance behind the filters: at most %g from the unit matrix\n", worst);
    assert_true(worst < 0.005); /* what 5e-4 takes of the least eigenvalue, about 0.2 */
    for (int i = 0; i < 9 * CHANNELS; i++)
        for (int f = 0; f < VALUES; f++)
            assert_true(parameters[2 * f * 18 + i] == -parameters[(2 * f + 1) * 18 + i]);
    free(parameters);
}

static void one_colour_has_nothing_to_whiten(void **state)
{
    static struct net net;
    uint8_t image[5 * 5];
    struct net_shape shape = {0, 0, 5, 5, 1, 2, "2w-4"};
    (void)state;
    memset(image, 77, sizeof image);
    assert_int_equal(net_make(&net, &shape), 0);
    float *parameters = ealloc(net.parameters, sizeof *parameters);
    whiten(&net, image, 1, (double[]){1}, parameters);
    double length = 0;
    for (int i = 0; i < 9; i++)
        length += (double)parameters[i] * parameters[i];
    assert_true(fabs(length * WHITEN_EPSILON - 1) < 1e-6);
    free(parameters);
}

static void refused(const char *stages, uint32_t side, const char *sentence)
{
    static struct net net;
    struct net_shape shape = {0, 0, side, side, 1, 2, ""};
    strcpy(shape.stages, stages);
    assert_int_equal(net_make(&net, &shape), 0);
    assert_int_equal(whiten_check(&net), -1);
    assert_string_equal(why(), sentence);
}

static void filters_that_cannot_whiten(void **state)
{
    (void)state;
    refused("7w-4", 5,
            "the first stage whitens with pairs of filters, an even number and, for images of 1 "
            "channel, at most 18; not 7");
    refused("20w-4", 5,
            "the first stage whitens with pairs of filters, an even number and, for images of 1 "
            "channel, at most 18; not 20");
    refused("18w-4", 2, "images of 2×2 have no patches of 3×3 to be whitened");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvectors_by_hand),
        cmocka_unit_test(eigenvectors_of_a_reflection),
        cmocka_unit_test(patches_become_white),
        cmocka_unit_test(one_colour_has_nothing_to_whiten),
        cmocka_unit_test(filters_that_cannot_whiten),
    };
    return RUN_TESTS(tests);
}
