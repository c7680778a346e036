/* Backward through pool, ReLU and batch normalisation. The activations are not kept: they are
 * computed again from what the convolution made, which is read anyway. */
#include <string.h>

#include "each.h"

/* One channel's constants, and its sums so far. */
struct channel {
    lanes gain, shift, slope, level, mean, sum, product;
};

SPECIALISED struct channel channel_begin(const struct normal *n)
{
    return (struct channel){lanes_all(n->gain),  lanes_all(n->shift), lanes_all(n->slope),
                            lanes_all(n->level), lanes_all(n->mean),  lanes_zero(),
                            lanes_zero()};
}

/* dz where ReLU lets it through, else 0 */
SPECIALISED lanes through(lanes z, lanes dz)
{
    return lanes_select(lanes_positive(z), dz, lanes_zero());
}

SPECIALISED void add_up(struct channel *c, lanes dz, lanes y)
{
    c->sum = lanes_add(c->sum, dz);
    c->product = lanes_fma(dz, lanes_subtract(y, c->mean), c->product);
}

SPECIALISED lanes out_gradient(const struct channel *c, lanes dz, lanes y)
{
    return lanes_fma(dz, c->gain, lanes_fma(y, c->slope, c->level));
}

/* Four pixels that a maximum is taken of, in the order upper left, upper right, lower left, lower
 * right. */
struct window {
    lanes y[4];
    lanes_mask right[2]; /* of a row: its right pixel is the larger; on a tie the left one stays */
    lanes_mask lower;    /* the lower row has the larger; on a tie the upper one stays */
    lanes highest;       /* z of the one chosen */
};

SPECIALISED struct window window_at(const float *y, size_t row, const struct channel *c)
{
    struct window w;
    lanes row_highest[2];
    for (int r = 0; r < 2; r++) {
        w.y[2 * r] = lanes_load(y + (size_t)r * row);
        w.y[2 * r + 1] = lanes_load(y + (size_t)r * row + LANES);
        lanes left = lanes_fma(w.y[2 * r], c->gain, c->shift);
        lanes right = lanes_fma(w.y[2 * r + 1], c->gain, c->shift);
        w.right[r] = lanes_beats(right, left);
        row_highest[r] = lanes_select(w.right[r], right, left);
    }
    w.lower = lanes_beats(row_highest[1], row_highest[0]);
    w.highest = lanes_select(w.lower, row_highest[1], row_highest[0]);
    return w;
}

static void sums_of_row(struct channel *c, const float *y, float *gradient, int width)
{
    for (int column = 0; column < width; column++, y += LANES, gradient += LANES) {
        lanes value = lanes_load(y);
        lanes dz = through(lanes_fma(value, c->gain, c->shift), lanes_load(gradient));
        lanes_store(gradient, dz);
        add_up(c, dz, value);
    }
}

/* y: two rows of width pixels; gradient: one row of width / 2. */
static void sums_of_pooled_row(struct channel *c, const float *y, float *gradient, int width)
{
    size_t row = (size_t)width * LANES;
    for (int column = 0; column < width; column += 2, y += 2 * LANES, gradient += LANES) {
        struct window w = window_at(y, row, c);
        lanes dz = through(w.highest, lanes_load(gradient));
        lanes upper = lanes_select(w.right[0], w.y[1], w.y[0]);
        lanes lower = lanes_select(w.right[1], w.y[3], w.y[2]);
        lanes_store(gradient, dz);
        add_up(c, dz, lanes_select(w.lower, lower, upper));
    }
}

/* Every pixel of the image has the same gradient. */
static void sums_of_mean(struct channel *c, const float *y, const float *gradient, int pixels)
{
    lanes all = lanes_load(gradient);
    for (int i = 0; i < pixels; i++, y += LANES) {
        lanes value = lanes_load(y);
        add_up(c, through(lanes_fma(value, c->gain, c->shift), all), value);
    }
}

void ISA_NAME(gradient_sums)(const struct output *o, float *gradient, int first, int rows,
                             float *sums)
{
    int step = o->pool == POOL_MAX ? 2 : 1;
    size_t y_row = (size_t)o->width * LANES, row_floats = y_row / (size_t)step;
    for (int channel = 0; channel < o->channels; channel++, sums += 2 * LANES) {
        struct channel c = channel_begin(&o->normal[channel]);
        const float *y = o->y + (size_t)channel * (size_t)o->height * y_row;
        float *plane = gradient + (size_t)channel * (size_t)(o->height / step) * row_floats;
        if (o->pool == POOL_MEAN)
            sums_of_mean(&c, y, gradient + (size_t)channel * LANES, o->height * o->width);
        else
            for (int row = first; row < first + rows; row++) {
                const float *y_at = y + (size_t)(row * step) * y_row;
                float *at = plane + (size_t)row * row_floats;
                if (step == 2)
                    sums_of_pooled_row(&c, y_at, at, o->width);
                else
                    sums_of_row(&c, y_at, at, o->width);
            }
        lanes_store(sums, c.sum);
        lanes_store(sums + LANES, c.product);
    }
}

static void gradient_of_row(const struct channel *c, const float *y, const float *dz, int width,
                            size_t ahead, lanes_mask live, float *to)
{
    for (int column = 0; column < width; column++, y += LANES, dz += LANES, to += LANES) {
        __builtin_prefetch(y + ahead);
        __builtin_prefetch(dz + ahead);
        lanes dy = out_gradient(c, lanes_load(dz), lanes_load(y));
        lanes_store(to, lanes_select(live, dy, lanes_zero()));
    }
}

/* The upper (lower = 0) or lower row of the two that y begins. */
SPECIALISED void gradient_of_window_row(const struct channel *c, const float *y, const float *dz,
                                        int width, size_t ahead, int lower, lanes_mask live,
                                        float *to)
{
    size_t row = (size_t)width * LANES;
    lanes zero = lanes_zero();
    for (int column = 0; column < width;
         column += 2, y += 2 * LANES, dz += LANES, to += 2 * LANES) {
        __builtin_prefetch(y + ahead);
        __builtin_prefetch(y + LANES + ahead);
        __builtin_prefetch(y + row + ahead);
        __builtin_prefetch(y + row + LANES + ahead);
        __builtin_prefetch(dz + ahead / 4);
        struct window w = window_at(y, row, c);
        lanes all = lanes_load(dz);
        lanes mine = lower ? lanes_select(w.lower, all, zero) : lanes_select(w.lower, zero, all);
        lanes left = out_gradient(c, lanes_select(w.right[lower], zero, mine), w.y[2 * lower]);
        lanes right = out_gradient(c, lanes_select(w.right[lower], mine, zero), w.y[2 * lower + 1]);
        lanes_store(to, lanes_select(live, left, zero));
        lanes_store(to + LANES, lanes_select(live, right, zero));
    }
}

static void gradient_of_mean(const struct channel *c, const float *y, const float *gradient,
                             int width, lanes_mask live, float *to)
{
    lanes all = lanes_load(gradient);
    for (int column = 0; column < width; column++, y += LANES, to += LANES) {
        lanes value = lanes_load(y);
        lanes dz = through(lanes_fma(value, c->gain, c->shift), all);
        lanes_store(to, lanes_select(live, out_gradient(c, dz, value), lanes_zero()));
    }
}

/* One row of the convolution's output; gradient: the channel's plane. */
static void gradient_of(const struct output *o, const struct channel *c, const float *y,
                        const float *gradient, int row, lanes_mask live, float *to)
{
    size_t y_row = (size_t)o->width * LANES;
    const float *y_at = y + (size_t)row * y_row,
                *pooled = gradient + (size_t)(row / 2) * (y_row / 2);
    if (o->pool == POOL_NONE)
        gradient_of_row(c, y_at, gradient + (size_t)row * y_row, o->width,
                        (size_t)o->height * y_row, live, to);
    else if (o->pool == POOL_MEAN)
        gradient_of_mean(c, y_at, gradient, o->width, live, to);
    else if (row % 2 == 0)
        gradient_of_window_row(c, y_at, pooled, o->width, (size_t)o->height * y_row, 0, live, to);
    else
        gradient_of_window_row(c, y_at - y_row, pooled, o->width, (size_t)o->height * y_row, 1,
                               live, to);
}

void ISA_NAME(gradient)(const struct output *o, const float *gradient, int first, uint32_t live,
                        struct band *to)
{
    size_t plane = (size_t)o->height * (size_t)o->width * LANES;
    size_t gradient_plane = o->pool == POOL_MEAN ? LANES : o->pool == POOL_MAX ? plane / 4 : plane;
    lanes_mask mask = lanes_first(live);
    for (int channel = 0; channel < o->channels; channel++) {
        struct channel c = channel_begin(&o->normal[channel]);
        for (int row = -1; row <= to->rows; row++) {
            float *out = band_at(to, channel, row, -1);
            if (first + row < 0 || first + row >= o->height) {
                memset(out, 0, band_row(to) * sizeof *out);
                continue;
            }
            lanes_store(out, lanes_zero());
            for (int column = o->width; column <= to->width; column++)
                lanes_store(out + (size_t)(column + 1) * LANES, lanes_zero());
            gradient_of(o, &c, o->y + (size_t)channel * plane,
                        gradient + (size_t)channel * gradient_plane, first + row, mask,
                        out + LANES);
        }
    }
}
