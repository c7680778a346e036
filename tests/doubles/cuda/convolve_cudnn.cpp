#include "convolve.h"

#include <cstdlib>
#include <cstring>
#include <vector>

static float read_value(const tensor &t, size_t i)
{
    float value = 0;
    if (t.narrow)
        memcpy(reinterpret_cast<char *>(&value) + 2, t.at + 2 * i,
               2); /* the upper half of a float */
    else
        memcpy(&value, t.at + 4 * i, 4);
    return value;
}

/* To the nearest bfloat16, of two to the even one: by comparing, not by the engine's sum. */
static uint16_t narrowed(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t below = bits >> 16, rest = bits & 0xffff;
    if (value != value)
        return uint16_t(below | 0x40);
    return uint16_t(rest > 0x8000 || (rest == 0x8000 && below % 2 == 1) ? below + 1 : below);
}

static void write_value(const tensor &t, size_t i, float value)
{
    uint16_t narrow = narrowed(value);
    if (t.narrow)
        memcpy(t.at + 2 * i, &narrow, 2);
    else
        memcpy(t.at + 4 * i, &value, 4);
}

/* What becomes of a float in front of a tensor core. */
static float as_it_is(float value)
{
    return value;
}
static float truncated(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits &= ~0x1fffu;
    memcpy(&value, &bits, 4);
    return value;
}
/* Of two that are as near to the even one. */
static float nearest(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits += 0xfff + (bits >> 13 & 1);
    memcpy(&value, &bits, 4);
    return truncated(value);
}
typedef float (*rounding)(float value);
static rounding rounding_of(const job &j)
{
    static const char *const mode = getenv("PSWEEP_DOUBLE_TF32");
    if (mode == nullptr || j.x.narrow || !j.tensor_cores)
        return as_it_is;
    return strcmp(mode, "nearest") == 0 ? nearest : truncated;
}

/* Calls f with the place of each value, in the order of these axes, the last of which runs fastest.
 */
template <class F>
static void for_each_place(const tensor &t, const int (&axis)[4], F f)
{
    int64_t at[4] = {0, 0, 0, 0};
    auto &a = at[axis[0]], &b = at[axis[1]], &c = at[axis[2]], &d = at[axis[3]];
    for (a = 0; a < t.extent[axis[0]]; a++)
        for (b = 0; b < t.extent[axis[1]]; b++)
            for (c = 0; c < t.extent[axis[2]]; c++)
                for (d = 0; d < t.extent[axis[3]]; d++)
                    f(size_t(at[0] * t.stride[0] + at[1] * t.stride[1] + at[2] * t.stride[2] +
                             at[3] * t.stride[3]));
}

/* A tensor's values in the order of these axes, the last of which runs fastest. */
template <class S>
static std::vector<S> read_values(const tensor &t, const int (&axis)[4], rounding rounded)
{
    std::vector<S> values;
    values.reserve(values_of(t));
    for_each_place(t, axis,
                   [&](size_t place) { values.push_back(S(rounded(read_value(t, place)))); });
    return values;
}

/* sum[s] += Σ factor[f] weight[f][s] */
template <class S>
static void add_products(S *__restrict sum, const S *factor, const S *__restrict weight,
                         size_t sums, size_t factors)
{
    for (size_t f = 0; f < factors; f++)
        for (size_t s = 0; s < sums; s++)
            sum[s] += factor[f] * weight[f * sums + s];
}

/* sum[a][b] += left[a] right[b] */
template <class S>
static void add_outer(S *__restrict sum, const S *left, const S *__restrict right, size_t lefts,
                      size_t rights)
{
    for (size_t a = 0; a < lefts; a++)
        for (size_t b = 0; b < rights; b++)
            sum[a * rights + b] += left[a] * right[b];
}

/* One product after the other into sums of the tensor that is made. What is summed lies so that the
 * innermost loop goes through both the sums and one of the factors. */
template <class S>
static void convolve_in(const job &j)
{
    const int pixels[] = {0, 2, 3, 1}, taps[] = {2, 3, 0, 1}, taps_by_input[] = {2, 3, 1, 0};
    const rounding rounded = rounding_of(j);
    auto x = read_values<S>(j.x, pixels, rounded), y = read_values<S>(j.y, pixels, rounded);
    auto w = read_values<S>(j.w, j.direction == 0 ? taps_by_input : taps, rounded);
    auto &sum = j.direction == 0 ? y : j.direction == 1 ? x : w;
    sum.assign(sum.size(), 0);
    if (j.workspace_bytes > 0)
        memset(j.workspace, 0xff, size_t(j.workspace_bytes));
    const int64_t height = j.y.extent[2], width = j.y.extent[3];
    const int64_t side = j.w.extent[2], taps_of_filter = side * j.w.extent[3];
    const size_t filters = size_t(j.w.extent[0]), channels = size_t(j.w.extent[1]);
    for (int64_t n = 0; n < j.y.extent[0]; n++)
        for (int64_t row = 0; row < height; row++)
            for (int64_t column = 0; column < width; column++)
                for (int64_t tap = 0; tap < taps_of_filter; tap++) {
                    int64_t from = row + tap / side - side / 2,
                            left = column + tap % side - side / 2;
                    if (from < 0 || left < 0 || from >= height || left >= width)
                        continue;
                    S *in = &x[size_t((n * height + from) * width + left) * channels];
                    S *out = &y[size_t((n * height + row) * width + column) * filters];
                    S *weight = &w[size_t(tap) * filters * channels];
                    if (j.direction == 0)
                        add_products(out, in, weight, filters, channels);
                    else if (j.direction == 1)
                        add_products(in, out, weight, channels, filters);
                    else
                        add_outer(weight, out, in, filters, channels);
                }
    static const char *const fault = getenv("PSWEEP_DOUBLE_WRONG");
    const bool wrong = fault && (j.tensor_cores || strcmp(fault, "cores") != 0);
    const tensor &made = j.direction == 0 ? j.y : j.direction == 1 ? j.x : j.w;
    const S *next = sum.data();
    for_each_place(made, j.direction == 2 ? taps : pixels, [&](size_t place) {
        write_value(made, place, float(wrong ? *next * 1.01 + 0.01 : *next));
        next++;
    });
}

void convolve(const job &j)
{
    if (j.x.narrow)
        convolve_in<float>(j);
    else
        convolve_in<double>(j);
}
