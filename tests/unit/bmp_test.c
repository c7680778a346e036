/* BMP files, made here by hand: depths of pixels, palettes, masks, either order of rows, and
 * damage. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* What a header tells; the rest follows from it. */
struct made {
    int height, width, bits, compression, colours, head; /* head: its length, 0: 40 */
    const char *between;                                 /* palette and masks behind the 40 bytes */
    size_t between_size;
    const char *rows; /* as they lie in the file */
    size_t rows_size;
};

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static struct file make(const struct made *made)
{
    size_t head = made->head ? (size_t)made->head : 40,
           place = 14 + (head < 40 ? head : 40) + made->between_size;
    struct file file = {ealloc(place + made->rows_size, 1), place + made->rows_size};
    memcpy(file.bytes, "BM", 2);
    put(file.bytes + 2, (uint32_t)file.size, 4);
    put(file.bytes + 10, (uint32_t)place, 4);
    put(file.bytes + 14, (uint32_t)head, 4);
    int bytes = head == 12 ? 2 : 4;
    put(file.bytes + 18, (uint32_t)made->width, bytes);
    put(file.bytes + 18 + bytes, (uint32_t)made->height, bytes);
    put(file.bytes + 18 + 2 * bytes, 1, 2);
    put(file.bytes + 20 + 2 * bytes, (uint32_t)made->bits, 2);
    if (head > 12) {
        put(file.bytes + 30, (uint32_t)made->compression, 4);
        put(file.bytes + 46, (uint32_t)made->colours, 4);
    }
    if (made->between_size)
        memcpy(file.bytes + place - made->between_size, made->between, made->between_size);
    memcpy(file.bytes + place, made->rows, made->rows_size);
    return file;
}

#define BYTES(text) text, sizeof text - 1

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        struct made made;
        const char *pixels; /* red, green, blue; from the top */
    } kind[] = {
        {{2, 2, 24, 0, 0, 0, NULL, 0, BYTES("\3\2\1\6\5\4__\11\10\7\14\13\12__")},
         "\7\10\11\12\13\14\1\2\3\4\5\6"},
        {{-2, 2, 24, 0, 0, 0, NULL, 0,
          BYTES("\3\2\1\6\5\4__\11\10\7\14\13\12")}, /* not filled up */
         "\1\2\3\4\5\6\7\10\11\12\13\14"},
        {{1, 2, 32, 0, 0, 0, NULL, 0, BYTES("\3\2\1\0\6\5\4\0")}, "\1\2\3\4\5\6"},
        {{1, 3, 8, 0, 2, 0, BYTES("\3\2\1_\6\5\4_"), BYTES("\0\1\0_")}, "\1\2\3\4\5\6\1\2\3"},
        {{1, 3, 4, 0, 2, 0, BYTES("\3\2\1_\6\5\4_"), BYTES("\x01\x1f__")}, "\1\2\3\4\5\6\4\5\6"},
        {{1, 9, 1, 0, 0, 0, BYTES("\0\0\0_\1\1\1_"), BYTES("\xa5\x80__")},
         "\1\1\1\0\0\0\1\1\1\0\0\0\0\0\0\1\1\1\0\0\0\1\1\1\1\1\1"},
        {{1, 2, 1, 0, 0, 12, BYTES("\3\2\1\6\5\4"), BYTES("\x40___")}, "\1\2\3\4\5\6"},
        {{1, 2, 16, 0, 0, 0, NULL, 0, BYTES("\x00\x7c\x1f\x42")}, "\xff\x00\x00\x84\x84\xff"},
        {{1, 2, 16, 3, 0, 0, BYTES("\0\xf8\0\0\xe0\7\0\0\x1f\0\0\0"), BYTES("\x00\xf8\xe0\x07")},
         "\xff\x00\x00\x00\xff\x00"},
        /* Transparency over black, and where all of it is 0 */
        {{1, 2, 32, 3, 0, 56, BYTES("\xff\0\0\0\0\xff\0\0\0\0\xff\0\0\0\0\xff"),
          BYTES("\x64\xc8\xfa\x33\1\2\3\xff")},
         "\x14\x28\x32\1\2\3"},
        {{1, 2, 32, 3, 0, 56, BYTES("\xff\0\0\0\0\xff\0\0\0\0\xff\0\0\0\0\xff"),
          BYTES("\x64\xc8\xfa\0\1\2\3\0")},
         "\x64\xc8\xfa\1\2\3"},
    };
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        const struct made *made = &kind[i].made;
        struct file file = make(made);
        size_t row = (size_t)(made->width * made->bits + 7) / 8, stride = (row + 3) / 4 * 4;
        size_t least = file.size - made->rows_size + (size_t)(abs(made->height) - 1) * stride + row;
        for (size_t size = 10; size <= file.size; size++) { /* in memory of that size */
            uint8_t *copy = ealloc(size, 1);
            struct pixels out = {0};
            memcpy(copy, file.bytes, size);
            if (size < least) /* the last row need not be filled up */
                expect_error(copy, size, "BMP: the file ends in the middle");
            else if (decode(copy, size, &out) < 0)
                fail_msg("kind %zu, %zu bytes: %s", i, size, why());
            pixels_free(&out);
            free(copy);
        }
        expect_same(with(file, file.size, "behind the end", 14), file);
        expect(file, (uint32_t)abs(made->height), (uint32_t)made->width, 3,
               (const uint8_t *)kind[i].pixels);
    }
}

static void refused(struct made made, const char *part)
{
    struct file file = make(&made);
    expect_error(file.bytes, file.size, part);
    free(file.bytes);
}

static void test_refusals(void **state)
{
    (void)state;
    struct made made = {1, 2, 8, 0, 2, 0, BYTES("\3\2\1_\6\5\4_"), BYTES("\0\1__")};
    made.rows = "\0\2__";
    refused(made, "BMP: a pixel has a colour that the palette lacks");
    made.compression = 1;
    refused(made, "BMP: its pixels are compressed, which psfetch does not read: convert it");
    made.compression = 0;
    made.bits = 7;
    refused(made, "BMP: 7 bits a pixel cannot be read");
    made.bits = 24;
    made.height = 70000;
    refused(made, "at most 65535 a side");
    made.height = made.width = 60000;
    refused(made, "BMP: the file ends in the middle");
    made.width = 0;
    refused(made, "0 pixels");
    made.head = 30;
    refused(made, "BMP: the header is damaged");
}

/* Any bit wrong: anything, and no read outside, for a checker. */
static void test_flips(void **state)
{
    (void)state;
    const struct made made = {2,
                              2,
                              16,
                              3,
                              0,
                              56,
                              BYTES("\0\xf8\0\0\xe0\7\0\0\x1f\0\0\0\0\0\0\0"),
                              BYTES("\x00\xf8\xe0\x07\0\0\0\0")};
    struct file file = make(&made);
    for (size_t bit = 16; bit < file.size * 8; bit++) {
        struct pixels out = {0};
        uint8_t *copy = ealloc(file.size, 1);
        memcpy(copy, file.bytes, file.size);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (decode(copy, file.size, &out) == 0)
            assert_int_equal(out.channels, 3);
        free(copy);
        pixels_free(&out);
    }
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_flips)};
    return RUN_TESTS(tests);
}
