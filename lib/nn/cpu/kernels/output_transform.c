/* Out of Winograd's space (winograd.h), with the sums that batch normalisation needs of what comes
 * out: while it is in registers. */
#include "window.h"
#include "winograd.h"

/* The columns of a tile's products. */
SPECIALISED void result_columns(const float *from, size_t place, lanes half[6][TILE])
{
    for (int j = 0; j < 6; j++) {
        lanes m[6];
        load_each(from + (size_t)j * place, 6 * place, 6, m);
        transform_products(m, half[j]);
    }
}

SPECIALISED void result_row(lanes half[6][TILE], int row, lanes y[TILE])
{
    lanes m[6];
    for (int j = 0; j < 6; j++)
        m[j] = half[j][row];
    transform_products(m, y);
}

SPECIALISED void clear(lanes a[TILE])
{
    for (int column = 0; column < TILE; column++)
        a[column] = lanes_zero();
}

/* Adds the sums of a tile's columns, in pairs, to to[LANES]. */
SPECIALISED void add_columns(const lanes c[TILE], float *to)
{
    lanes all = lanes_add(lanes_add(c[0], c[1]), lanes_add(c[2], c[3]));
    lanes_store(to, lanes_add(lanes_load(to), all));
}

/* What will be written or read soon: rows × columns pixels. */
SPECIALISED void fetch(const float *at, size_t row_floats, int rows, int columns, int write)
{
    for (int row = 0; row < rows; row++, at += row_floats)
        for (int column = 0; column < columns; column++)
            if (write)
                __builtin_prefetch(at + column * LANES, 1);
            else
                __builtin_prefetch(at + column * LANES);
}

/* One tile of one filter; rows × columns of it are inside the image. */
SPECIALISED void put(const float *products, size_t place, lanes bias, float *out, size_t row_floats,
                     size_t ahead, float *sums, int first, int rows, int columns)
{
    lanes half[6][TILE], y[TILE], sum[TILE], square[TILE];
    fetch(out + ahead, row_floats, rows, columns, 1);
    result_columns(products, place, half);
    clear(sum);
    clear(square);
    lanes origin = sums && !first ? lanes_load(sums) : lanes_zero();
    for (int row = 0; row < rows; row++, out += row_floats) {
        result_row(half, row, y);
        if (sums && first && row == 0) {
            origin = lanes_add(y[0], bias);
            lanes_store(sums, origin);
            lanes_store(sums + LANES, lanes_zero());
            lanes_store(sums + 2 * LANES, lanes_zero());
        }
        for (int c = 0; c < columns; c++) {
            y[c] = lanes_add(y[c], bias);
            lanes_store(out + c * LANES, y[c]);
            if (sums) {
                lanes d = lanes_subtract(y[c], origin);
                sum[c] = lanes_add(sum[c], d);
                square[c] = lanes_fma(d, d, square[c]);
            }
        }
    }
    if (sums) {
        add_columns(sum, sums + LANES);
        add_columns(square, sums + 2 * LANES);
    }
}

/* The same for a gradient through the ReLU of y, which lies as out does. */
SPECIALISED void put_gradient(const float *products, size_t place, const struct channel *channel,
                              const float *y, float *out, size_t row_floats, size_t ahead,
                              float *sums, int rows, int columns)
{
    lanes half[6][TILE], g[TILE], sum[TILE], product[TILE];
    fetch(out + ahead, row_floats, rows, columns, 1);
    fetch(y + ahead, row_floats, rows, columns, 0);
    result_columns(products, place, half);
    clear(sum);
    clear(product);
    for (int row = 0; row < rows; row++, out += row_floats, y += row_floats) {
        result_row(half, row, g);
        for (int c = 0; c < columns; c++) {
            lanes value = lanes_load(y + c * LANES);
            lanes dz = through(normalised(channel, value), g[c]);
            lanes_store(out + c * LANES, dz);
            sum[c] = lanes_add(sum[c], dz);
            product[c] = lanes_fma(dz, lanes_subtract(value, channel->mean), product[c]);
        }
    }
    add_columns(sum, sums);
    add_columns(product, sums + LANES);
}

void ISA_NAME(output_transform)(const struct output_tiles *tiles, float bias, float *sums,
                                int first)
{
    struct output_tiles g = *tiles; /* what is stored cannot change it */
    size_t row = (size_t)g.columns * LANES;
    lanes all = lanes_all(bias);
    for (int column = 0; column < g.columns; column += TILE, first = 0) {
        int rest = g.columns - column;
        if (g.rows >= TILE && rest >= TILE && sums && !first)
            put(g.products, g.place, all, g.out, row, g.ahead, sums, 0, TILE, TILE);
        else if (g.rows >= TILE && rest >= TILE && !sums)
            put(g.products, g.place, all, g.out, row, g.ahead, NULL, 0, TILE, TILE);
        else
            put(g.products, g.place, all, g.out, row, g.ahead, sums, first,
                g.rows < TILE ? g.rows : TILE, rest < TILE ? rest : TILE);
        g.products += LANES;
        g.out += TILE * LANES;
    }
}

void ISA_NAME(output_transform_gradient)(const struct output_tiles *tiles, const float *y,
                                         const struct normal *normal, float *sums, int first)
{
    struct output_tiles g = *tiles;
    struct channel c = channel_begin(normal);
    size_t row = (size_t)g.columns * LANES;
    if (first) {
        lanes_store(sums, lanes_zero());
        lanes_store(sums + LANES, lanes_zero());
    }
    for (int column = 0; column < g.columns; column += TILE, y += TILE * LANES) {
        int rest = g.columns - column;
        if (g.rows >= TILE && rest >= TILE)
            put_gradient(g.products, g.place, &c, y, g.out, row, g.ahead, sums, TILE, TILE);
        else
            put_gradient(g.products, g.place, &c, y, g.out, row, g.ahead, sums,
                         g.rows < TILE ? g.rows : TILE, rest < TILE ? rest : TILE);
        g.products += LANES;
        g.out += TILE * LANES;
    }
}
