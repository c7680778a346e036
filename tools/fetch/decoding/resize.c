#include "decoding/resize.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

/* One axis: output i takes the inputs first … first + taps - 1 of output[i]; its weights begin at
 * weight[i · most]. */
struct axis_weights {
    struct {
        uint32_t first, taps;
        uint64_t sum; /* of the weights */
    } * output;
    uint32_t *weight; /* [outputs][most] */
    uint32_t most;    /* taps an output can have */
};

/* The table of resize.h's formula for n inputs and m outputs. */
static struct axis_weights make_axis(uint32_t n, uint32_t m)
{
    int64_t span = n > m ? n : m;
    struct axis_weights axis = {.most = (uint32_t)(2 * span / m) + 2};
    axis.output = ealloc(m, sizeof *axis.output);
    axis.weight = ealloc((size_t)m * axis.most, sizeof *axis.weight);
    for (uint32_t i = 0; i < m; i++) {
        int64_t centre = (2 * (int64_t)i + 1) * n;
        /* The first input with a positive weight: (2j + 1)·m > centre - 2·span. */
        int64_t low = centre - 2 * span - m;
        int64_t j = low < 0 ? 0 : low / (2 * (int64_t)m) + 1;
        axis.output[i].first = (uint32_t)j;
        for (; j < n; j++) {
            int64_t weight = 2 * span - llabs((2 * j + 1) * (int64_t)m - centre);
            if (weight <= 0)
                break;
            axis.weight[(size_t)i * axis.most + axis.output[i].taps++] = (uint32_t)weight;
            axis.output[i].sum += (uint64_t)weight;
        }
    }
    return axis;
}

/* One input row to output width: uint16[width][channels], in 1/256 steps. */
static void resize_row(const uint8_t *in, const struct axis_weights *axis, uint32_t width,
                       uint32_t channels, uint16_t *out)
{
    for (uint32_t i = 0; i < width; i++) {
        const uint32_t *weight = axis->weight + (size_t)i * axis->most;
        uint64_t whole = axis->output[i].sum;
        for (uint32_t c = 0; c < channels; c++) {
            const uint8_t *from = in + (size_t)axis->output[i].first * channels + c;
            uint64_t sum = 0;
            for (uint32_t t = 0; t < axis->output[i].taps; t++)
                sum += (uint64_t)weight[t] * from[(size_t)t * channels];
            *out++ = (uint16_t)((sum * 256 + whole / 2) / whole);
        }
    }
}

int resize(const struct pixels *in, uint32_t height, uint32_t width, struct pixels *out)
{
    size_t stride = (size_t)width * in->channels, between = in->height * stride;
    if (between > DECODE_MAX_BYTES) /* columns are resized first, in full height */
        return fail("an image of %u x %u pixels cannot be made %u x %u: on the way it would be "
                    "%u x %u",
                    in->height, in->width, height, width, in->height, width);
    if (pixels_shape(out, height, width, in->channels) < 0)
        return -1;
    struct axis_weights rows = make_axis(in->height, height), columns = make_axis(in->width, width);
    uint16_t *narrow = ealloc(between, sizeof *narrow);
    for (uint32_t y = 0; y < in->height; y++)
        resize_row(in->data + (size_t)y * in->width * in->channels, &columns, width, in->channels,
                   narrow + (size_t)y * stride);
    for (uint32_t y = 0; y < height; y++) {
        const uint32_t *weight = rows.weight + (size_t)y * rows.most;
        const uint16_t *from = narrow + (size_t)rows.output[y].first * stride;
        uint64_t whole = rows.output[y].sum * 256;
        for (size_t x = 0; x < stride; x++) {
            uint64_t sum = 0;
            for (uint32_t t = 0; t < rows.output[y].taps; t++)
                sum += (uint64_t)weight[t] * from[(size_t)t * stride + x];
            out->data[(size_t)y * stride + x] = (uint8_t)((sum + whole / 2) / whole);
        }
    }
    free(narrow);
    free(rows.output);
    free(rows.weight);
    free(columns.output);
    free(columns.weight);
    return 0;
}

/* side · to / from, rounded, in 1 … most. */
static uint32_t in_proportion(uint32_t side, uint32_t to, uint32_t from, uint32_t most)
{
    uint64_t scaled = (2 * (uint64_t)side * to + from) / (2 * (uint64_t)from);
    return scaled < 1 ? 1 : scaled > most ? most : (uint32_t)scaled;
}

/* Copies the middle of in to the middle of out, as much as both have. */
static void copy_middle(const struct pixels *in, struct pixels *out)
{
    uint32_t height = in->height < out->height ? in->height : out->height;
    uint32_t width = in->width < out->width ? in->width : out->width;
    uint32_t from_row = (in->height - height) / 2, from_column = (in->width - width) / 2;
    uint32_t to_row = (out->height - height) / 2, to_column = (out->width - width) / 2;
    for (uint32_t y = 0; y < height; y++)
        memcpy(out->data + ((size_t)(to_row + y) * out->width + to_column) * out->channels,
               in->data + ((size_t)(from_row + y) * in->width + from_column) * in->channels,
               (size_t)width * in->channels);
}

static int pad(const struct pixels *in, uint32_t height, uint32_t width, struct pixels *out)
{
    struct pixels inner = {0};
    uint32_t high = in_proportion(in->height, width, in->width, height);
    uint32_t wide = in_proportion(in->width, height, in->height, width);
    int done = resize(in, high, wide, &inner);
    if (done == 0)
        done = pixels_shape(out, height, width, in->channels);
    if (done == 0) {
        memset(out->data, 0, (size_t)height * width * in->channels);
        copy_middle(&inner, out);
    }
    pixels_free(&inner);
    return done;
}

static int crop(const struct pixels *in, uint32_t height, uint32_t width, struct pixels *out)
{
    struct pixels inner = {0};
    uint32_t high = in_proportion(in->width, height, width, in->height);
    uint32_t wide = in_proportion(in->height, width, height, in->width);
    int done = pixels_shape(&inner, high, wide, in->channels);
    if (done == 0) {
        copy_middle(in, &inner);
        done = resize(&inner, height, width, out);
    }
    pixels_free(&inner);
    return done;
}

int resize_to_fit(const struct pixels *in, uint32_t height, uint32_t width, enum fit fit,
                  struct pixels *out)
{
    return fit == FIT_PAD    ? pad(in, height, width, out)
           : fit == FIT_CROP ? crop(in, height, width, out)
                             : resize(in, height, width, out);
}
