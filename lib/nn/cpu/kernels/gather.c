/* Out of Winograd's space (winograd.h). */
#include "winograd.h"

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
        load_each(from + (size_t)j * place, 6 * place, 6, m);
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
