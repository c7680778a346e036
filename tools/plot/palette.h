/* Colours that stay apart for colour-blind eyes: those of Okabe and Ito, "Color Universal Design"
 * (2008), without the yellow, which is lost on white. Each stands here as the picture's red, green,
 * blue and as the nearest of a terminal's 256 that can be read on black and on white. */
#ifndef PSPLOT_PALETTE_H
#define PSPLOT_PALETTE_H

#include <stdint.h>

enum { INK_BLUE, INK_VERMILLION, INK_GREEN, INK_PURPLE, INK_ORANGE, INK_SKY, INK_BLACK, INKS };

struct ink {
    double red, green, blue; /* 0 to 1 */
    uint8_t terminal;
};

static const struct ink palette[INKS] = {
    [INK_BLUE] = {0x00 / 255., 0x72 / 255., 0xb2 / 255., 33},
    [INK_VERMILLION] = {0xd5 / 255., 0x5e / 255., 0x00 / 255., 166},
    [INK_GREEN] = {0x00 / 255., 0x9e / 255., 0x73 / 255., 36},
    [INK_PURPLE] = {0xcc / 255., 0x79 / 255., 0xa7 / 255., 175},
    [INK_ORANGE] = {0xe6 / 255., 0x9f / 255., 0x00 / 255., 214},
    [INK_SKY] = {0x56 / 255., 0xb4 / 255., 0xe9 / 255., 74},
    [INK_BLACK] = {0.13, 0.13, 0.13, 244},
};

/* What a colour stands for in the curves of one run. */
enum { INK_TRAINING = INK_BLUE, INK_VALIDATION = INK_VERMILLION };

#endif
