/* The gradient of a convolution's weights from one band.
 *
 * For a pair of filters and one channel the sums of all taps stay in registers while the pixels go
 * by; the pair's gradient stays in the nearest cache while the channels go by. */
#include "each.h"

SPECIALISED void block(const struct band *in, const struct band *out_gradient, int filter,
                       int channel, int tap_row, int filters, int tap_rows, float *partial)
{
    lanes sum[LANES_PAIR][LANES_TAP_ROWS][3];
    for (int f = 0; f < filters; f++)
        for (int r = 0; r < tap_rows; r++)
            for (int tap = 0; tap < 3; tap++)
                sum[f][r][tap] = lanes_zero();

    size_t in_row = band_row(in), plane = band_plane(out_gradient);
    for (int row = 0; row < in->rows; row++) {
        const float *pixel = band_at(in, channel, row - 1 + tap_row, -1);
        const float *gradient = band_at(out_gradient, filter, row, 0);
        for (int column = 0; column < in->width; column++, pixel += LANES, gradient += LANES) {
            lanes g[LANES_PAIR];
            for (int f = 0; f < filters; f++)
                g[f] = lanes_load(gradient + (size_t)f * plane);
            for (int r = 0; r < tap_rows; r++)
                for (int tap = 0; tap < 3; tap++) {
                    lanes x = lanes_load(pixel + (size_t)r * in_row + tap * LANES);
                    for (int f = 0; f < filters; f++)
                        sum[f][r][tap] = lanes_fma(g[f], x, sum[f][r][tap]);
                }
        }
    }

    for (int f = 0; f < filters; f++)
        for (int r = 0; r < tap_rows; r++)
            for (int tap = 0; tap < 3; tap++)
                partial[((size_t)(filter + f) * (size_t)in->channels + (size_t)channel) * 9 +
                        (size_t)(3 * (tap_row + r) + tap)] = lanes_fold(sum[f][r][tap]);
}

void ISA_NAME(weight_gradient)(const struct band *in, const struct band *out_gradient,
                               float *partial)
{
    int filter = 0;
    for (; filter + LANES_PAIR <= out_gradient->channels; filter += LANES_PAIR)
        for (int channel = 0; channel < in->channels; channel++)
            for (int tap_row = 0; tap_row < 3; tap_row += LANES_TAP_ROWS)
                block(in, out_gradient, filter, channel, tap_row, LANES_PAIR, LANES_TAP_ROWS,
                      partial);
    for (; filter < out_gradient->channels; filter++)
        for (int channel = 0; channel < in->channels; channel++)
            for (int tap_row = 0; tap_row < 3; tap_row += LANES_TAP_ROWS)
                block(in, out_gradient, filter, channel, tap_row, 1, LANES_TAP_ROWS, partial);
}
