#include "decoding/decode.h"

#include "decoding/formats.h"
#include "message.h"
#include "options.h"

#include <ctype.h>
#include <stdio.h>
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
        return fail("an image of %u x %u pixels in %u channel%s; at most %d MiB can be read",
                    height, width, channels, plural(channels), DECODE_MAX_BYTES >> 20);
    if (size > pixels->capacity) {
        if (pixels->room != NULL)
            pixels->room->wait(pixels->room, size);
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

/* A pixel shrinks by one byte, so the place written never overtakes the place read. */
void pixels_over_black(struct pixels *pixels)
{
    uint32_t channels = pixels->channels - 1;
    size_t count = (size_t)pixels->height * pixels->width;
    const uint8_t *from = pixels->data;
    uint8_t *to = pixels->data;
    for (size_t i = 0; i < count; i++, from += channels + 1, to += channels)
        for (uint32_t c = 0; c < channels; c++)
            to[c] = (uint8_t)((from[c] * from[channels] + 127) / 255);
    pixels->channels = channels;
}

struct format {
    const char *name;     /* "PNG" */
    const char *suffixes; /* what its files are called: ".jpg|.jpeg"; NULL: it is not read */
    const char *begins;   /* the first bytes of its files; ? stands for any */
    size_t size;          /* of them */
    const char *library;  /* that reads it; NULL: it is not read */
    int (*decode)(const uint8_t *bytes, size_t size, struct pixels *out);
};

/* The order is that of sentences; a row without a name ends it. */
static const struct format formats[] = {
    {"PNG", ".png", "\x89PNG\r\n\x1a\n", 8, "libpng", decode_png},
    {"JPEG", ".jpg|.jpeg|.jpe|.jfif", "\xff\xd8\xff", 3, "libjpeg", decode_jpeg},
    {"WebP", ".webp", "RIFF????WEBP", 12, "libwebp", decode_webp},
    {"GIF", ".gif", "GIF8?a", 6, "giflib", decode_gif},
    {"BMP", ".bmp|.dib", "BM????\0\0\0\0", 10, "psfetch", decode_bmp},
    {"TIFF", NULL, "II*\0", 4, NULL, NULL},
    {"TIFF", NULL, "MM\0*", 4, NULL, NULL},
    {"TIFF", NULL, "II+\0", 4, NULL, NULL},
    {"TIFF", NULL, "MM\0+", 4, NULL, NULL},
    {"AVIF", NULL, "????ftypavi", 11, NULL, NULL},
    {"HEIC", NULL, "????ftyphe", 10, NULL, NULL},
    {"HEIF", NULL, "????ftypm?f1", 12, NULL, NULL},
    {"JPEG XL", NULL, "\xff\x0a", 2, NULL, NULL},
    {"JPEG XL", NULL, "\0\0\0\x0cJXL ", 8, NULL, NULL},
    {"JPEG 2000", NULL, "\0\0\0\x0cjP  ", 8, NULL, NULL},
    {"JPEG 2000", NULL, "\xff\x4f\xff\x51", 4, NULL, NULL},
    {"Photoshop", NULL, "8BPS", 4, NULL, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL},
};

static const struct format *find_format(const uint8_t *bytes, size_t size)
{
    for (const struct format *format = formats; format->name; format++) {
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
    const struct format *format = find_format(bytes, size);
    return format != NULL && format->library != NULL;
}

int decode_is_suffix(const char *suffix, size_t size)
{
    char small[8] = "";
    if (size >= sizeof small)
        return 0;
    for (size_t i = 0; i < size; i++)
        small[i] = (char)tolower((unsigned char)suffix[i]);
    for (const struct format *format = formats; format->name; format++)
        if (format->suffixes != NULL && options_among(format->suffixes, small))
            return 1;
    return 0;
}

const char *decode_formats(const char *before_last)
{
    static _Thread_local char list[80];
    const char *waiting = ""; /* it may be the last one */
    size_t used = 0;
    for (const struct format *format = formats; format->name; format++) {
        if (format->decode == NULL)
            continue;
        if (*waiting)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     waiting);
        waiting = format->name;
    }
    snprintf(list + used, sizeof list - used, "%s%s", before_last, waiting);
    return list;
}

int decode(const uint8_t *bytes, size_t size, struct pixels *out)
{
    if (size == 0)
        return fail("the file is empty");
    const struct format *format = find_format(bytes, size);
    out->orientation = 0;
    if (format == NULL)
        return fail("not a %s file", decode_formats(" or "));
    if (format->decode != NULL)
        return format->decode(bytes, size, out);
    const char *article = *format->name == 'A' ? "an" : "a";
    if (format->library != NULL)
        return fail("it is %s %s image, and this psfetch was built without %s", article,
                    format->name, format->library);
    return fail("it is %s %s image, which psfetch does not read: convert it", article,
                format->name);
}
