/* Orientation: every way of it, in every kind of file that tells it; and blocks that are malformed.
 */
#include "tools/fetch/decoding/orient.h"

#include "message.h"
#include "pictures.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* An Exif block with one entry besides, in either byte order. */
enum { BLOCK = 8 + 2 + 2 * 12 + 4 };
static void make_block(uint8_t block[BLOCK], int is_big, uint32_t value)
{
    static const uint8_t big[] = {0x4d, 0x4d, 0, 42, 0, 0,  0, 8, 0, 2, 1,    0x0f, 0,
                                  2,    0,    0, 0,  1, 65, 0, 0, 0, 1, 0x12, 0,    3,
                                  0,    0,    0, 1,  0, 0,  0, 0, 0, 0, 0,    0};
    static const uint8_t little[] = {0x49, 0x49, 42, 0, 8, 0,  0, 0, 2, 0,    0x0f, 1, 2,
                                     0,    1,    0,  0, 0, 65, 0, 0, 0, 0x12, 1,    3, 0,
                                     1,    0,    0,  0, 0, 0,  0, 0, 0, 0,    0,    0};
    memcpy(block, is_big ? big : little, BLOCK);
    block[30] = (uint8_t)(is_big ? value >> 8 : value);
    block[31] = (uint8_t)(is_big ? value : value >> 8);
}

static void test_blocks(void **state)
{
    (void)state;
    uint8_t block[BLOCK];
    for (int is_big = 0; is_big < 2; is_big++) {
        for (uint32_t value = 1; value <= 8; value++) {
            make_block(block, is_big, value);
            assert_int_equal(orient_exif(block, BLOCK), value);
        }
        static const uint32_t none[] = {0, 9, 0x100, 0xffff};
        for (int i = 0; i < 4; i++) {
            make_block(block, is_big, none[i]);
            assert_int_equal(orient_exif(block, BLOCK), 0);
        }
        make_block(block, is_big, 7); /* in four bytes, as some have it */
        block[is_big ? 25 : 24] = 4;
        assert_int_equal(orient_exif(block, BLOCK), is_big ? 0 : 7);
        memmove(block + 30, (const uint8_t[]){0, 0, 0, 7}, 4);
        assert_int_equal(orient_exif(block, BLOCK), is_big ? 7 : 0);
        make_block(block, is_big, 6);
        for (size_t size = 0; size < 34; size++) { /* in memory of that size, for a checker */
            uint8_t *copy = ealloc(size, 1);
            memcpy(copy, block, size);
            assert_int_equal(orient_exif(copy, size), 0);
            free(copy);
        }
        for (int i = 0; i < BLOCK * 8; i++) { /* any bit wrong: some answer, and no read outside */
            block[i / 8] ^= (uint8_t)(1 << i % 8);
            uint8_t *copy = ealloc(BLOCK, 1);
            memcpy(copy, block, BLOCK);
            assert_in_range(orient_exif(copy, BLOCK), 0, 8);
            free(copy);
            block[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        memset(block + 4, 0xff, 4); /* the list is far away */
        assert_int_equal(orient_exif(block, BLOCK), 0);
    }
}

/* 2 x 3 pixels, a b c over d e f, as they are to be seen (TIFF 6.0, tag 274). */
static void test_turning(void **state)
{
    (void)state;
    static const struct {
        uint32_t height, width;
        const char *seen;
    } way[] = {{2, 3, "abcdef"}, {2, 3, "cbafed"}, {2, 3, "fedcba"}, {2, 3, "defabc"},
               {3, 2, "adbecf"}, {3, 2, "daebfc"}, {3, 2, "fcebda"}, {3, 2, "cfbead"}};
    for (unsigned how = 1; how <= 8; how++)
        for (uint32_t channels = 1; channels <= 3; channels += 2) {
            struct pixels in = {0}, out = {0};
            assert_int_equal(pixels_shape(&in, 2, 3, channels), 0);
            for (uint32_t i = 0; i < 6 * channels; i++)
                in.data[i] = (uint8_t)("abcdef"[i / channels] + i % channels);
            in.orientation = how;
            assert_int_equal(orient(&in, &out), 0);
            assert_int_equal(out.height, way[how - 1].height);
            assert_int_equal(out.width, way[how - 1].width);
            for (uint32_t i = 0; i < 6 * channels; i++)
                assert_int_equal(out.data[i],
                                 way[how - 1].seen[i / channels] + (int)(i % channels));
            assert_int_equal(out.orientation, 1);
            pixels_free(&in);
            pixels_free(&out);
        }
}

static void expect_orientation(struct file file, unsigned wanted)
{
    struct pixels out = {.orientation = 5};
    if (decode(file.bytes, file.size, &out) < 0)
        fail_msg("%s", why());
    assert_int_equal(out.orientation, wanted);
    pixels_free(&out);
}

static void test_files(void **state)
{
    (void)state;
    uint8_t pixels[8 * 8], marker[10 + BLOCK] = {0xff, 0xe1, 0, 8 + BLOCK, 0x45, 0x78, 0x69, 0x66};
    fill(pixels, sizeof pixels);
    struct file png = make_png(8, 8, 8, PNG_COLOR_TYPE_GRAY, pixels, 8, NULL);
    struct file jpeg = make_jpeg(8, 8, 1, JCS_GRAYSCALE, pixels, NULL);
    expect_orientation(png, 0);
    expect_orientation(jpeg, 0);
    make_block(marker + 10, 1, 6);
    static const char *const before[] = {"IDAT", "IEND"};
    for (int i = 0; i < 2; i++) {
        struct file noted = with_chunk(png, before[i], "eXIf", marker + 10, BLOCK);
        expect_orientation(noted, 6);
        expect_same(noted, png);
    }
    struct file noted[] = {with(jpeg, 2, marker, sizeof marker),
                           with(jpeg, place_of(jpeg, "\xff\xdb", 2), marker, sizeof marker),
                           with_chunk(png, "IDAT", "eXIf", "MM", 2),
                           with(jpeg, 2, marker, sizeof marker)};
    noted[3].bytes[2 + 10] = 'X'; /* malformed */
    static const unsigned wanted[] = {6, 6, 0, 0};
    for (int i = 0; i < 4; i++) {
        expect_orientation(noted[i], wanted[i]);
        expect_same(noted[i], i == 2 ? png : jpeg);
    }
    free(png.bytes);
    free(jpeg.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks),
                                       cmocka_unit_test(test_turning),
                                       cmocka_unit_test(test_files)};
    return RUN_TESTS(tests);
}
