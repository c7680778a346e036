/* Bytes of sixteen images into lanes. */
#include <string.h>

#include "each.h"

void ISA_NAME(load_row)(const uint8_t *const image[LANES], int width, int channels,
                        const float (*scale)[2], float *to, size_t plane)
{
    int bytes = width * channels, channel = 0, column = 0;
    for (int first = 0; first < bytes; first += 4) {
        _Alignas(64) uint32_t word[LANES]; /* four bytes of each image, the first one lowest */
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *b = image[lane] + first;
            word[lane] = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        }
        for (int i = 0; i < 4; i++) {
            lanes value = lanes_multiply(
                lanes_subtract(lanes_bytes(word, 8 * i), lanes_all(scale[channel][0])),
                lanes_all(scale[channel][1]));
            lanes_store(to + (size_t)channel * plane + (size_t)column * LANES, value);
            channel = channel + 1 < channels ? channel + 1 : 0;
            column += channel == 0;
        }
    }
}
