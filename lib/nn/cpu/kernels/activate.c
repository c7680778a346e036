/* Batch normalisation, ReLU and pool on the way from one convolution into the next. */
#include <string.h>

#include "each.h"

static lanes normalised(const float *y, lanes gain, lanes shift)
{
    return lanes_fma(lanes_load(y), gain, shift);
}

static lanes rectified(lanes z)
{
    return lanes_select(lanes_positive(z), z, lanes_zero());
}

static lanes larger(lanes a, lanes b)
{
    return lanes_select(lanes_beats(b, a), b, a);
}

static void activate_row(const float *y, int width, size_t ahead, const struct normal *normal,
                         float *to)
{
    lanes gain = lanes_all(normal->gain), shift = lanes_all(normal->shift);
    for (int column = 0; column < width; column++, y += LANES, to += LANES) {
        __builtin_prefetch(y + ahead);
        lanes_store(to, rectified(normalised(y, gain, shift)));
    }
}

/* y: two rows of width pixels each, one after the other. */
static void activate_pooled_row(const float *y, int width, size_t ahead,
                                const struct normal *normal, float *to)
{
    lanes gain = lanes_all(normal->gain), shift = lanes_all(normal->shift);
    const float *below = y + (size_t)width * LANES;
    for (int column = 0; column < width;
         column += 2, y += 2 * LANES, below += 2 * LANES, to += LANES) {
        __builtin_prefetch(y + ahead);
        __builtin_prefetch(y + LANES + ahead);
        __builtin_prefetch(below + ahead);
        __builtin_prefetch(below + LANES + ahead);
        lanes upper = larger(normalised(y, gain, shift), normalised(y + LANES, gain, shift));
        lanes lower =
            larger(normalised(below, gain, shift), normalised(below + LANES, gain, shift));
        lanes_store(to, rectified(larger(upper, lower)));
    }
}

void ISA_NAME(activate)(const struct output *o, int first, struct band *to)
{
    int step = o->pool == POOL_MAX ? 2 : 1, height = o->height / step;
    size_t row_floats = (size_t)o->width * LANES;
    for (int channel = 0; channel < o->channels; channel++) {
        const float *plane = o->y + (size_t)channel * (size_t)o->height * row_floats;
        for (int row = -1; row <= to->rows; row++) {
            float *out = band_at(to, channel, row, -1);
            if (first + row < 0 || first + row >= height) {
                memset(out, 0, band_row(to) * sizeof *out);
                continue;
            }
            lanes_store(out, lanes_zero());
            for (int column = o->width / step; column <= to->width; column++)
                lanes_store(out + (size_t)(column + 1) * LANES, lanes_zero());
            const float *y = plane + (size_t)((first + row) * step) * row_floats;
            if (step == 2)
                activate_pooled_row(y, o->width, (size_t)o->height * row_floats,
                                    &o->normal[channel], out + LANES);
            else
                activate_row(y, o->width, (size_t)o->height * row_floats, &o->normal[channel],
                             out + LANES);
        }
    }
}

void ISA_NAME(average)(const struct output *o, float *mean)
{
    int pixels = o->height * o->width;
    const float *y = o->y;
    for (int channel = 0; channel < o->channels; channel++, mean += LANES) {
        lanes gain = lanes_all(o->normal[channel].gain),
              shift = lanes_all(o->normal[channel].shift);
        lanes sum = lanes_zero();
        for (int i = 0; i < pixels; i++, y += LANES)
            sum = lanes_add(sum, rectified(normalised(y, gain, shift)));
        lanes_store(mean, sum);
        for (int lane = 0; lane < LANES; lane++)
            mean[lane] /= (float)pixels;
    }
}
