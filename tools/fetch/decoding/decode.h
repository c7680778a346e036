/* Image files to pixels, told apart by their first bytes.
 *
 * Pixels are uint8, [row][column][channel], tightly packed; channels is 1 (grey) or 3 (red, green,
 * blue). Transparency is laid over black: round(v · alpha / 255). Gamma and colour profiles are not
 * applied: the numbers of the file are the numbers of the record.
 *
 *     PNG   by libpng: 1, 2 and 4 bit grey is spread over 0 … 255, a palette becomes
 *           colour, 16 bit becomes 8 by rounding v / 257
 *     JPEG  by libjpeg-turbo: 8 bit, with the slow exact integer transform and the
 *           default chroma upsampling, so the pixels are the same for the same version.
 *           CMYK and YCCK become colour: round(ink · black / 255), with 255 for no ink,
 *           as Adobe's programs write them and others read them, whether the file says
 *           so or not
 *     WebP  by libwebp: colour; of many frames the first, at its place on the canvas
 *     GIF   by giflib: the same
 *     BMP   by bmp.c, for no library that is kept well reads it, and it is little more
 *           than rows of pixels: colour; not those that are compressed by run lengths
 *
 * libwebp and giflib may have been absent where psfetch was built.
 *
 * A damaged or shortened file is an error, also where the library would only have warned, but for
 * what sound files of other programs have: bytes that belong to nothing, before a JPEG's first
 * pixels or its end, or behind a PNG's pixels; other revisions of JFIF; chunks where they mean
 * nothing. The sentence has the library's reason ("PNG: IDAT: CRC error") and no file name, for the
 * caller knows it. Sizes are checked before memory is taken: DECODE_MAX_SIDE a side,
 * DECODE_MAX_BYTES in all, and as much again for what a library keeps until it has the pixels. Time
 * is that of a few passes through the pixels and the file. No globals: any number of threads, each
 * with its own struct pixels.
 */
#ifndef PSWEEP_DECODE_H
#define PSWEEP_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum {
    DECODE_MAX_SIDE = 65535,
    DECODE_MAX_BYTES = 256 << 20,
    DECODE_MAX_FILE = 512 << 20, /* for callers: a larger file is not worth reading; it is what the
                                    largest image takes with 16 bits a value, not compressed */
};

/* Who decodes many images at once is asked before memory is taken for the pixels of one; wait()
 * returns when there is room for them. */
struct room {
    void (*wait)(struct room *room, size_t bytes);
};

/* The memory belongs to whoever holds the struct; it grows and is reused. Start with all zero. */
struct pixels {
    uint32_t height, width, channels;
    uint8_t *data;        /* uint8[height][width][channels] */
    size_t capacity;      /* bytes at data */
    unsigned orientation; /* of a decoded file, not applied yet (orient.h); 0: it does not say */
    struct room *room;    /* NULL: there is */
};

/* Decodes bytes[size] into out. 0, or -1 with a sentence; then out's pixels and shape mean nothing,
 * but it may be used again. */
int decode(const uint8_t *bytes, size_t size, struct pixels *out);

/* The formats that decode() reads, as this program was built: "PNG, JPEG and GIF" with " and "
 * before the last one. Borrowed from this thread until its next call. */
const char *decode_formats(const char *before_last);

/* By their first bytes, whether a file is of a format that decode() reads; DECODE_HEAD of them are
 * enough, or all where it has fewer. */
enum { DECODE_HEAD = 16 };
int decode_knows(const uint8_t *bytes, size_t size);
/* Whether files of such a format are called so: suffix[size] is ".png", or ".JPG". */
int decode_is_suffix(const char *suffix, size_t size);

/* Sets the shape and makes room for it. 0, or -1 with a sentence when it exceeds the limits above.
 */
int pixels_shape(struct pixels *pixels, uint32_t height, uint32_t width, uint32_t channels);

/* Frees the memory and makes all zero. */
void pixels_free(struct pixels *pixels);

#endif
