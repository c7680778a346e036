#include "reading/tile.h"

#include "message.h"

#include <stdlib.h>

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Each pixel is the mean of factor × factor; at the edges of fewer. */
static struct tile shrink(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                          uint32_t factor)
{
    struct tile tile = {(height + factor - 1) / factor, (width + factor - 1) / factor, NULL};
    tile.pixels = ealloc((size_t)tile.height * tile.width, 3);
    uint8_t *to = tile.pixels;
    for (uint32_t y = 0; y < height; y += factor)
        for (uint32_t x = 0; x < width; x += factor, to += 3) {
            uint32_t all = 0;
            for (uint32_t c = 0; c < channels; c++) {
                uint64_t sum = 0, count = 0;
                for (uint32_t i = y; i < y + factor && i < height; i++)
                    for (uint32_t j = x; j < x + factor && j < width; j++, count++)
                        sum += pixels[((size_t)i * width + j) * channels + c];
                uint32_t mean = (uint32_t)((sum + count / 2) / count);
                all += mean;
                if (channels == 3)
                    to[c] = (uint8_t)mean;
            }
            if (channels != 3)
                to[0] = to[1] = to[2] = (uint8_t)((all + channels / 2) / channels);
        }
    return tile;
}

struct tile tile_of(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                    uint32_t most)
{
    return shrink(pixels, height, width, channels, (larger(height, width) + most - 1) / most);
}

void tile_free(struct tile *tile)
{
    free(tile->pixels);
    tile->pixels = NULL;
}

/* How often part goes into whole, rounded up. */
static uint32_t times(uint32_t whole, int part)
{
    return part > 0 ? (whole + (uint32_t)part - 1) / (uint32_t)part : whole;
}

struct tile tile_within(const struct tile *tile, int width, int height)
{
    uint32_t part = larger(times(tile->width, width), times(tile->height, height));
    return shrink(tile->pixels, tile->height, tile->width, 3, part);
}
