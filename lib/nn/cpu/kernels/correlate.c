/* The gradient of a convolution's weights, in Winograd's space (winograd.h): for each place and
 * each pair of a filter and a channel, the sum of gradient·pixel over tiles and lanes.
 *
 * A block of filters × channels sums stays in registers while the tiles go by. */
#include "winograd.h"

/* g: gradients[filters][tiles], v: pixels[channels][tiles]; sums[filters][channels][LANES] */
SPECIALISED void block(const float *g, const float *v, int tiles, int filters, int channels,
                       float *to, size_t to_next)
{
    lanes sum[LANES_PAIR][LANES_CHANNELS];
    size_t next = (size_t)tiles * LANES;
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < channels; c++)
            sum[f][c] = lanes_zero();
    for (int tile = 0; tile < tiles; tile++, g += LANES, v += LANES) {
        lanes x[LANES_PAIR];
        for (int f = 0; f < filters; f++)
            x[f] = lanes_load(g + (size_t)f * next);
        for (int c = 0; c < channels; c++) {
            lanes y = lanes_load(v + (size_t)c * next);
            for (int f = 0; f < filters; f++)
                sum[f][c] = lanes_fma(x[f], y, sum[f][c]);
        }
    }
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < channels; c++)
            lanes_store(to + (size_t)f * to_next + c * LANES, sum[f][c]);
}

SPECIALISED void some_channels(const float *g, const float *v, int tiles, int filters, int channels,
                               float *to, size_t to_next)
{
    switch (channels) {
    case 1:
        block(g, v, tiles, filters, 1, to, to_next);
        break;
    case 2:
        block(g, v, tiles, filters, 2, to, to_next);
        break;
    case 3:
        block(g, v, tiles, filters, LANES_CHANNELS > 2 ? 3 : 1, to, to_next);
        break;
    case 4:
        block(g, v, tiles, filters, LANES_CHANNELS > 3 ? 4 : 1, to, to_next);
        break;
    case 5:
        block(g, v, tiles, filters, LANES_CHANNELS > 4 ? 5 : 1, to, to_next);
        break;
    default:
        block(g, v, tiles, filters, LANES_CHANNELS, to, to_next);
    }
}

/* All channels for some filters, in blocks of nearly equal size. */
SPECIALISED void some_filters(const float *g, const float *v, int tiles, int filters, int channels,
                              float *to)
{
    int blocks = (channels + LANES_CHANNELS - 1) / LANES_CHANNELS;
    for (int b = 0, channel = 0; b < blocks; b++) {
        int end = channels * (b + 1) / blocks;
        some_channels(g, v + (size_t)channel * (size_t)tiles * LANES, tiles, filters, end - channel,
                      to + channel * LANES, (size_t)channels * LANES);
        channel = end;
    }
}

static void correlate_place(const struct correlation *c, int place, float *unfolded)
{
    const float *g = c->gradients + (size_t)place * c->gradients_place;
    const float *v = c->pixels + (size_t)place * c->pixels_place;
    size_t g_next = (size_t)c->tiles * LANES, to_next = (size_t)c->channels * LANES;
    int filter = 0;
    for (; filter + LANES_PAIR <= c->filters; filter += LANES_PAIR)
        some_filters(g + (size_t)filter * g_next, v, c->tiles, LANES_PAIR, c->channels,
                     unfolded + (size_t)filter * to_next);
    for (; LANES_PAIR > 2 && filter + 2 <= c->filters; filter += 2)
        some_filters(g + (size_t)filter * g_next, v, c->tiles, 2, c->channels,
                     unfolded + (size_t)filter * to_next);
    for (; filter < c->filters; filter++)
        some_filters(g + (size_t)filter * g_next, v, c->tiles, 1, c->channels,
                     unfolded + (size_t)filter * to_next);
}

void ISA_NAME(correlate)(const struct correlation *c, float *unfolded, float *folded, float *to)
{
    size_t pairs = correlation_pairs(c->filters, c->channels);
    for (int place = 0; place < PLACES; place++) {
        correlate_place(c, place, unfolded);
        for (size_t pair = 0; pair < pairs; pair += LANES)
            lanes_store(folded + (size_t)place * pairs + pair,
                        lanes_fold16(unfolded + pair * LANES));
    }
    for (size_t pair = 0; pair < pairs; pair += LANES) {
        lanes half[6][3];
        for (int j = 0; j < 6; j++) {
            lanes p[6];
            for (int i = 0; i < 6; i++)
                p[i] = lanes_load(folded + (size_t)(6 * i + j) * pairs + pair);
            transform_sums(p, half[j]);
        }
        for (int row = 0; row < 3; row++) {
            lanes p[6], g[3];
            for (int j = 0; j < 6; j++)
                p[j] = half[j][row];
            transform_sums(p, g);
            for (int column = 0; column < 3; column++)
                lanes_store(to + (size_t)(3 * row + column) * pairs + pair, g[column]);
        }
    }
}
