/* The gradient of a convolution's weights, in Winograd's space (winograd.h): for each place and
 * each pair of a filter and a channel, the sum of gradient·pixel over tiles and lanes.
 *
 * The sums of QUAD filters × QUAD channels make one vector when their lanes are folded. */
#include "winograd.h"

/* g: gradients[filters][tiles], v: pixels[channels][tiles]; filters and channels from the first on
 * are added up in sum[QUAD filters][QUAD channels], the others are not touched. */
SPECIALISED void block(const float *g, const float *v, int tiles, int first_filter, int filters,
                       int first_channel, int channels, lanes sum[QUAD * QUAD])
{
    size_t next = (size_t)tiles * LANES;
    lanes part[LANES_PAIR][LANES_CHANNELS];
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < channels; c++)
            part[f][c] = lanes_zero();
    g += (size_t)first_filter * next;
    v += (size_t)first_channel * next;
    for (int tile = 0; tile < tiles; tile++, g += LANES, v += LANES) {
        lanes x[LANES_PAIR];
        load_each(g, next, filters, x);
        const float *channel = v;
        for (int c = 0; c < channels; c++, channel += next) {
            lanes y = lanes_load(channel);
            for (int f = 0; f < filters; f++)
                part[f][c] = lanes_fma(x[f], y, part[f][c]);
        }
    }
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < channels; c++)
            sum[(first_filter + f) * QUAD + first_channel + c] = part[f][c];
}

/* In blocks whose sums fit the registers. */
SPECIALISED void quad(const float *g, const float *v, int tiles, int filters, int channels,
                      lanes sum[QUAD * QUAD])
{
    for (int f = 0; f < filters; f += LANES_PAIR)
        for (int c = 0; c < channels; c += LANES_CHANNELS)
            block(g, v, tiles, f, filters - f < LANES_PAIR ? filters - f : LANES_PAIR, c,
                  channels - c < LANES_CHANNELS ? channels - c : LANES_CHANNELS, sum);
}

SPECIALISED lanes fold_quad(const float *g, const float *v, int tiles, int filters, int channels)
{
    lanes sum[QUAD * QUAD];
    for (int i = 0; i < QUAD * QUAD; i++)
        sum[i] = lanes_zero();
    if (filters == QUAD && channels == QUAD)
        quad(g, v, tiles, QUAD, QUAD, sum);
    else if (filters == QUAD && channels == 3)
        quad(g, v, tiles, QUAD, 3, sum);
    else if (filters == QUAD && channels == 2)
        quad(g, v, tiles, QUAD, 2, sum);
    else if (filters == QUAD)
        quad(g, v, tiles, QUAD, 1, sum);
    else
        for (int f = 0; f < filters; f++)
            for (int c = 0; c < channels; c++)
                block(g, v, tiles, f, 1, c, 1, sum);
    return lanes_fold16(sum);
}

void ISA_NAME(sums_transform)(const float *sums, size_t place, int count, float *to)
{
    for (int i = 0; i < count; i++, sums += LANES) {
        lanes half[6][3];
        for (int j = 0; j < 6; j++) {
            lanes p[6];
            load_each(sums + (size_t)j * place, 6 * place, 6, p);
            transform_sums(p, half[j]);
        }
        for (int row = 0; row < 3; row++, to += 3 * LANES) {
            lanes p[6], g[3];
            for (int j = 0; j < 6; j++)
                p[j] = half[j][row];
            transform_sums(p, g);
            store_each(to, LANES, 3, g);
        }
    }
}

void ISA_NAME(transpose)(const float *from, int rows, int columns, float *to)
{
    for (int column = 0; column < columns; column += LANES)
        for (int row = 0; row < rows; row += LANES) {
            lanes block[LANES];
            load_each(from + (size_t)row * (size_t)columns + column, (size_t)columns, LANES, block);
            lanes_transpose(block);
            store_each(to + (size_t)column * (size_t)rows + row, (size_t)rows, LANES, block);
        }
}

void ISA_NAME(correlate)(const struct correlation *c, float *folded, float *to)
{
    size_t next = (size_t)c->tiles * LANES;
    float *at = folded;
    for (int place = 0; place < PLACES; place++) {
        const float *g = c->gradients + (size_t)place * c->gradients_place;
        const float *v = c->pixels + (size_t)place * c->pixels_place;
        for (int channel = 0; channel < c->channels; channel += QUAD, at += LANES) {
            int rest = c->channels - channel;
            lanes_store(at, fold_quad(g, v + (size_t)channel * next, c->tiles, c->filters,
                                      rest < QUAD ? rest : QUAD));
        }
    }
    int quads = correlation_quads(c->channels);
    ISA_NAME(sums_transform)(folded, (size_t)quads * LANES, quads, to);
}
