#include "decoding/orient.h"

#include <stddef.h>
#include <string.h>

/* A number of 2 or 4 bytes in the block's order. */
static uint32_t number(const uint8_t *at, int bytes, int is_big)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[is_big ? i : bytes - 1 - i];
    return value;
}

unsigned orient_exif(const uint8_t *exif, size_t size)
{
    enum { HEAD = 8, ENTRY = 12, TAG = 0x112, SHORT = 3, LONG = 4 };
    if (size < HEAD || (memcmp(exif, "II*", 4) != 0 && memcmp(exif, "MM\0*", 4) != 0))
        return 0;
    int is_big = exif[0] == 'M';
    size_t list = number(exif + 4, 4, is_big);
    if (list < HEAD || list > size - 2)
        return 0;
    size_t count = number(exif + list, 2, is_big), room = (size - list - 2) / ENTRY;
    const uint8_t *entry = exif + list + 2;
    for (size_t i = 0; i < count && i < room; i++, entry += ENTRY) {
        uint32_t type = number(entry + 2, 2, is_big);
        if (number(entry, 2, is_big) != TAG || (type != SHORT && type != LONG) ||
            number(entry + 4, 4, is_big) != 1)
            continue;
        uint32_t value = number(entry + 8, type == SHORT ? 2 : 4, is_big);
        return value >= 1 && value <= 8 ? value : 0;
    }
    return 0;
}

int orient(const struct pixels *in, struct pixels *out)
{
    unsigned how = in->orientation;
    int is_turned = how >= 5, from_right = how == 2 || how == 3 || how == 7 || how == 8,
        from_below = how == 3 || how == 4 || how == 6 || how == 7;
    uint32_t height = is_turned ? in->width : in->height,
             width = is_turned ? in->height : in->width;
    if (pixels_shape(out, height, width, in->channels) < 0)
        return -1;
    /* From one pixel of the file to the one below and to the right, and so from one of out. */
    ptrdiff_t pixel = in->channels, row = (ptrdiff_t)in->width * pixel;
    ptrdiff_t below = from_below ? -row : row, right = from_right ? -pixel : pixel;
    ptrdiff_t next_row = is_turned ? right : below, next = is_turned ? below : right;
    ptrdiff_t start =
        (from_below ? row * ((ptrdiff_t)in->height - 1) : 0) + (from_right ? row - pixel : 0);
    uint8_t *to = out->data;
    for (uint32_t y = 0; y < height; y++, start += next_row) {
        ptrdiff_t from = start;
        for (uint32_t x = 0; x < width; x++, from += next)
            for (ptrdiff_t c = 0; c < pixel; c++)
                *to++ = in->data[from + c];
    }
    out->orientation = 1;
    return 0;
}
