#include "whiten.h"

#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 3, MOST_VALUES = SIDE * SIDE * NET_MAX_CHANNELS };

int whiten_wanted(const struct net *net)
{
    return net->layer[0].fixed;
}

int whiten_check(const struct net *net)
{
    const struct net_shape *s = &net->shape;
    uint32_t filters = net->layer[0].out_channels, most = 2 * SIDE * SIDE * s->channels;
    if (!whiten_wanted(net))
        return 0;
    if (filters % 2 || filters > most)
        return fail_as(filters % 2 ? USAGE : FAILED,
                       "the first stage whitens with pairs of filters, an even number and, for "
                       "images of %u channel%s, at most %u; not %u",
                       s->channels, plural(s->channels), most, filters);
    if (s->height < SIDE || s->width < SIDE)
        return fail("images of %u×%u have no patches of 3×3 to be whitened", s->height, s->width);
    return 0;
}

/* sum[size] and product[size][size], its upper half, over all patches of an image. A patch's values
 * stand as a filter's weights do: [channel][row][column]. */
static void add_patches(const struct net_shape *s, const uint8_t *image, uint64_t *sum,
                        uint64_t *product)
{
    uint32_t channels = s->channels, size = SIDE * SIDE * channels;
    uint32_t patch[MOST_VALUES];
    for (uint32_t row = 0; row + SIDE <= s->height; row++)
        for (uint32_t column = 0; column + SIDE <= s->width; column++) {
            for (uint32_t i = 0; i < size; i++) {
                uint32_t y = row + i / SIDE % SIDE, x = column + i % SIDE;
                patch[i] = image[((size_t)y * s->width + x) * channels + i / (SIDE * SIDE)];
            }
            for (uint32_t i = 0; i < size; i++) {
                sum[i] += patch[i];
                for (uint32_t j = i; j < size; j++)
                    product[i * size + j] += patch[i] * patch[j];
            }
        }
}

/* Turns rows and columns p and q so that a[p][q] becomes 0 (Golub, Van Loan, "Matrix
 * Computations", 8.5). */
static void rotate(uint32_t size, double *a, double *vectors, uint32_t p, uint32_t q)
{
    double apq = a[p * size + q];
    if (apq == 0)
        return;
    double tau = (a[q * size + q] - a[p * size + p]) / (2 * apq);
    double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau));
    double c = 1 / sqrt(1 + t * t), s = t * c;
    for (uint32_t k = 0; k < size; k++) {
        double kp = a[k * size + p], kq = a[k * size + q];
        a[k * size + p] = c * kp - s * kq;
        a[k * size + q] = s * kp + c * kq;
    }
    for (uint32_t k = 0; k < size; k++) {
        double pk = a[p * size + k], qk = a[q * size + k];
        a[p * size + k] = c * pk - s * qk;
        a[q * size + k] = s * pk + c * qk;
        double vp = vectors[p * size + k], vq = vectors[q * size + k];
        vectors[p * size + k] = c * vp - s * vq;
        vectors[q * size + k] = s * vp + c * vq;
    }
    a[p * size + q] = a[q * size + p] = 0;
}

/* The sum of the squares off the diagonal. */
static double off_diagonal(uint32_t size, const double *a)
{
    double sum = 0;
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < size; j++)
            sum += i == j ? 0 : a[i * size + j] * a[i * size + j];
    return sum;
}

static void swap_rows(uint32_t size, double *vectors, uint32_t i, uint32_t j)
{
    for (uint32_t k = 0; k < size; k++) {
        double kept = vectors[i * size + k];
        vectors[i * size + k] = vectors[j * size + k];
        vectors[j * size + k] = kept;
    }
}

/* The sign that is the same on all ways to the vector. */
static void fix_sign(uint32_t size, double *vector)
{
    uint32_t largest = 0;
    for (uint32_t k = 1; k < size; k++)
        if (fabs(vector[k]) > fabs(vector[largest]))
            largest = k;
    double sign = vector[largest] < 0 ? -1 : 1;
    for (uint32_t k = 0; k < size; k++)
        vector[k] *= sign;
}

void whiten_eigen(uint32_t size, double *a, double *values, double *vectors)
{
    enum { MOST_SWEEPS = 50 }; /* about eight are enough */
    double trace = 0;
    for (uint32_t i = 0; i < size; i++) {
        trace += fabs(a[i * size + i]);
        for (uint32_t j = 0; j < size; j++)
            vectors[i * size + j] = i == j;
    }
    for (int n = 0; n < MOST_SWEEPS && off_diagonal(size, a) > 1e-30 * trace * trace; n++)
        for (uint32_t p = 0; p + 1 < size; p++)
            for (uint32_t q = p + 1; q < size; q++)
                rotate(size, a, vectors, p, q);
    for (uint32_t i = 0; i < size; i++)
        values[i] = a[i * size + i];
    for (uint32_t i = 0; i < size; i++) {
        uint32_t largest = i;
        for (uint32_t j = i + 1; j < size; j++)
            if (values[j] > values[largest])
                largest = j;
        double value = values[i];
        values[i] = values[largest];
        values[largest] = value;
        swap_rows(size, vectors, i, largest);
        fix_sign(size, vectors + (size_t)i * size);
    }
}

void whiten(const struct net *net, const uint8_t *images, size_t count, const double *deviation,
            float *parameters)
{
    const struct net_shape *s = &net->shape;
    uint32_t size = SIDE * SIDE * s->channels;
    size_t pixels = (size_t)s->height * s->width * s->channels;
    double patches = (double)count * (s->height - SIDE + 1) * (s->width - SIDE + 1);
    uint64_t *sum = ealloc(size, sizeof *sum), *product = ealloc(size, size * sizeof *product);
    double *a = ealloc(size, size * sizeof *a), *vectors = ealloc(size, size * sizeof *vectors);
    double values[MOST_VALUES];
    for (size_t i = 0; i < count; i++)
        add_patches(s, images + i * pixels, sum, product);
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = i; j < size; j++) {
            double mean = (double)product[i * size + j] / patches;
            double means = (double)sum[i] / patches * ((double)sum[j] / patches);
            double scale = deviation[i / (SIDE * SIDE)] * deviation[j / (SIDE * SIDE)];
            a[i * size + j] = a[j * size + i] = (mean - means) / scale;
        }
    whiten_eigen(size, a, values, vectors);
    float *weights = parameters + net->tensor[net->layer[0].tensor].offset;
    for (uint32_t f = 0; f < net->layer[0].out_channels; f++) {
        double value = values[f / 2] > 0 ? values[f / 2] : 0; /* rounding may make it less */
        double scale = (f % 2 ? -1 : 1) / sqrt(value + WHITEN_EPSILON);
        for (uint32_t k = 0; k < size; k++)
            weights[(size_t)f * size + k] = (float)(vectors[f / 2 * size + k] * scale);
    }
    free(sum);
    free(product);
    free(a);
    free(vectors);
}
