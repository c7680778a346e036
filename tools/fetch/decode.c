#include "decode.h"

#include "formats.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const struct format decode_format[] = {
    {"PNG", ".png", "\x89PNG\r\n\x1a\n", 8, decode_png},
    {"JPEG", ".jpg .jpeg .jpe .jfif", "\xff\xd8\xff", 3, decode_jpeg},
    {NULL, NULL, NULL, 0, NULL},
};

static const struct format *find_format(const uint8_t *bytes, size_t size)
{
    for (const struct format *format = decode_format; format->name; format++) {
        size_t same = 0;
        while (same < format->size && same < size &&
               (format->begins[same] == '?' || (uint8_t)format->begins[same] == bytes[same]))
            same++;
        if (same == format->size)
            return format;
    }
    return NULL;
}

int decode_knows(const uint8_t *bytes, size_t size)
{
    return find_format(bytes, size) != NULL;
}

int decode_is_suffix(const char *suffix, size_t size)
{
    for (const struct format *format = decode_format; format->name; format++)
        for (const char *known = format->suffixes; *known; known += strspn(known, " ")) {
            size_t length = strcspn(known, " ");
            if (length == size && strncasecmp(known, suffix, size) == 0)
                return 1;
            known += length;
        }
    return 0;
}

int decode(const uint8_t *bytes, size_t size, struct pixels *out)
{
    if (size == 0)
        return fail("the file is empty");
    const struct format *format = find_format(bytes, size);
    out->orientation = 0;
    return format ? format->decode(bytes, size, out) : fail("not a PNG or JPEG file");
}
