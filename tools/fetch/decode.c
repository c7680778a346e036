#include "decode.h"

#include "formats.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

int pixels_shape(struct pixels *pixels, uint32_t height, uint32_t width, uint32_t channels)
{
    if (height == 0 || width == 0)
        return fail("an image of %u x %u pixels", height, width);
    if (height > DECODE_MAX_SIDE || width > DECODE_MAX_SIDE)
        return fail("an image of %u x %u pixels; at most %d a side can be read", height, width,
                    DECODE_MAX_SIDE);
    size_t size = (size_t)height * width * channels;
    if (size > DECODE_MAX_BYTES)
        return fail("an image of %u x %u pixels in %u channels; at most %d MiB can be read", height,
                    width, channels, DECODE_MAX_BYTES >> 20);
    if (size > pixels->capacity) {
        pixels->data = egrow(pixels->data, size, 1);
        pixels->capacity = size;
    }
    pixels->height = height;
    pixels->width = width;
    pixels->channels = channels;
    return 0;
}

void pixels_free(struct pixels *pixels)
{
    free(pixels->data);
    *pixels = (struct pixels){0};
}

int decode(const uint8_t *bytes, size_t size, struct pixels *out)
{
    if (size == 0)
        return fail("the file is empty");
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return decode_png(bytes, size, out);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return decode_jpeg(bytes, size, out);
    return fail("not a PNG or JPEG file");
}
