#include "decoding/formats.h"

#include "message.h"
#include "decoding/orient.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

/* What is left of the file. */
struct unread {
    const uint8_t *at;
    size_t left;
    int in_pixels; /* their data has begun */
    size_t most;   /* bytes that are still read of it */
};

/* libpng unpacks what is behind the last row to its end, to see whether its sum is right; that can
 * be a thousand times as much as the file, and comes to nothing. */
enum { IDAT = 0x49444154, MOST_BEHIND = 1 << 16 };

static void on_read(png_structp png, png_bytep out, size_t size)
{
    struct unread *unread = png_get_io_ptr(png);
    if (size > unread->left)
        png_error(png, "the file ends in the middle");
    if (png_get_io_chunk_type(png) == IDAT) {
        if (size > unread->most)
            png_error(png, "too much data is behind its pixels; write it anew with another "
                           "program");
        unread->most -= size;
    }
    memcpy(out, unread->at, size);
    unread->at += size;
    unread->left -= size;
}

static _Noreturn void on_error(png_structp png, png_const_charp reason)
{
    fail("PNG: %s", reason);
    png_longjmp(png, 1);
}

/* Before the pixels libpng warns of nothing that touches them; from there on of damage, but for
 * data behind theirs, which some programs leave there. */
static void on_warning(png_structp png, png_const_charp reason)
{
    const struct unread *unread = png_get_io_ptr(png);
    if (unread->in_pixels && strcmp(reason, "IDAT: Extra compressed data") != 0 &&
        strcmp(reason, "IDAT: Too much image data") != 0)
        on_error(png, reason);
}

/* What the chunk eXIf says; the file was read to its end. */
static unsigned orientation(const uint8_t *bytes, size_t size)
{
    size_t at = 8;
    while (size - at >= 12) {
        size_t length = png_get_uint_32(bytes + at);
        if (length > size - at - 12)
            break;
        if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
            return orient_exif(bytes + at + 8, length);
        at += 12 + length;
    }
    return 0;
}

/* Sets up the transformations and reads all rows. An error leaves through on_error(). Returns -1
 * when the size is beyond the limits. */
static int read_pixels(png_structp png, png_infop info, struct pixels *out)
{
    /* Nothing but IHDR, PLTE, tRNS, IDAT and IEND decides pixels here; any damage counts. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 1); /* are warnings: a palette of a grey picture, … */
    png_set_user_limits(png, DECODE_MAX_SIDE, DECODE_MAX_SIDE);
    png_read_info(png, info);

    png_set_expand(png);   /* palette to colour, 1, 2, 4 bit to 8, tRNS to alpha */
    png_set_scale_16(png); /* round(v / 257) */
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    uint32_t height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    uint32_t channels = png_get_channels(png, info);
    if (pixels_shape(out, height, width, channels) < 0)
        return -1;
    struct unread *unread = png_get_io_ptr(png);
    unread->in_pixels = 1;
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < height; row++) {
            if (pass == passes - 1 && row == height - 1)
                unread->most = MOST_BEHIND + 2 * png_get_rowbytes(png, info);
            png_read_row(png, out->data + (size_t)row * width * channels, NULL);
        }
    png_read_end(png, NULL);
    if (channels == 2 || channels == 4)
        pixels_over_black(out);
    return 0;
}

int decode_png(const uint8_t *bytes, size_t size, struct pixels *out)
{
    struct unread unread = {.at = bytes, .left = size, .most = SIZE_MAX};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return fail("PNG: libpng cannot start");
    }
    int done = -1;
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_read_fn(png, &unread, on_read);
        done = read_pixels(png, info, out);
    } else {
        done = -1;
    }
    png_destroy_read_struct(&png, &info, NULL);
    if (done == 0)
        out->orientation = orientation(bytes, size);
    return done;
}
