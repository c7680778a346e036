#include "decoding/formats.h"

#include "message.h"

#include <string.h>

/* A file's header is 14 bytes, the last four the place of the pixels; then comes the picture's,
 * whose first four bytes are its length. Numbers are little-endian. */
enum { FILE_HEAD = 14, OLD_HEAD = 12, HEAD = 40, MASKS = FILE_HEAD + HEAD };
enum { PLAIN = 0, BITFIELDS = 3, ALPHA_BITFIELDS = 6 }; /* compression */

struct bitmap_head {
    uint32_t size, height, width, bits;
    int is_top_down;
    uint32_t
        mask[4]; /* where a pixel of 16 bits and more has red, green, blue, alpha; 0: nowhere */
    const uint8_t *palette; /* [colours][step]: blue, green, red */
    uint32_t colours, step;
    const uint8_t *rows; /* [height][stride] */
    size_t stride;
};

static uint32_t number(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static int read_masks(struct bitmap_head *head, const uint8_t *bytes, size_t size,
                      uint32_t compression)
{
    static const uint32_t wide[4] = {0xff0000, 0xff00, 0xff, 0},
                          narrow[4] = {0x7c00, 0x3e0, 0x1f, 0};
    memcpy(head->mask, head->bits == 16 ? narrow : wide, sizeof head->mask);
    if (compression == PLAIN)
        return 0;
    unsigned masks = compression == ALPHA_BITFIELDS || head->size >= HEAD + 16 ? 4 : 3;
    if (size < MASKS + 4 * masks)
        return fail("BMP: the file ends in the middle");
    for (unsigned c = 0; c < masks; c++) {
        uint32_t mask = head->mask[c] = number(bytes + MASKS + 4 * c, 4);
        uint32_t most = mask ? mask >> __builtin_ctz(mask) : 0;
        if ((most & (most + 1)) != 0)
            return fail("BMP: the header is damaged");
    }
    return 0;
}

/* All of the headers, checked against the size of the file. */
static int read_head(struct bitmap_head *head, const uint8_t *bytes, size_t size)
{
    uint32_t compression = PLAIN;
    if (size < FILE_HEAD + OLD_HEAD || size - FILE_HEAD < (head->size = number(bytes + 14, 4)))
        return fail("BMP: the file ends in the middle");
    if (head->size != OLD_HEAD && head->size < HEAD)
        return fail("BMP: the header is damaged");
    if (head->size == OLD_HEAD) {
        head->width = number(bytes + 18, 2);
        head->height = number(bytes + 20, 2);
        head->bits = number(bytes + 24, 2);
    } else {
        head->width = number(bytes + 18, 4);
        head->height = number(bytes + 22, 4);
        head->bits = number(bytes + 28, 2);
        compression = number(bytes + 30, 4);
        head->colours = number(bytes + 46, 4);
    }
    if (head->height >> 31) {
        head->is_top_down = 1;
        head->height = -head->height;
    }
    int is_palette = head->bits == 1 || head->bits == 4 || head->bits == 8;
    int is_masked = head->bits == 16 || head->bits == 32;
    if (!is_palette && !is_masked && head->bits != 24)
        return fail("BMP: %u bits a pixel cannot be read", head->bits);
    if (compression != PLAIN &&
        (!is_masked || (compression != BITFIELDS && compression != ALPHA_BITFIELDS)))
        return fail("BMP: its pixels are compressed, which psfetch does not read: convert it");
    if (head->width > DECODE_MAX_SIDE || head->height > DECODE_MAX_SIDE)
        return pixels_shape(&(struct pixels){0}, head->height, head->width, 3);
    if (read_masks(head, bytes, size, compression) < 0)
        return -1;
    head->step = head->size == OLD_HEAD ? 3 : 4;
    if (head->colours == 0 || head->colours > 1u << (head->bits & 15))
        head->colours = 1u << (head->bits & 15);
    head->palette = bytes + FILE_HEAD + head->size;
    head->stride = ((size_t)head->width * head->bits + 31) / 32 * 4;
    size_t place = number(bytes + 10, 4), needed = ((size_t)head->width * head->bits + 7) / 8;
    if (head->height > 0)
        needed += (head->height - 1) * head->stride; /* the last row need not be filled up */
    if (place > size || size - place < needed ||
        (is_palette && size - FILE_HEAD - head->size < (size_t)head->colours * head->step))
        return fail("BMP: the file ends in the middle");
    head->rows = bytes + place;
    return 0;
}

/* Pixel x of a row: red, green, blue, and alpha where out has four channels. -1 when the palette
 * has no such colour. */
static int read_pixel(const struct bitmap_head *head, const uint8_t *row, uint32_t x,
                      uint32_t channels, uint8_t *out)
{
    if (head->bits <= 8) {
        uint32_t bit = x * head->bits, index = row[bit / 8] >> (8 - head->bits - bit % 8);
        index &= (1u << head->bits) - 1;
        for (uint32_t c = 0; c < 3 && index < head->colours; c++)
            out[c] = head->palette[index * head->step + 2 - c];
        return index < head->colours ? 0 : -1;
    }
    uint32_t value = number(row + (size_t)x * (head->bits / 8), head->bits / 8);
    for (uint32_t c = 0; c < channels; c++) {
        uint32_t mask = head->mask[c];
        int shift = mask ? __builtin_ctz(mask) : 0;
        uint64_t most = mask ? mask >> shift : 1;
        out[c] = (uint8_t)(((uint64_t)((value & mask) >> shift) * 255 + most / 2) / most);
    }
    return 0;
}

int decode_bmp(const uint8_t *bytes, size_t size, struct pixels *out)
{
    struct bitmap_head head = {0};
    if (read_head(&head, bytes, size) < 0)
        return -1;
    uint32_t channels = head.mask[3] ? 4 : 3;
    if (pixels_shape(out, head.height, head.width, channels) < 0)
        return -1;
    uint8_t *to = out->data, opaque = 0;
    for (uint32_t y = 0; y < head.height; y++) {
        const uint8_t *row = head.rows + (head.is_top_down ? y : head.height - 1 - y) * head.stride;
        for (uint32_t x = 0; x < head.width; x++, to += channels) {
            if (read_pixel(&head, row, x, channels, to) < 0)
                return fail("BMP: a pixel has a colour that the palette lacks");
            opaque |= to[channels - 1];
        }
    }
    if (channels == 4) {
        for (size_t i = 3; !opaque && i < (size_t)head.height * head.width * 4; i += 4)
            out->data[i] = 255; /* who tells of alpha and leaves it 0 everywhere means none */
        pixels_over_black(out);
    }
    return 0;
}
