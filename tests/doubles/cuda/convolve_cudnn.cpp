#include "convolve.h"

#include <cstdlib>
#include <cstring>
#include <vector>

/* As floats: bfloat16 is the upper half of one. */
static std::vector<float> read_values(const tensor &t)
{
    std::vector<float> values(values_of(t));
    for (size_t i = 0; i < values.size(); i++) {
        if (t.narrow)
            memcpy(reinterpret_cast<char *>(&values[i]) + 2, t.at + 2 * i, 2);
        else
            memcpy(&values[i], t.at + 4 * i, 4);
    }
    return values;
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

static size_t place(const tensor &t, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return size_t(a * t.stride[0] + b * t.stride[1] + c * t.stride[2] + d * t.stride[3]);
}

/* One product after the other into sums of the tensor that is made. */
template <class S>
static void convolve_in(const job &j)
{
    const tensor &made = j.direction == 0 ? j.y : j.direction == 1 ? j.x : j.w;
    size_t values = values_of(made);
    std::vector<S> sum(values);
    std::vector<float> all_x = read_values(j.x), all_w = read_values(j.w), all_y = read_values(j.y);
    if (j.workspace_bytes > 0)
        memset(j.workspace, 0xff, size_t(j.workspace_bytes));
    for (int64_t n = 0; n < j.y.extent[0]; n++)
        for (int64_t row = 0; row < j.y.extent[2]; row++)
            for (int64_t column = 0; column < j.y.extent[3]; column++)
                for (int64_t tap = 0; tap < 9; tap++) {
                    int64_t from = row + tap / 3 - 1, left = column + tap % 3 - 1;
                    if (from < 0 || left < 0 || from >= j.x.extent[2] || left >= j.x.extent[3])
                        continue;
                    for (int64_t k = 0; k < j.w.extent[0]; k++)
                        for (int64_t c = 0; c < j.w.extent[1]; c++) {
                            size_t x = place(j.x, n, c, from, left);
                            size_t w = place(j.w, k, c, tap / 3, tap % 3);
                            size_t y = place(j.y, n, k, row, column);
                            if (j.direction == 0)
                                sum[y] += S(all_x[x]) * all_w[w];
                            else if (j.direction == 1)
                                sum[x] += S(all_y[y]) * all_w[w];
                            else
                                sum[w] += S(all_y[y]) * all_x[x];
                        }
                }
    /* PSWEEP_DOUBLE_WRONG: a device that computes wrong, a little. */
    static const bool wrong = getenv("PSWEEP_DOUBLE_WRONG") != nullptr;
    for (size_t i = 0; i < values; i++)
        write_value(made, i, float(wrong ? sum[i] * 1.01 + 0.01 : sum[i]));
}

void convolve(const job &j)
{
    if (j.x.narrow)
        convolve_in<float>(j);
    else
        convolve_in<double>(j);
}
