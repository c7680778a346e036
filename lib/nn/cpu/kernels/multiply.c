/* Matrix products, one for each place of Winograd's space: where the time goes.
 *
 * A block of filters × tiles sums stays in registers while the channels go by. */
#include "each.h"

/* v: pixels[channels][v_next], u: weights[channels][u_next], m: products[filters][v_next] */
SPECIALISED void block(const float *v, size_t v_next, const float *u, size_t u_next, int channels,
                       int filters, int tiles, float *m)
{
    lanes sum[LANES_FILTERS][LANES_TILES];
    for (int f = 0; f < filters; f++)
        for (int t = 0; t < tiles; t++)
            sum[f][t] = lanes_zero();
    for (int channel = 0; channel < channels; channel++, v += v_next, u += u_next) {
        lanes x[LANES_TILES];
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

SPECIALISED void some_filters(const float *v, size_t v_next, const float *u, size_t u_next,
                              int channels, int filters, int tiles, float *m)
{
    switch (filters) {
    case 1:
        block(v, v_next, u, u_next, channels, 1, tiles, m);
        break;
    case 2:
        block(v, v_next, u, u_next, channels, 2, tiles, m);
        break;
    case 3:
        block(v, v_next, u, u_next, channels, LANES_FILTERS > 2 ? 3 : 1, tiles, m);
        break;
    case 4:
        block(v, v_next, u, u_next, channels, LANES_FILTERS > 3 ? 4 : 1, tiles, m);
        break;
    case 5:
        block(v, v_next, u, u_next, channels, LANES_FILTERS > 4 ? 5 : 1, tiles, m);
        break;
    default:
        block(v, v_next, u, u_next, channels, LANES_FILTERS, tiles, m);
    }
}

/* All filters for some tiles of one place, in blocks of nearly equal size. */
SPECIALISED void some_tiles(const float *v, size_t v_next, const float *u, size_t u_next,
                            int channels, int filters, int tiles, float *m)
{
    int blocks = (filters + LANES_FILTERS - 1) / LANES_FILTERS;
    for (int b = 0, filter = 0; b < blocks; b++) {
        int end = filters * (b + 1) / blocks;
        some_filters(v, v_next, u + filter, u_next, channels, end - filter, tiles,
                     m + (size_t)filter * v_next);
        filter = end;
    }
}

void ISA_NAME(multiply)(const struct product *p)
{
    size_t next = (size_t)p->tiles * LANES;
    for (int place = 0; place < PLACES; place++) {
        const float *v = p->pixels + (size_t)place * p->pixels_place;
        const float *u = p->weights + (size_t)place * p->weights_place;
        float *m = p->products + (size_t)place * p->products_place;
        int tile = 0;
        for (; tile + LANES_TILES <= p->tiles; tile += LANES_TILES)
            some_tiles(v + tile * LANES, next, u, p->weights_next, p->channels, p->filters,
                       LANES_TILES, m + tile * LANES);
        for (; LANES_TILES > 2 && tile + 2 <= p->tiles; tile += 2)
            some_tiles(v + tile * LANES, next, u, p->weights_next, p->channels, p->filters, 2,
                       m + tile * LANES);
        for (; tile < p->tiles; tile++)
            some_tiles(v + tile * LANES, next, u, p->weights_next, p->channels, p->filters, 1,
                       m + tile * LANES);
    }
}
