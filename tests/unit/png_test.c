/* PNG files as other programs make them: sound but odd, and damaged behind sums that are right. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct file some(void)
{
    uint8_t rows[9 * 24];
    fill(rows, sizeof rows);
    return make_png(9, 8, 8, PNG_COLOR_TYPE_RGB, rows, 24, NULL);
}

/* The length of the chunk that begins there. */
static uint32_t length_at(struct file file, size_t at)
{
    return (uint32_t)file.bytes[at + 2] << 8 | file.bytes[at + 3];
}

static void test_data_behind_the_pixels(void **state)
{
    (void)state;
    struct file plain = some();
    size_t at = place_of(plain, "IDAT", 4) - 4;
    uint32_t length = length_at(plain, at);
    struct file odd = with(plain, at + 8 + length, "more", 4);
    seal_chunk(odd, at, length + 4);
    expect_same(odd, plain);
    expect_same(with_chunk(plain, "IEND", "IDAT", "more", 4), plain);
    expect_same(with(plain, plain.size, "behind the end", 14), plain);
    /* One row fewer than there are pixels for. */
    struct file shorter = with(plain, 0, "", 0);
    shorter.bytes[16 + 7] = 8;
    seal_chunk(shorter, 8, 13);
    struct pixels out = {0};
    assert_int_equal(decode(plain.bytes, plain.size, &out), 0);
    expect(shorter, 8, 8, 3, out.data);
    pixels_free(&out);
    free(plain.bytes);
}

/* A few KiB of pixels that no row needs pass; a million times as much, in a small file, would be
 * unpacked for nothing. */
static void test_much_behind_the_pixels(void **state)
{
    (void)state;
    enum { FEW = 1000, MANY = 1 << 17 };
    static const uint8_t raw[2 + MANY] = {0, 7};
    struct file plain = make_png(1, 1, 8, PNG_COLOR_TYPE_GRAY, raw + 1, 1, NULL);
    const struct file front = {plain.bytes, 33};
    struct file bare = with(front, 33, plain.bytes + plain.size - 12, 12);
    for (int many = 0; many < 2; many++) {
        uLong size = compressBound(sizeof raw);
        uint8_t *packed = ealloc(size, 1);
        compress2(packed, &size, raw, 2 + (many ? MANY : FEW), 0);
        struct file file = with_chunk(bare, "IEND", "IDAT", packed, (uint32_t)size);
        free(packed);
        if (many)
            expect_error(file.bytes, file.size, "PNG: too much data is behind its pixels");
        else
            expect_same(with(file, 0, "", 0), plain);
        free(file.bytes);
    }
    free(bare.bytes);
    free(plain.bytes);
}

/* The sum of the chunk is right, that of its deflate stream is not; or a row is missing. */
static void test_damage_behind_right_sums(void **state)
{
    (void)state;
    struct file file = some();
    size_t at = place_of(file, "IDAT", 4) - 4;
    uint32_t length = length_at(file, at);
    file.bytes[at + 8 + length - 1] ^= 1;
    seal_chunk(file, at, length);
    expect_error(file.bytes, file.size, "PNG: IDAT: incorrect data check");
    file.bytes[at + 8 + length - 1] ^= 1;
    seal_chunk(file, at, length);
    file.bytes[16 + 7] = 10;
    seal_chunk(file, 8, 13);
    expect_error(file.bytes, file.size, "PNG: ");
    free(file.bytes);
}

/* What does not decide pixels need not be right, but for its sum. */
static void test_other_chunks(void **state)
{
    (void)state;
    struct file plain = some();
    expect_same(with_chunk(plain, "IDAT", "iCCP", "name\0\0no profile", 16), plain);
    expect_same(with_chunk(plain, "IDAT", "gAMA", "odd", 3), plain);
    expect_same(with_chunk(plain, "IEND", "tIME", "", 0), plain);
    /* A palette that means nothing, and a transparent colour beside transparency. */
    uint8_t grey[16] = {1, 2, 3, 255};
    struct file plain_grey = make_png(4, 4, 8, PNG_COLOR_TYPE_GRAY, grey, 4, NULL);
    expect_same(with_chunk(plain_grey, "IDAT", "PLTE", "abcdef", 6), plain_grey);
    struct file clear = make_png(2, 4, 8, PNG_COLOR_TYPE_GRAY_ALPHA, grey, 8, NULL);
    expect_same(with_chunk(clear, "IDAT", "tRNS", "\0\1", 2), clear);
    free(plain_grey.bytes);
    free(clear.bytes);
    struct file torn = with_chunk(plain, "IDAT", "tEXt", "key\0value", 9);
    torn.bytes[place_of(torn, "value", 5)] ^= 1;
    expect_error(torn.bytes, torn.size, "PNG: tEXt: CRC error");
    free(torn.bytes);
    free(plain.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_behind_the_pixels),
        cmocka_unit_test(test_much_behind_the_pixels),
        cmocka_unit_test(test_damage_behind_right_sums),
        cmocka_unit_test(test_other_chunks),
    };
    return RUN_TESTS(tests);
}
