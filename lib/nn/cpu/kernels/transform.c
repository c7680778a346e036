/* Into Winograd's space and out of it (winograd.h). */
#include "winograd.h"

/* Columns first, in place, so that neighbouring tiles share them; then each tile's rows. */
void ISA_NAME(spread)(const struct band *strip, float *to, size_t place)
{
    size_t row = band_row(strip);
    float *at = strip->at;
    for (float *column = at; column < at + row; column += LANES) {
        lanes d[6], t[6];
        for (int i = 0; i < 6; i++)
            d[i] = lanes_load(column + (size_t)i * row);
        transform_pixels(d, t);
        for (int i = 0; i < 6; i++)
            lanes_store(column + (size_t)i * row, t[i]);
    }
    for (int tile = 0; tile < strip->width / TILE; tile++, to += LANES) {
        const float *from = at + (size_t)tile * TILE * LANES;
        for (int i = 0; i < 6; i++, from += row) {
            lanes d[6], t[6];
            for (int j = 0; j < 6; j++)
                d[j] = lanes_load(from + j * LANES);
            transform_pixels(d, t);
            for (int j = 0; j < 6; j++)
                lanes_store(to + (size_t)(6 * i + j) * place, t[j]);
        }
    }
}

void ISA_NAME(spread_gradient)(const struct band *strip, float *to, size_t place)
{
    size_t row = band_row(strip);
    for (int tile = 0; tile < strip->width / TILE; tile++, to += LANES) {
        const float *from = band_at(strip, 0, 0, tile * TILE);
        lanes half[TILE][6];
        for (int column = 0; column < TILE; column++, from += LANES) {
            lanes y[TILE];
            for (int i = 0; i < TILE; i++)
                y[i] = lanes_load(from + (size_t)i * row);
            transform_results(y, half[column]);
        }
        for (int i = 0; i < 6; i++) {
            lanes y[TILE], t[6];
            for (int column = 0; column < TILE; column++)
                y[column] = half[column][i];
            transform_results(y, t);
            for (int j = 0; j < 6; j++)
                lanes_store(to + (size_t)(6 * i + j) * place, t[j]);
        }
    }
}

/* The statistics of a tile: each column from the top, then the columns together. */
SPECIALISED void add_to_sums(float *sums, lanes y[TILE][TILE], int rows, int columns)
{
    lanes origin = lanes_load(sums), sum[TILE], square[TILE];
    for (int column = 0; column < TILE; column++) {
        sum[column] = square[column] = lanes_zero();
        for (int row = 0; column < columns && row < rows; row++) {
            lanes d = lanes_subtract(y[row][column], origin);
            sum[column] = lanes_add(sum[column], d);
            square[column] = lanes_fma(d, d, square[column]);
        }
    }
    lanes all = lanes_add(lanes_add(sum[0], sum[1]), lanes_add(sum[2], sum[3]));
    lanes all_squares = lanes_add(lanes_add(square[0], square[1]), lanes_add(square[2], square[3]));
    lanes_store(sums + LANES, lanes_add(lanes_load(sums + LANES), all));
    lanes_store(sums + 2 * LANES, lanes_add(lanes_load(sums + 2 * LANES), all_squares));
}

/* One tile of one filter; rows × columns of it are inside the image. */
SPECIALISED void gather_tile(const float *from, size_t place, lanes bias, float *out,
                             size_t out_row, int rows, int columns, float *sums, int first,
                             size_t ahead)
{
    for (int row = 0; row < TILE; row++)
        for (int column = 0; column < TILE; column++)
            if (row < rows && column < columns)
                __builtin_prefetch(out + (size_t)row * out_row + column * LANES + ahead, 1);
    lanes half[6][TILE], y[TILE][TILE];
    for (int j = 0; j < 6; j++) {
        lanes m[6];
        for (int i = 0; i < 6; i++)
            m[i] = lanes_load(from + (size_t)(6 * i + j) * place);
        transform_products(m, half[j]);
    }
    for (int row = 0; row < TILE; row++) {
        lanes m[6];
        for (int j = 0; j < 6; j++)
            m[j] = half[j][row];
        transform_products(m, y[row]);
        for (int column = 0; column < TILE; column++) {
            y[row][column] = lanes_add(y[row][column], bias);
            if (row < rows && column < columns)
                lanes_store(out + (size_t)row * out_row + column * LANES, y[row][column]);
        }
    }
    if (sums && first) {
        lanes_store(sums, y[0][0]);
        lanes_store(sums + LANES, lanes_zero());
        lanes_store(sums + 2 * LANES, lanes_zero());
    }
    if (sums)
        add_to_sums(sums, y, rows, columns);
}

void ISA_NAME(gather)(const float *products, size_t place, float bias, int rows, int columns,
                      float *out, float *sums, int first, size_t ahead)
{
    lanes all = lanes_all(bias);
    for (int column = 0; column < columns; column += TILE, products += LANES, out += TILE * LANES) {
        if (rows >= TILE && columns - column >= TILE)
            gather_tile(products, place, all, out, (size_t)columns * LANES, TILE, TILE, sums,
                        first && column == 0, ahead);
        else
            gather_tile(products, place, all, out, (size_t)columns * LANES,
                        rows < TILE ? rows : TILE,
                        columns - column < TILE ? columns - column : TILE, sums,
                        first && column == 0, ahead);
    }
}

void ISA_NAME(spread_weights)(const float *weights, size_t next, int flip, int filters, float *to,
                              size_t place)
{
    for (int filter = 0; filter < filters; filter += LANES) {
        _Alignas(64) float taps[9][LANES] = {{0}};
        for (int lane = 0; lane < LANES && filter + lane < filters; lane++)
            for (int tap = 0; tap < 9; tap++)
                taps[tap][lane] =
                    weights[(size_t)(filter + lane) * next + (size_t)(flip ? 8 - tap : tap)];
        lanes half[3][6];
        for (int column = 0; column < 3; column++) {
            lanes g[3];
            for (int row = 0; row < 3; row++)
                g[row] = lanes_load(taps[3 * row + column]);
            transform_taps(g, half[column]);
        }
        for (int i = 0; i < 6; i++) {
            lanes g[3] = {half[0][i], half[1][i], half[2][i]}, t[6];
            transform_taps(g, t);
            for (int j = 0; j < 6; j++)
                lanes_store(to + (size_t)(6 * i + j) * place + filter, t[j]);
        }
    }
}
