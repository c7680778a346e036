/* Pixels as a small picture that a chart sets beside others.
 *
 * Pixels are enlarged by whole factors without smoothing, so that each is seen as it is, and shrunk
 * by whole factors, each the mean of those it stands for.
 */
#ifndef PSPLOT_TILE_H
#define PSPLOT_TILE_H

#include <stdint.h>

struct tile {
    uint32_t height, width;
    uint8_t *pixels; /* [height][width][3] red, green, blue; owned */
};

/* The picture of pixels[height][width][channels], no side larger than most. One channel is grey,
 * three are red, green, blue; any other number is the grey of their mean. */
struct tile tile_of(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                    uint32_t most);
/* The same no larger than a box. */
struct tile tile_within(const struct tile *tile, int width, int height);
void tile_free(struct tile *tile);

#endif
