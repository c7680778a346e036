/* The two sums over a convolution's output that batch normalisation needs backward, and the
 * global pools. The activations are not kept: they are computed again from what the convolution
 * made, which is read anyway. */
#include "window.h"

struct sums {
    lanes sum, product; /* Σ dz, Σ dz·(y - mean) */
};

SPECIALISED void add_up(struct sums *s, const struct channel *c, lanes dz, lanes y)
{
    s->sum = lanes_add(s->sum, dz);
    s->product = lanes_fma(dz, lanes_subtract(y, c->mean), s->product);
}

static void sums_of_row(struct sums *s, const struct channel *c, const float *y, float *gradient,
                        int width)
{
    for (int column = 0; column < width; column++, y += LANES, gradient += LANES) {
        lanes value = lanes_load(y);
        lanes dz = through(normalised(c, value), lanes_load(gradient));
        lanes_store(gradient, dz);
        add_up(s, c, dz, value);
    }
}

/* y: two rows of width pixels; gradient: one row of width / 2. */
static void sums_of_pooled_row(struct sums *s, const struct channel *c, const float *y,
                               float *gradient, int width)
{
    size_t row = (size_t)width * LANES;
    for (int column = 0; column < width; column += 2, y += 2 * LANES, gradient += LANES) {
        struct window w = window_at(y, row, c);
        lanes dz = through(w.highest, lanes_load(gradient));
        lanes upper = lanes_select(w.right[0], w.y[1], w.y[0]);
        lanes lower = lanes_select(w.right[1], w.y[3], w.y[2]);
        lanes_store(gradient, dz);
        add_up(s, c, dz, lanes_select(w.lower, lower, upper));
    }
}

/* Every pixel of the image has the same gradient. */
static void sums_of_mean(struct sums *s, const struct channel *c, const float *y,
                         const float *gradient, int pixels)
{
    lanes all = lanes_load(gradient);
    for (int i = 0; i < pixels; i++, y += LANES) {
        lanes value = lanes_load(y);
        add_up(s, c, through(normalised(c, value), all), value);
    }
}

void ISA_NAME(gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                             float *sums)
{
    int step = o->pool == POOL_MAX ? 2 : 1;
    size_t y_row = (size_t)o->width * LANES, row_floats = y_row / (size_t)step;
    for (int channel = 0; channel < o->channels; channel++, sums += 2 * LANES) {
        struct channel c = channel_begin(&o->normal[channel]);
        struct sums s = {lanes_zero(), lanes_zero()};
        const float *y = o->y + (size_t)channel * (size_t)o->height * y_row;
        float *plane = gradient + (size_t)channel * (size_t)(o->height / step) * row_floats;
        if (o->pool == POOL_MEAN)
            sums_of_mean(&s, &c, y, gradient + (size_t)channel * LANES, o->height * o->width);
        else
            for (int row = first; row < first + rows; row++) {
                const float *y_at = y + (size_t)(row * step) * y_row;
                float *at = plane + (size_t)row * row_floats;
                if (step == 2)
                    sums_of_pooled_row(&s, &c, y_at, at, o->width);
                else
                    sums_of_row(&s, &c, y_at, at, o->width);
            }
        lanes_store(sums, s.sum);
        lanes_store(sums + LANES, s.product);
    }
}

void ISA_NAME(average)(const struct output *o, float *mean)
{
    int pixels = o->height * o->width;
    const float *y = o->y;
    for (int channel = 0; channel < o->channels; channel++, mean += LANES) {
        struct channel c = channel_begin(&o->normal[channel]);
        lanes sum = lanes_zero();
        for (int i = 0; i < pixels; i++, y += LANES)
            sum = lanes_add(sum, lanes_rectify(normalised(&c, lanes_load(y))));
        lanes_store(mean, sum);
        for (int lane = 0; lane < LANES; lane++)
            mean[lane] /= (float)pixels;
    }
}

/* Pixels are counted in float, which is exact up to 2^24. */
void ISA_NAME(largest)(const struct output *o, float *value, float *pixel)
{
    int pixels = o->height * o->width;
    const float *y = o->y;
    for (int channel = 0; channel < o->channels; channel++, value += LANES, pixel += LANES) {
        struct channel c = channel_begin(&o->normal[channel]);
        lanes highest = lanes_rectify(normalised(&c, lanes_load(y))), place = lanes_zero();
        y += LANES;
        for (int i = 1; i < pixels; i++, y += LANES) {
            lanes other = lanes_rectify(normalised(&c, lanes_load(y)));
            lanes_mask beats = lanes_beats(other, highest);
            highest = lanes_select(beats, other, highest);
            place = lanes_select(beats, lanes_all((float)i), place);
        }
        lanes_store(value, highest);
        lanes_store(pixel, place);
    }
}
