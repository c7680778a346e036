/* Weights into Winograd's space (winograd.h), filters as lanes. */
#include "winograd.h"

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
