/* Image files for tests, made in memory, and what they must decode to. Whoever gets a file frees
 * its bytes; expect() and expect_same() free the one that they are given first. */
#ifndef PSWEEP_PICTURES_H
#define PSWEEP_PICTURES_H

#include "tools/fetch/decoding/decode.h"

#include <stdio.h> /* jpeglib.h wants FILE */

#include <jpeglib.h>
#include <png.h>

struct file {
    uint8_t *bytes;
    size_t size;
};

/* What is written besides the pixels; any may be NULL. */
struct extras {
    const png_color *palette;
    int colours;
    const png_byte *alpha; /* of the palette, for each colour */
    const png_color_16 *transparent;
    int interlace;
};

/* A PNG of height rows of stride bytes, as the bit depth and colour type have them. */
struct file make_png(int height, int width, int depth, int type, const uint8_t *rows, size_t stride,
                     const struct extras *extras);

/* A JPEG of components channels per pixel, tightly packed, of the best quality; tune, if not NULL,
 * has the last word before it is written. */
struct file make_jpeg(unsigned height, unsigned width, int components, J_COLOR_SPACE space,
                      uint8_t *pixels, void (*tune)(struct jpeg_compress_struct *jpeg));

/* The file must decode to exactly these pixels, or to those of plain. */
void expect(struct file file, uint32_t height, uint32_t width, uint32_t channels,
            const uint8_t *pixels);
void expect_same(struct file file, struct file plain);
/* It must not decode, for a reason that has part in it. */
void expect_error(const uint8_t *bytes, size_t size, const char *part);

/* Where these bytes are first. */
size_t place_of(struct file file, const void *bytes, size_t size);
/* A copy with more bytes before that place. */
struct file with(struct file file, size_t at, const void *bytes, size_t size);
/* A copy of a PNG with another chunk before that of a type; and the length and sum of the chunk at
 * a place made right. */
struct file with_chunk(struct file file, const char *before, const char *type, const void *data,
                       uint32_t size);
void seal_chunk(struct file file, size_t at, uint32_t length);

/* Bytes of a fixed pattern, not smooth, so that damage shows. */
void fill(uint8_t *bytes, size_t size);

#endif
