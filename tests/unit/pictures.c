#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void on_write(png_structp png, png_bytep bytes, size_t size)
{
    struct file *file = png_get_io_ptr(png);
    file->bytes = egrow(file->bytes, file->size + size, 1);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}
static void on_flush(png_structp png)
{
    (void)png;
}

struct file make_png(int height, int width, int depth, int type, const uint8_t *rows, size_t stride,
                     const struct extras *extras)
{
    static const struct extras none = {0};
    struct file file = {0};
    if (extras == NULL)
        extras = &none;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &file, on_write, on_flush);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, type,
                 extras->interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (extras->palette)
        png_set_PLTE(png, info, extras->palette, extras->colours);
    if (extras->alpha || extras->transparent)
        png_set_tRNS(png, info, extras->alpha, extras->colours, extras->transparent);
    png_write_info(png, info);
    int passes = extras->interlace ? png_set_interlace_handling(png) : 1;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++)
            png_write_row(png, rows + (size_t)y * stride);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

struct file make_jpeg(unsigned height, unsigned width, int components, J_COLOR_SPACE space,
                      uint8_t *pixels, void (*tune)(struct jpeg_compress_struct *jpeg))
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = components;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (tune != NULL)
        tune(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < height) {
        JSAMPROW row = pixels + (size_t)jpeg.next_scanline * width * (size_t)components;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct file){bytes, size};
}

void expect(struct file file, uint32_t height, uint32_t width, uint32_t channels,
            const uint8_t *pixels)
{
    struct pixels out = {0};
    if (decode(file.bytes, file.size, &out) < 0)
        fail_msg("%s", why());
    assert_int_equal(out.height, height);
    assert_int_equal(out.width, width);
    assert_int_equal(out.channels, channels);
    assert_memory_equal(out.data, pixels, (size_t)height * width * channels);
    pixels_free(&out);
    free(file.bytes);
}

void expect_error(const uint8_t *bytes, size_t size, const char *part)
{
    struct pixels out = {0};
    assert_int_equal(decode(bytes, size, &out), -1);
    if (strstr(why(), part) == NULL)
        fail_msg("\"%s\" has no \"%s\"", why(), part);
    pixels_free(&out);
}

void expect_same(struct file odd, struct file plain)
{
    struct pixels out = {0};
    if (decode(plain.bytes, plain.size, &out) < 0)
        fail_msg("%s", why());
    expect(odd, out.height, out.width, out.channels, out.data);
    pixels_free(&out);
}

struct file with(struct file file, size_t at, const void *bytes, size_t size)
{
    struct file longer = {ealloc(file.size + size, 1), file.size + size};
    assert_in_range(at, 0, file.size);
    for (size_t i = 0; i < longer.size; i++)
        longer.bytes[i] = i < at          ? file.bytes[i]
                          : i < at + size ? ((const uint8_t *)bytes)[i - at]
                                          : file.bytes[i - size];
    return longer;
}

size_t place_of(struct file file, const void *bytes, size_t size)
{
    const uint8_t *at = memmem(file.bytes, file.size, bytes, size);
    assert_non_null(at);
    return (size_t)(at - file.bytes);
}

static void put_32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

void seal_chunk(struct file file, size_t at, uint32_t length)
{
    put_32(file.bytes + at, length);
    put_32(file.bytes + at + 8 + length, (uint32_t)crc32(0, file.bytes + at + 4, length + 4));
}

struct file with_chunk(struct file file, const char *before, const char *type, const void *data,
                       uint32_t size)
{
    uint8_t *chunk = ealloc(size + 12, 1);
    memcpy(chunk + 4, type, 4);
    memcpy(chunk + 8, data, size);
    seal_chunk((struct file){chunk, size + 12}, 0, size);
    struct file longer = with(file, place_of(file, before, 4) - 4, chunk, size + 12);
    free(chunk);
    return longer;
}

void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * i * 31 + i * 7);
}
