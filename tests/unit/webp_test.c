/* WebP files, made here by libwebp: with and without loss, transparency, notes of a camera, the
 * first of many frames; and every cut. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

static void add(struct file *file, const void *bytes, size_t size)
{
    struct file longer = with(*file, file->size, bytes, size);
    free(file->bytes);
    *file = longer;
}

static void add_number(struct file *file, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        add(file, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

static void add_chunk(struct file *file, const char *type, const void *bytes, size_t size)
{
    add(file, type, 4);
    add_number(file, (uint32_t)size, 4);
    add(file, bytes, size);
    if (size % 2)
        add_number(file, 0, 1);
}

/* A file of these chunks. */
static struct file wrap(struct file chunks)
{
    struct file file = {0};
    add(&file, "RIFF", 4);
    add_number(&file, (uint32_t)chunks.size + 4, 4);
    add(&file, "WEBP", 4);
    add(&file, chunks.bytes, chunks.size);
    free(chunks.bytes);
    return file;
}

static void add_size(struct file *chunks, uint8_t flags, uint32_t height, uint32_t width)
{
    struct file size = {0};
    add_number(&size, flags, 4);
    add_number(&size, width - 1, 3);
    add_number(&size, height - 1, 3);
    add_chunk(chunks, "VP8X", size.bytes, size.size);
    free(size.bytes);
}

/* The chunks, without the file around them, of a picture without loss. */
static struct file lossless(const uint8_t *rgba, int height, int width)
{
    uint8_t *bytes;
    struct file chunks = {0};
    size_t size = WebPEncodeLosslessRGBA(rgba, width, height, 4 * width, &bytes);
    assert_in_range(size, 20, 100000);
    add(&chunks, bytes + 12, size - 12);
    WebPFree(bytes);
    return chunks;
}

/* Of a picture with transparency: what it is over black; libwebp forgets what is behind 0. */
static void over_black(const uint8_t *rgba, size_t count, uint8_t *rgb)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * rgba[4 * i + 3] + 127) / 255);
}

enum { HIGH = 6, WIDE = 10 };
static uint8_t clear[HIGH * WIDE * 4], opaque[HIGH * WIDE * 4];
static uint8_t clear_rgb[HIGH * WIDE * 3], opaque_rgb[HIGH * WIDE * 3];

static int set_up(void **state)
{
    (void)state;
    fill(clear, sizeof clear);
    memcpy(opaque, clear, sizeof opaque);
    for (size_t i = 3; i < sizeof opaque; i += 4)
        opaque[i] = 255;
    over_black(clear, HIGH * WIDE, clear_rgb);
    over_black(opaque, HIGH * WIDE, opaque_rgb);
    return 0;
}

static void test_pixels(void **state)
{
    (void)state;
    struct file plain = wrap(lossless(opaque, HIGH, WIDE));
    expect_same(with(plain, plain.size, "behind the end", 14), plain);
    expect(plain, HIGH, WIDE, 3, opaque_rgb);
    expect(wrap(lossless(clear, HIGH, WIDE)), HIGH, WIDE, 3, clear_rgb);
    uint8_t flat[16 * 16 * 3], *bytes;
    for (size_t i = 0; i < sizeof flat; i++)
        flat[i] = (uint8_t)(i % 3 == 0 ? 200 : i % 3 == 1 ? 100 : 50);
    size_t size = WebPEncodeRGB(flat, 16, 16, 48, 100, &bytes);
    struct pixels out = {0};
    assert_int_equal(decode(bytes, size, &out), 0);
    assert_int_equal(out.orientation, 0);
    for (size_t i = 0; i < sizeof flat; i++)
        assert_in_range(abs(out.data[i] - flat[i]), 0, 3);
    pixels_free(&out);
    WebPFree(bytes);
}

static void test_orientation(void **state)
{
    (void)state;
    static const uint8_t note[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                   1,   18,  0,   3,   0, 0, 0,   1,   0, 6,  0, 0, 0, 0, 0, 0};
    for (int skip = 0; skip <= 12; skip += 6) { /* the last is malformed */
        struct file chunks = {0}, picture = lossless(opaque, HIGH, WIDE);
        add_size(&chunks, 0x08, HIGH, WIDE);
        add(&chunks, picture.bytes, picture.size);
        add_chunk(&chunks, "EXIF", note + skip, sizeof note - (size_t)skip);
        free(picture.bytes);
        struct file file = wrap(chunks);
        struct pixels out = {0};
        assert_int_equal(decode(file.bytes, file.size, &out), 0);
        assert_int_equal(out.orientation, skip < 12 ? 6 : 0);
        pixels_free(&out);
        expect(file, HIGH, WIDE, 3, opaque_rgb);
    }
}

/* A frame at row 2, column 4 of a canvas of twice the size, and others behind it. */
static void test_first_frame(void **state)
{
    (void)state;
    for (int is_clear = 0; is_clear < 2; is_clear++) {
        struct file chunks = {0}, picture = lossless(is_clear ? clear : opaque, HIGH, WIDE);
        add_size(&chunks, is_clear ? 0x12 : 0x02, 2 * HIGH, 2 * WIDE);
        add_chunk(&chunks, "ANIM", "\xff\xff\xff\xff\0\0", 6);
        for (uint32_t i = 0; i < 3; i++) {
            struct file frame = {0};
            add_number(&frame, i == 0 ? 4 / 2 : 0, 3);
            add_number(&frame, i == 0 ? 2 / 2 : 0, 3);
            add_number(&frame, WIDE - 1, 3);
            add_number(&frame, HIGH - 1, 3);
            add_number(&frame, 100, 4);
            add(&frame, picture.bytes, picture.size);
            add_chunk(&chunks, "ANMF", frame.bytes, frame.size);
            free(frame.bytes);
        }
        free(picture.bytes);
        uint8_t wanted[4 * HIGH * WIDE * 3] = {0};
        for (size_t y = 0; y < HIGH; y++)
            memcpy(wanted + ((y + 2) * 2 * WIDE + 4) * 3,
                   (is_clear ? clear_rgb : opaque_rgb) + y * WIDE * 3, WIDE * 3);
        struct file file = wrap(chunks);
        for (size_t size = 12; size < file.size; size += 7)
            expect_error(file.bytes, size, "WebP: the file is damaged or ends in the middle");
        expect(file, 2 * HIGH, 2 * WIDE, 3, wanted);
    }
}

static void test_damage(void **state)
{
    (void)state;
    struct file file = wrap(lossless(clear, HIGH, WIDE));
    for (size_t size = 1; size < file.size; size++) {
        uint8_t *copy = ealloc(size, 1);
        memcpy(copy, file.bytes, size);
        expect_error(copy, size, size < 12 ? "not a PNG, " : "WebP: the file is damaged or ends");
        free(copy);
    }
    for (size_t bit = 12 * 8; bit < file.size * 8; bit++) { /* anything, and no read outside */
        struct pixels out = {0};
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        uint8_t *copy = ealloc(file.size, 1);
        memcpy(copy, file.bytes, file.size);
        if (decode(copy, file.size, &out) < 0 && strncmp(why(), "WebP: ", 6) != 0)
            fail_msg("%s", why());
        free(copy);
        pixels_free(&out);
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(file.bytes);
    /* 16,384 x 16,384 pixels cost no memory; nor do 5,461 rows of them, all black in 30 bytes, of
     * which libwebp would keep 341 MiB beside the 256 of the image. */
    static const char *const huge[] = {"\x2f\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0\0\0",
                                       "\x2f\xff\x3f\x55\x05\x88\x88\x08\0\0\0\0\0\0\0\0"};
    for (size_t i = 0; i < 2; i++) {
        struct file chunks = {0};
        add_chunk(&chunks, "VP8L", huge[i], 16);
        file = wrap(chunks);
        expect_error(file.bytes, file.size, "without loss takes more than 256 MiB");
        free(file.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels), cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_first_frame), cmocka_unit_test(test_damage)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
