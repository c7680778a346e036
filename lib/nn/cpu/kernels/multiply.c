/* Matrix products, one for each place of Winograd's space: where the time goes.
 *
 * A block of filters × tiles sums stays in registers while some channels go by: as many as have
 * their pixels in the nearest cache for all filters. What the next filters need is fetched
 * meanwhile. */
#include "winograd.h"

enum { CHANNELS_AT_ONCE = 96 };

/* v: pixels[channels][v_next], u: weights[channels][LANES], m: products[filters][v_next], to which
 * the products are added, unless these are the first channels */
SPECIALISED void block(const float *v, size_t v_next, const float *u, size_t ahead, int channels,
                       int filters, int tiles, int first, float *m)
{
    lanes sum[LANES_FILTERS][LANES_TILES];
    if (first)
        for (int f = 0; f < filters; f++)
            for (int t = 0; t < tiles; t++)
                sum[f][t] = lanes_zero();
    else
        for (int f = 0; f < filters; f++)
            load_each(m + (size_t)f * v_next, LANES, tiles, sum[f]);
    for (int channel = 0; channel < channels; channel++, v += v_next, u += LANES) {
        lanes x[LANES_TILES];
        if (ahead)
            __builtin_prefetch(u + ahead);
        for (int t = 0; t < tiles; t++)
            x[t] = lanes_load(v + t * LANES);
        for (int f = 0; f < filters; f++) {
            lanes w = lanes_all(u[f]);
            for (int t = 0; t < tiles; t++)
                sum[f][t] = lanes_fma(w, x[t], sum[f][t]);
        }
    }
    for (int f = 0; f < filters; f++)
        for (int t = 0; t < tiles; t++)
            lanes_store(m + (size_t)f * v_next + t * LANES, sum[f][t]);
}

SPECIALISED void some_filters(const float *v, size_t v_next, const float *u, size_t ahead,
                              int channels, int filters, int tiles, int first, float *m)
{
    switch (filters) {
    case 1:
        block(v, v_next, u, ahead, channels, 1, tiles, first, m);
        break;
    case 2:
        block(v, v_next, u, ahead, channels, 2, tiles, first, m);
        break;
    case 3:
        block(v, v_next, u, ahead, channels, LANES_FILTERS > 2 ? 3 : 1, tiles, first, m);
        break;
    case 4:
        block(v, v_next, u, ahead, channels, LANES_FILTERS > 3 ? 4 : 1, tiles, first, m);
        break;
    case 5:
        block(v, v_next, u, ahead, channels, LANES_FILTERS > 4 ? 5 : 1, tiles, first, m);
        break;
    default:
        block(v, v_next, u, ahead, channels, LANES_FILTERS, tiles, first, m);
    }
}

/* All filters for some tiles of one place, in blocks of nearly equal size of what lies in one
 * panel of weights. */
SPECIALISED void some_tiles(const struct product *p, const float *v, const float *u, int channels,
                            int tiles, int first, float *m)
{
    size_t next = (size_t)p->tiles * LANES;
    int filter = p->first, end = p->first + p->filters;
    while (filter < end) {
        int from = filter, panel = filter / LANES;
        int rest = (panel + 1) * LANES < end ? (panel + 1) * LANES - from : end - from;
        int blocks = (rest + LANES_FILTERS - 1) / LANES_FILTERS;
        for (int b = 0; b < blocks; b++) {
            int upto = from + rest * (b + 1) / blocks;
            some_filters(v, next, u + (size_t)panel * p->panel + filter % LANES,
                         b == 0 && p->filters > LANES ? p->panel : 0, channels, upto - filter,
                         tiles, first, m + (size_t)(filter - p->first) * next);
            filter = upto;
        }
    }
}

void ISA_NAME(multiply)(const struct product *p)
{
    size_t next = (size_t)p->tiles * LANES;
    for (int place = 0; place < PLACES; place++)
        for (int channel = 0; channel < p->channels; channel += CHANNELS_AT_ONCE) {
            const float *v = p->pixels + (size_t)place * p->pixels_place + (size_t)channel * next;
            const float *u =
                p->weights + (size_t)place * p->weights_place + (size_t)channel * LANES;
            float *m = p->products + (size_t)place * p->products_place;
            int rest = p->channels - channel,
                channels = rest < CHANNELS_AT_ONCE ? rest : CHANNELS_AT_ONCE;
            int tile = 0;
            for (; tile + LANES_TILES <= p->tiles; tile += LANES_TILES)
                some_tiles(p, v + tile * LANES, u, channels, LANES_TILES, channel == 0,
                           m + tile * LANES);
            for (; LANES_TILES > 2 && tile + 2 <= p->tiles; tile += 2)
                some_tiles(p, v + tile * LANES, u, channels, 2, channel == 0, m + tile * LANES);
            for (; tile < p->tiles; tile++)
                some_tiles(p, v + tile * LANES, u, channels, 1, channel == 0, m + tile * LANES);
        }
}
