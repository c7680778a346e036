/* 3×3 convolution of a band; the data gradient is the same with flipped weights.
 *
 * A block of filters × columns sums stays in registers while all channels and taps go by: each
 * pixel loaded serves every filter of the block, each weight every column. */
#include "each.h"

struct work {
    const struct band *in;
    const float *weights, *bias;
    float *out, *sums;
    size_t plane; /* of out */
};

/* The statistics go on in order of columns, so a block's size cannot change them. */
SPECIALISED void add_to_sums(float *sums, const lanes *value, int columns, int first)
{
    if (first)
        lanes_store(sums, value[0]);
    lanes origin = lanes_load(sums);
    lanes sum = first ? lanes_zero() : lanes_load(sums + LANES);
    lanes square = first ? lanes_zero() : lanes_load(sums + 2 * LANES);
    for (int c = 0; c < columns; c++) {
        lanes d = lanes_subtract(value[c], origin);
        sum = lanes_add(sum, d);
        square = lanes_fma(d, d, square);
    }
    lanes_store(sums + LANES, sum);
    lanes_store(sums + 2 * LANES, square);
}

SPECIALISED void block(const struct work *work, int filter, int row, int column, int filters,
                       int columns)
{
    lanes sum[LANES_FILTERS][LANES_COLUMNS];
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < columns; c++)
            sum[f][c] = work->bias ? lanes_all(work->bias[filter + f]) : lanes_zero();

    size_t next_row = band_row(work->in), next_plane = band_plane(work->in) - 3 * next_row;
    size_t next_filter = (size_t)work->in->channels * 9;
    const float *pixel = band_at(work->in, 0, row - 1, column - 1);
    const float *weight = work->weights + (size_t)filter * next_filter, *end = weight + next_filter;
    for (; weight < end; pixel += next_plane)
        for (int tap_row = 0; tap_row < 3; tap_row++, pixel += next_row, weight += 3) {
            for (int tap = 0; tap < 3; tap++)
                for (int f = 0; f < filters; f++) {
                    lanes w = lanes_all(weight[(size_t)f * next_filter + (size_t)tap]);
                    for (int c = 0; c < columns; c++)
                        sum[f][c] = lanes_fma(w, lanes_load(pixel + (c + tap) * LANES), sum[f][c]);
                }
        }

    for (int f = 0; f < filters; f++) {
        float *out = work->out + (size_t)(filter + f) * work->plane +
                     (size_t)(row * work->in->width + column) * LANES;
        for (int c = 0; c < columns; c++)
            lanes_store(out + c * LANES, sum[f][c]);
        if (work->sums)
            add_to_sums(work->sums + (size_t)(filter + f) * 3 * LANES, sum[f], columns,
                        row == 0 && column == 0);
    }
}

/* All filters for some columns of a row: the pixels stay in the nearest cache. */
SPECIALISED void columns_of_row(const struct work *work, int filters, int row, int column,
                                int columns)
{
    int filter = 0;
    for (; filter + LANES_FILTERS <= filters; filter += LANES_FILTERS)
        block(work, filter, row, column, LANES_FILTERS, columns);
    if (LANES_FILTERS > 2 && filters - filter == 2)
        block(work, filter, row, column, 2, columns);
    else if (filter < filters)
        block(work, filter, row, column, 1, columns);
}

void ISA_NAME(convolve)(const struct band *in, const float *weights, const float *bias, int filters,
                        float *out, size_t plane, float *sums)
{
    struct work work = {in, weights, bias, out, sums, plane};
    for (int row = 0; row < in->rows; row++) {
        int column = 0;
        for (; column + LANES_COLUMNS <= in->width; column += LANES_COLUMNS)
            columns_of_row(&work, filters, row, column, LANES_COLUMNS);
        for (; LANES_COLUMNS > 4 && column + 4 <= in->width; column += 4)
            columns_of_row(&work, filters, row, column, LANES_COLUMNS > 4 ? 4 : 1);
        for (; column < in->width; column++)
            columns_of_row(&work, filters, row, column, 1);
    }
}
