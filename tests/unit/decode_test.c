/* PNG and JPEG files, made here in memory, to pixels: every kind that is read, and every kind of
 * damage. What single formats do with odd files is in the tests of these. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void test_png_8_bit(void **state)
{
    (void)state;
    static const uint8_t grey[] = {0, 1, 128, 255, 7, 9}, colour[] = {1, 2, 3, 250, 251, 252};
    expect(make_png(2, 3, 8, PNG_COLOR_TYPE_GRAY, grey, 3, NULL), 2, 3, 1, grey);
    expect(make_png(1, 2, 8, PNG_COLOR_TYPE_RGB, colour, 6, NULL), 1, 2, 3, colour);
}

/* 16 bit: round(v / 257), so 0x0080 becomes 0, 0x0081 becomes 1, 0xfeff becomes 254. */
static void test_png_16_bit(void **state)
{
    (void)state;
    static const uint8_t rows[] = {0x00, 0x80, 0x00, 0x81, 0xff, 0xff,
                                   0xfe, 0xff, 0x80, 0x00, 0x01, 0x00};
    static const uint8_t narrow[] = {0, 1, 255, 254, 128, 1};
    expect(make_png(2, 3, 16, PNG_COLOR_TYPE_GRAY, rows, 6, NULL), 2, 3, 1, narrow);
    expect(make_png(1, 2, 16, PNG_COLOR_TYPE_RGB, rows, 12, NULL), 1, 2, 3, narrow);
}

static void test_png_few_bits(void **state)
{
    (void)state;
    static const uint8_t one[] = {0xa0}, two[] = {0x1b}, four[] = {0x0f, 0x80};
    expect(make_png(1, 4, 1, PNG_COLOR_TYPE_GRAY, one, 1, NULL), 1, 4, 1,
           (uint8_t[]){255, 0, 255, 0});
    expect(make_png(1, 4, 2, PNG_COLOR_TYPE_GRAY, two, 1, NULL), 1, 4, 1,
           (uint8_t[]){0, 85, 170, 255});
    expect(make_png(1, 3, 4, PNG_COLOR_TYPE_GRAY, four, 2, NULL), 1, 3, 1,
           (uint8_t[]){0, 255, 136});
}

/* Over black: round(v · alpha / 255). */
static void test_png_alpha(void **state)
{
    (void)state;
    static const uint8_t grey[] = {200, 255, 200, 0, 200, 127, 255, 1};
    static const uint8_t colour[] = {10, 20, 30, 255, 100, 200, 250, 51};
    expect(make_png(2, 2, 8, PNG_COLOR_TYPE_GRAY_ALPHA, grey, 4, NULL), 2, 2, 1,
           (uint8_t[]){200, 0, 100, 1});
    expect(make_png(1, 2, 8, PNG_COLOR_TYPE_RGB_ALPHA, colour, 8, NULL), 1, 2, 3,
           (uint8_t[]){10, 20, 30, 20, 40, 50});
}

static void test_png_palette_and_transparency(void **state)
{
    (void)state;
    static const png_color palette[] = {{1, 2, 3}, {100, 110, 120}, {250, 251, 252}};
    static const png_byte alpha[] = {255, 51, 0};
    static const uint8_t rows[] = {2, 1, 0};
    const struct extras plain = {.palette = palette, .colours = 3};
    const struct extras faint = {.palette = palette, .colours = 3, .alpha = alpha};
    expect(make_png(1, 3, 8, PNG_COLOR_TYPE_PALETTE, rows, 3, &plain), 1, 3, 3,
           (uint8_t[]){250, 251, 252, 100, 110, 120, 1, 2, 3});
    expect(make_png(1, 3, 8, PNG_COLOR_TYPE_PALETTE, rows, 3, &faint), 1, 3, 3,
           (uint8_t[]){0, 0, 0, 20, 22, 24, 1, 2, 3});
    const png_color_16 key = {.gray = 7};
    const struct extras one_grey = {.transparent = &key};
    expect(make_png(1, 3, 8, PNG_COLOR_TYPE_GRAY, (uint8_t[]){7, 8, 6}, 3, &one_grey), 1, 3, 1,
           (uint8_t[]){0, 8, 6});
}

static void test_png_interlaced(void **state)
{
    (void)state;
    uint8_t rows[13 * 11 * 3];
    fill(rows, sizeof rows);
    const struct extras adam = {.interlace = 1};
    expect(make_png(13, 11, 8, PNG_COLOR_TYPE_RGB, rows, 33, &adam), 13, 11, 3, rows);
}

/* Grey at the best quality comes back within rounding; flat colour too. */
static void test_jpeg(void **state)
{
    (void)state;
    uint8_t grey[16 * 9], colour[8 * 8 * 3];
    for (int i = 0; i < 16 * 9; i++)
        grey[i] = (uint8_t)(i + 40);
    for (int i = 0; i < 8 * 8 * 3; i++)
        colour[i] = (uint8_t)(i % 3 == 0 ? 200 : i % 3 == 1 ? 100 : 50);
    struct file files[] = {make_jpeg(9, 16, 1, JCS_GRAYSCALE, grey, NULL),
                           make_jpeg(8, 8, 3, JCS_RGB, colour, NULL)};
    const uint8_t *expected[] = {grey, colour};
    struct pixels out = {0};
    for (int f = 0; f < 2; f++) {
        assert_int_equal(decode(files[f].bytes, files[f].size, &out), 0);
        assert_int_equal(out.channels, f == 0 ? 1 : 3);
        assert_int_equal(out.height, f == 0 ? 9 : 8);
        assert_int_equal(out.width, f == 0 ? 16 : 8);
        for (size_t i = 0; i < (size_t)out.height * out.width * out.channels; i++)
            assert_in_range(abs(out.data[i] - expected[f][i]), 0, 2);
        free(files[f].bytes);
    }
    pixels_free(&out);
}

/* Cut anywhere, neither kind of file decodes; a read beyond the copy would be seen by a checker. */
static void test_cut_short(void **state)
{
    (void)state;
    uint8_t pixels[16 * 16 * 3];
    fill(pixels, sizeof pixels);
    struct file files[] = {make_png(16, 16, 8, PNG_COLOR_TYPE_RGB, pixels, 48, NULL),
                           make_jpeg(16, 16, 3, JCS_RGB, pixels, NULL)};
    for (int f = 0; f < 2; f++) {
        for (size_t size = 0; size < files[f].size; size++) {
            uint8_t *copy = ealloc(size, 1);
            memcpy(copy, files[f].bytes, size);
            expect_error(copy, size, size == 0 ? "empty" : size < 3 ? "not a PNG, " : "");
            free(copy);
        }
        free(files[f].bytes);
    }
}

static void test_damaged_png(void **state)
{
    (void)state;
    uint8_t rows[8 * 8];
    fill(rows, sizeof rows);
    struct file file = make_png(8, 8, 8, PNG_COLOR_TYPE_GRAY, rows, 8, NULL);
    for (size_t i = 8; i < file.size; i++) { /* no byte behind the signature may change unseen */
        file.bytes[i] ^= 0x10;
        expect_error(file.bytes, file.size, "PNG: ");
        file.bytes[i] ^= 0x10;
    }
    file.bytes[19] ^= 1; /* the width */
    expect_error(file.bytes, file.size, "CRC error");
    free(file.bytes);
}

static void test_premature_jpeg_end_is_named(void **state)
{
    (void)state;
    uint8_t pixels[32 * 32];
    fill(pixels, sizeof pixels);
    struct file file = make_jpeg(32, 32, 1, JCS_GRAYSCALE, pixels, NULL);
    expect_error(file.bytes, file.size - file.size / 4, "Premature end");
    free(file.bytes);
}

static void test_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *begins;
        size_t size;
        const char *said;
    } file[] = {
        {"BM1234more", 10, "not a PNG, JPEG"},
        {"GIF89", 5, "not a PNG, JPEG"},
        {"RIFF1234WAVE", 12, "not a PNG, JPEG"},
        {"<html>", 6, "not a PNG, JPEG"},
        {"II*\0more", 8, "it is a TIFF image, which psfetch does not read: convert it"},
        {"MM\0*more", 8, "it is a TIFF image, which psfetch does not read: convert it"},
        {"\0\0\0\x20"
         "ftypavif",
         12, "it is an AVIF image, which psfetch does not read"},
        {"\0\0\0\x18"
         "ftypheic",
         12, "it is a HEIC image, which psfetch does not read"},
        {"\0\0\0\x18"
         "ftypmif1",
         12, "it is a HEIF image, which psfetch does not read"},
        {"\0\0\0\x18"
         "ftypisom",
         12, "not a PNG, "},
        {"\xff\x0a", 2, "it is a JPEG XL image, which psfetch does not read"},
        {"", 0, "empty"},
    };
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        expect_error((const uint8_t *)file[i].begins, file[i].size, file[i].said);
        assert_false(decode_knows((const uint8_t *)file[i].begins, file[i].size));
    }
    assert_true(decode_is_suffix(".webp", 5));
    assert_true(decode_is_suffix(".GIF", 4));
    assert_false(decode_is_suffix(".tif", 4));
    assert_true(decode_knows((const uint8_t *)"RIFF1234WEBPVP8 ", DECODE_HEAD));
}

/* A header that promises 60,138 × 60,138 pixels costs no memory. */
static void test_size_is_checked_first(void **state)
{
    (void)state;
    uint8_t pixels[64] = {0};
    struct file file = make_jpeg(8, 8, 1, JCS_GRAYSCALE, pixels, NULL);
    uint8_t *frame = memmem(file.bytes, file.size, "\xff\xc0", 2);
    assert_non_null(frame);
    memset(frame + 5, 0xea, 4); /* height and width behind marker, length and precision */
    expect_error(file.bytes, file.size, "at most");
    free(file.bytes);
    struct pixels out = {0};
    assert_int_equal(pixels_shape(&out, 65535, 65535, 3), -1);
    assert_int_equal(pixels_shape(&out, 65536, 1, 1), -1);
    assert_int_equal(pixels_shape(&out, 0, 1, 1), -1);
    assert_null(out.data);
}

/* One struct serves small and large files, also after a failure. */
static void test_memory_is_reused(void **state)
{
    (void)state;
    uint8_t rows[64];
    fill(rows, sizeof rows);
    struct file large = make_png(8, 8, 8, PNG_COLOR_TYPE_GRAY, rows, 8, NULL);
    struct file small = make_png(1, 2, 8, PNG_COLOR_TYPE_GRAY, rows, 2, NULL);
    struct pixels out = {0};
    assert_int_equal(decode(large.bytes, large.size, &out), 0);
    const uint8_t *memory = out.data;
    assert_int_equal(decode(large.bytes, large.size / 2, &out), -1);
    assert_int_equal(decode(small.bytes, small.size, &out), 0);
    assert_ptr_equal(out.data, memory);
    assert_int_equal(out.width, 2);
    assert_memory_equal(out.data, rows, 2);
    pixels_free(&out);
    free(large.bytes);
    free(small.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_8_bit),
        cmocka_unit_test(test_png_16_bit),
        cmocka_unit_test(test_png_few_bits),
        cmocka_unit_test(test_png_alpha),
        cmocka_unit_test(test_png_palette_and_transparency),
        cmocka_unit_test(test_png_interlaced),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged_png),
        cmocka_unit_test(test_premature_jpeg_end_is_named),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_size_is_checked_first),
        cmocka_unit_test(test_memory_is_reused),
    };
    return RUN_TESTS(tests);
}
