/* Into Winograd's space (winograd.h): what a convolution reads, its weights, and before that the
 * bytes of images into lanes.
 *
 * Columns first, as they are read, so that neighbouring tiles share them; they wait in a strip of
 * six rows in the nearest cache. Then each tile's rows. The memory of a channel's rows is too short
 * a stretch for the processor to guess what comes next, so the same rows of the next channel are
 * fetched meanwhile (measured: 17 % of a step). */
#include "window.h"
#include "winograd.h"

/* Six rows of an image with a border, or four without, of one channel. */
struct rows {
    const float *y, *gradient; /* the first row, perhaps outside; pooled rows if y's are pooled */
    size_t y_row, gradient_row;
    size_t y_ahead, gradient_ahead; /* to the next channel */
    int width;
    int inside; /* bit i is set where row i is in the image; the others are 0 */
    struct channel c;
};

static int rows_inside(int first, int rows, int height)
{
    int inside = 0;
    for (int i = 0; i < rows; i++)
        if (first + i >= 0 && first + i < height)
            inside |= 1 << i;
    return inside;
}

/* What is at a place of the source. */
enum kind { PLAIN, ACTIVATION, GRADIENT, POOLED, GRADIENT_OF_MEAN, GRADIENT_OF_MAX };

SPECIALISED lanes pooled(const struct rows *s, const float *y)
{
    for (int i = 0; i < 4; i++)
        __builtin_prefetch(y + (size_t)(i / 2) * s->y_row + i % 2 * LANES + s->y_ahead);
    return lanes_rectify(window_at(y, s->y_row, &s->c).highest);
}

SPECIALISED lanes gradient_at(const struct rows *s, const float *y, const float *gradient,
                              int of_mean)
{
    lanes value = lanes_load(y), dz = lanes_load(gradient);
    __builtin_prefetch(y + s->y_ahead);
    if (of_mean)
        dz = through(normalised(&s->c, value), dz);
    else
        __builtin_prefetch(gradient + s->gradient_ahead);
    return out_gradient(&s->c, dz, value);
}

/* y, gradient: a row's begin; at: floats from there, of a pooled row for GRADIENT's y too */
SPECIALISED lanes pixel(enum kind kind, const struct rows *s, const float *y, const float *gradient,
                        size_t at)
{
    switch (kind) {
    case PLAIN:
        return lanes_load(y + at);
    case ACTIVATION:
        __builtin_prefetch(y + (at + s->y_ahead));
        return lanes_rectify(normalised(&s->c, lanes_load(y + at)));
    case POOLED:
        return pooled(s, y + 2 * at);
    case GRADIENT:
        return gradient_at(s, y + at, gradient + at, 0);
    default:
        return gradient_at(s, y + at, gradient, 1);
    }
}

/* Takes one column of pixels (six), or of results (four), to six rows of the strip. */
SPECIALISED void store_column(const lanes *d, int rows, float *to, size_t row)
{
    lanes t[6];
    if (rows == 6)
        transform_pixels(d, t);
    else
        transform_results(d, t);
    store_each(to, row, 6, t);
}

SPECIALISED void columns(enum kind kind, const struct rows *from, int rows, int inside, float *to,
                         size_t row)
{
    struct rows s = *from; /* what is stored cannot change it */
    const float *y[6], *gradient[6];
    for (int i = 0; i < rows; i++) {
        y[i] = s.y + (size_t)i * s.y_row * (kind == POOLED ? 2 : 1);
        gradient[i] = kind == GRADIENT ? s.gradient + (size_t)i * s.gradient_row : s.gradient;
    }
    for (size_t at = 0; at < (size_t)s.width * LANES; at += LANES) {
        lanes d[6];
        for (int i = 0; i < rows; i++)
            d[i] = inside & 1 << i ? pixel(kind, &s, y[i], gradient[i], at) : lanes_zero();
        store_column(d, rows, to + at, row);
    }
}

/* The gradient through a maximum: columns in pairs, since windows are. */
SPECIALISED void columns_of_windows(const struct rows *from, int rows, int inside, float *to,
                                    size_t row)
{
    struct rows copy = *from, *s = &copy;
    lanes zero = lanes_zero();
    int border = rows == 6; /* then the first row is the lower one of its windows */
    for (int column = 0; column < s->width; column += 2, to += 2 * LANES) {
        lanes left[6], right[6];
        for (int i = -border; i < rows; i += 2) {
            int upper = i >= 0 && inside & 1 << i, lower = i + 1 < rows && inside & 1 << (i + 1);
            struct window w = {0};
            lanes dz = zero;
            if (upper || lower) {
                const float *y = s->y + i * (ptrdiff_t)s->y_row + column * LANES;
                const float *gradient = s->gradient +
                                        (i + border) / 2 * (ptrdiff_t)s->gradient_row +
                                        column / 2 * LANES;
                w = window_at(y, s->y_row, &s->c);
                dz = lanes_load(gradient);
                for (int k = 0; k < 4; k++)
                    __builtin_prefetch(y + (size_t)(k / 2) * s->y_row + k % 2 * LANES + s->y_ahead);
                __builtin_prefetch(gradient + s->gradient_ahead);
            }
            for (int half = 0; half < 2; half++) {
                if (i + half < 0 || i + half >= rows)
                    continue;
                left[i + half] = right[i + half] = zero;
                if (!(half ? lower : upper))
                    continue;
                lanes mine =
                    half ? lanes_select(w.lower, dz, zero) : lanes_select(w.lower, zero, dz);
                lanes to_left = lanes_select(w.right[half], zero, mine),
                      to_right = lanes_select(w.right[half], mine, zero);
                left[i + half] = out_gradient(&s->c, to_left, w.y[2 * half]);
                right[i + half] = out_gradient(&s->c, to_right, w.y[2 * half + 1]);
            }
        }
        store_column(left, rows, to, row);
        store_column(right, rows, to + LANES, row);
    }
}

SPECIALISED void some_columns(enum kind kind, const struct rows *s, int rows, int inside, float *to,
                              size_t row)
{
    if (kind == GRADIENT_OF_MAX)
        columns_of_windows(s, rows, inside, to, row);
    else
        columns(kind, s, rows, inside, to, row);
}

/* Each set of rows inside the image that is common has its own loop, for kinds that are. */
SPECIALISED void all_columns(enum kind kind, const struct rows *s, int rows, float *to, size_t row)
{
    int all = (1 << rows) - 1, is_common = kind <= GRADIENT;
    if ((is_common || kind == GRADIENT_OF_MAX) && s->inside == all)
        some_columns(kind, s, rows, all, to, row);
    else if (is_common && rows == 6 && s->inside == 0x3e)
        some_columns(kind, s, rows, 0x3e, to, row);
    else if (is_common && rows == 6 && s->inside == 0x1f)
        some_columns(kind, s, rows, 0x1f, to, row);
    else
        some_columns(kind, s, rows, s->inside, to, row);
}

/* Each tile's rows of the strip, as wide as a tile and its border: six pixels, or four results,
 * which have none and so do not overlap. */
SPECIALISED void transform_rows(const struct input_tiles *to, int size)
{
    size_t row = ((size_t)to->tiles * TILE + (size_t)(size - TILE)) * LANES, place = to->place;
    float *out = to->at;
    for (int tile = 0; tile < to->tiles; tile++, out += LANES) {
        const float *from = to->strip + (size_t)tile * TILE * LANES;
        float *at = out;
        for (int i = 0; i < 6; i++, from += row, at += 6 * place) {
            lanes d[6], t[6];
            load_each(from, LANES, size, d);
            if (size == 6)
                transform_pixels(d, t);
            else
                transform_results(d, t);
            store_each(at, place, 6, t);
        }
    }
}

/* Zeroes count columns of a strip. */
static void clear_columns(float *at, size_t row, int count)
{
    for (int i = 0; i < 6; i++)
        for (int column = 0; column < count; column++)
            lanes_store(at + (size_t)i * row + (size_t)column * LANES, lanes_zero());
}

/* Into the strip, six rows with a column of zeros on either side of the image, and from there. */
SPECIALISED void transform_plane(enum kind kind, const struct rows *s, int rows,
                                 const struct input_tiles *to)
{
    int border = rows == 6, width = to->tiles * TILE + 2 * border;
    size_t row = (size_t)width * LANES;
    clear_columns(to->strip, row, border);
    clear_columns(to->strip + (size_t)(border + s->width) * LANES, row, width - border - s->width);
    all_columns(kind, s, rows, to->strip + border * LANES, row);
    transform_rows(to, rows);
}

void ISA_NAME(input_transform_image)(const float *plane, int height, int width, int first,
                                     const struct input_tiles *to)
{
    size_t row = (size_t)width * LANES;
    struct rows s = {.y = plane + (first - 1) * (ptrdiff_t)row,
                     .y_row = row,
                     .width = width,
                     .inside = rows_inside(first - 1, 6, height)};
    transform_plane(PLAIN, &s, 6, to);
}

void ISA_NAME(input_transform_activation)(const struct output *o, int first,
                                          const struct input_tiles *to)
{
    int step = o->pool == POOL_MAX ? 2 : 1;
    size_t row = (size_t)o->width * LANES;
    struct rows s = {.y = o->y + (first - 1) * step * (ptrdiff_t)row,
                     .y_row = row,
                     .y_ahead = (size_t)o->height * row,
                     .width = o->width / step,
                     .inside = rows_inside(first - 1, 6, o->height / step),
                     .c = channel_begin(o->normal)};
    if (step == 2)
        transform_plane(POOLED, &s, 6, to);
    else
        transform_plane(ACTIVATION, &s, 6, to);
}

SPECIALISED struct rows gradient_rows(const struct output *o, const float *gradient, int first,
                                      int rows, uint32_t live)
{
    size_t row = (size_t)o->width * LANES, plane = (size_t)o->height * row;
    int step = o->pool == POOL_MAX ? 2 : 1;
    struct rows s = {.y = o->y + first * (ptrdiff_t)row,
                     .gradient = gradient,
                     .y_row = row,
                     .y_ahead = plane,
                     .gradient_row = row / (size_t)step,
                     .gradient_ahead = plane / (size_t)(step * step),
                     .width = o->width,
                     .inside = rows_inside(first, rows, o->height),
                     .c = channel_begin(o->normal)};
    lanes_mask mask = lanes_first(live); /* dy is 0 where all its factors are */
    s.c.out_gain = lanes_select(mask, s.c.gain, lanes_zero());
    s.c.slope = lanes_select(mask, s.c.slope, lanes_zero());
    s.c.level = lanes_select(mask, s.c.level, lanes_zero());
    if (o->pool == POOL_MAX) /* first may be -1, whose window begins at -2 */
        s.gradient += (first - (first & 1)) / 2 * (ptrdiff_t)s.gradient_row;
    else if (o->pool == POOL_NONE)
        s.gradient += first * (ptrdiff_t)row;
    return s;
}

SPECIALISED void transform_gradient(const struct output *o, const float *gradient, int first,
                                    uint32_t live, int rows, const struct input_tiles *to)
{
    struct rows s = gradient_rows(o, gradient, first, rows, live);
    if (o->pool == POOL_NONE)
        transform_plane(GRADIENT, &s, rows, to);
    else if (o->pool == POOL_MAX)
        transform_plane(GRADIENT_OF_MAX, &s, rows, to);
    else
        transform_plane(GRADIENT_OF_MEAN, &s, rows, to);
}

void ISA_NAME(input_transform_gradient)(const struct output *o, const float *gradient, int first,
                                        uint32_t live, const struct input_tiles *to)
{
    transform_gradient(o, gradient, first - 1, live, 6, to);
}

void ISA_NAME(input_transform_results)(const struct output *o, const float *gradient, int first,
                                       uint32_t live, const struct input_tiles *to)
{
    transform_gradient(o, gradient, first, live, TILE, to);
}

/* Weights, filters as lanes. */
void ISA_NAME(filter_transform)(const float *weights, size_t next, int side, int flip, int filters,
                                float *to, size_t panel, size_t place)
{
    for (int filter = 0; filter < filters; filter += LANES, to += panel) {
        lanes tap[LANES]; /* first filters, then, transposed, taps */
        for (int lane = 0; lane < LANES; lane++)
            tap[lane] = filter + lane < filters
                            ? lanes_load_any(weights + (size_t)(filter + lane) * next)
                            : lanes_zero();
        lanes_transpose(tap);
        if (side == 1) { /* the one in the middle */
            tap[4] = tap[0];
            for (int i = 0; i < 9; i++)
                tap[i] = i == 4 ? tap[4] : lanes_zero();
        }
        lanes half[3][6];
        for (int column = 0; column < 3; column++) {
            lanes g[3];
            for (int row = 0; row < 3; row++)
                g[row] = flip ? tap[8 - 3 * row - column] : tap[3 * row + column];
            transform_taps(g, half[column]);
        }
        for (int i = 0; i < 6; i++) {
            lanes g[3] = {half[0][i], half[1][i], half[2][i]}, t[6];
            transform_taps(g, t);
            for (int j = 0; j < 6; j++)
                lanes_store(to + (size_t)(6 * i + j) * place, t[j]);
        }
    }
}

/* Where the next byte of a row goes. */
struct load_place {
    int channel, column;
};

/* Up to four bytes of sixteen images, the first one lowest in a word. */
SPECIALISED void load_bytes(const uint8_t *const image[LANES], int first, int count, int channels,
                            const float (*scale)[2], float *to, size_t plane, struct load_place *at)
{
    _Alignas(64) uint32_t word[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        const uint8_t *b = image[lane] + first;
        word[lane] = b[0];
        if (count == 4) /* written like this it is one load */
            word[lane] = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        else
            for (int i = 1; i < count; i++)
                word[lane] |= (uint32_t)b[i] << 8 * i;
    }
    for (int i = 0; i < count; i++) {
        lanes value = lanes_multiply(
            lanes_subtract(lanes_bytes(word, 8 * i), lanes_all(scale[at->channel][0])),
            lanes_all(scale[at->channel][1]));
        lanes_store(to + (size_t)at->channel * plane + (size_t)at->column * LANES, value);
        at->channel = at->channel + 1 < channels ? at->channel + 1 : 0;
        at->column += at->channel == 0;
    }
}

void ISA_NAME(load_row)(const uint8_t *const image[LANES], int width, int channels,
                        const float (*scale)[2], float *to, size_t plane)
{
    int bytes = width * channels, first = 0;
    struct load_place at = {0, 0};
    for (; first + 4 <= bytes; first += 4)
        load_bytes(image, first, 4, channels, scale, to, plane, &at);
    if (first < bytes)
        load_bytes(image, first, bytes - first, channels, scale, to, plane, &at);
}
