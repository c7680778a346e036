/* JPEG files as other programs make them: sound but odd, and damaged where it hurts. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void progressive(struct jpeg_compress_struct *jpeg)
{
    jpeg_simple_progression(jpeg);
}
static void with_restarts(struct jpeg_compress_struct *jpeg)
{
    jpeg->restart_interval = 1;
}
static void as_ycck(struct jpeg_compress_struct *jpeg)
{
    jpeg_set_colorspace(jpeg, JCS_YCCK);
}
static void without_marker(struct jpeg_compress_struct *jpeg)
{
    jpeg->write_Adobe_marker = FALSE;
}

static struct file some(void (*tune)(struct jpeg_compress_struct *jpeg))
{
    uint8_t pixels[24 * 24 * 3];
    fill(pixels, sizeof pixels);
    return make_jpeg(24, 24, 3, JCS_RGB, pixels, tune);
}

static void with_marker(struct jpeg_compress_struct *jpeg)
{
    jpeg->write_JFIF_header = FALSE;
    jpeg->write_Adobe_marker = TRUE;
}

static void test_numbers_for_colours(void **state)
{
    (void)state;
    struct file plain = some(with_marker), odd = with(plain, 0, "", 0);
    odd.bytes[place_of(odd, "Adobe", 5) + 11] = 9;
    expect_same(odd, plain);
    free(plain.bytes);
}

static void test_revisions_of_jfif(void **state)
{
    (void)state;
    struct file plain = some(NULL);
    static const uint8_t revision[][2] = {{0, 0}, {1, 2}, {2, 1}};
    for (size_t i = 0; i < 3; i++) {
        struct file odd = with(plain, 0, "", 0);
        memcpy(odd.bytes + place_of(odd, "JFIF", 5) + 5, revision[i], 2);
        expect_same(odd, plain);
    }
    free(plain.bytes);
}

/* Before a table and before the end; but not within the pixels' data or between scans, where they
 * are a sign of damage. */
static void test_bytes_between(void **state)
{
    (void)state;
    struct file baseline = some(NULL), scans = some(progressive), restarts = some(with_restarts);
    size_t second_scan = place_of(scans, "\xff\xda", 2) + 2;
    const struct file behind = {scans.bytes + second_scan, scans.size - second_scan};
    second_scan += place_of(behind, "\xff\xda", 2);
    expect_same(with(baseline, place_of(baseline, "\xff\xdb", 2), "odd", 3), baseline);
    expect_same(with(baseline, place_of(baseline, "\xff\xc4", 2), "\0\0\0", 3), baseline);
    expect_same(with(baseline, baseline.size - 2, "\1odd bytes", 10), baseline);
    expect_same(with(scans, scans.size - 2, "\0\0\0", 3), scans);
    expect_same(with(restarts, restarts.size, "behind the end", 14), restarts);
    struct file torn = with(restarts, place_of(restarts, "\xff\xd1", 2), "odd", 3);
    expect_error(torn.bytes, torn.size, "extraneous bytes before marker 0xd1");
    free(torn.bytes);
    torn = with(scans, second_scan, "odd", 3);
    expect_error(torn.bytes, torn.size, "extraneous bytes before marker 0xda");
    free(torn.bytes);
    free(baseline.bytes);
    free(scans.bytes);
    free(restarts.bytes);
}

/* As Adobe's programs have it, and all readers take it: 255 is no ink. */
static void test_cmyk(void **state)
{
    (void)state;
    static void (*const tune[])(struct jpeg_compress_struct *) = {NULL, as_ycck, without_marker};
    static const uint8_t ink[][7] = {{255, 128, 0, 255, 255, 128, 0},
                                     {200, 100, 50, 128, 100, 50, 25}};
    for (int t = 0; t < 3; t++)
        for (int i = 0; i < 2; i++) {
            uint8_t inks[16 * 16 * 4];
            for (size_t p = 0; p < 256; p++)
                memcpy(inks + 4 * p, ink[i], 4);
            struct file file = make_jpeg(16, 16, 4, JCS_CMYK, inks, tune[t]);
            struct pixels out = {0};
            assert_int_equal(decode(file.bytes, file.size, &out), 0);
            assert_int_equal(out.channels, 3);
            for (size_t p = 0; p < 3 * 256; p++)
                assert_in_range(abs(out.data[p] - ink[i][4 + p % 3]), 0, 3);
            pixels_free(&out);
            expect_error(file.bytes, file.size - 20, "");
            free(file.bytes);
        }
}

/* All of each colour in a scan of its own, after which the same scan may come again. */
static void whole_scans(struct jpeg_compress_struct *jpeg)
{
    static const jpeg_scan_info scans[] = {{3, {0, 1, 2}, 0, 0, 0, 0},
                                           {1, {0}, 1, 63, 0, 0},
                                           {1, {1}, 1, 63, 0, 0},
                                           {1, {2}, 1, 63, 0, 0}};
    jpeg->scan_info = scans;
    jpeg->num_scans = 4;
}

/* A few bytes ask for a pass through the whole picture. */
static void test_many_scans(void **state)
{
    (void)state;
    struct file plain = some(whole_scans);
    uint8_t *last = plain.bytes;
    for (size_t i = 0; i + 1 < plain.size; i++)
        if (memcmp(plain.bytes + i, "\xff\xda", 2) == 0)
            last = plain.bytes + i;
    size_t size = (size_t)(plain.bytes + plain.size - 2 - last);
    uint8_t *scans = ealloc(97, size);
    for (size_t i = 0; i < 97; i++)
        memcpy(scans + i * size, last, size);
    expect_same(with(plain, plain.size - 2, scans, 96 * size), plain);
    struct file file = with(plain, plain.size - 2, scans, 97 * size);
    expect_error(file.bytes, file.size, "JPEG: it has more than 100 scans; convert it to");
    free(file.bytes);
    free(scans);
    free(plain.bytes);
}

/* 16,384 x 16,384 grey pixels are 256 MiB, and their coefficients twice as much, which are kept
 * where there are several scans. */
static void test_coefficients(void **state)
{
    (void)state;
    uint8_t pixels[64] = {0};
    struct file file = make_jpeg(8, 8, 1, JCS_GRAYSCALE, pixels, progressive);
    memcpy(file.bytes + place_of(file, "\xff\xc2", 2) + 5, "\x40\0\x40\0", 4);
    expect_error(file.bytes, file.size,
                 "JPEG: an image of 16384 x 16384 pixels in several scans takes more than 256 MiB");
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_for_colours), cmocka_unit_test(test_revisions_of_jfif),
        cmocka_unit_test(test_bytes_between),       cmocka_unit_test(test_cmyk),
        cmocka_unit_test(test_many_scans),          cmocka_unit_test(test_coefficients)};
    return RUN_TESTS(tests);
}
