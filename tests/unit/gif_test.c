/* GIF files, made here by giflib: the first frame at its place, and every cut. */
#include "pictures.h"

#include "message.h"
#include "tap.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

static GifColorType colour[] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}, {100, 110, 120}};

static int on_write(GifFileType *gif, const GifByteType *bytes, int size)
{
    struct file *file = gif->UserData, longer = with(*file, file->size, bytes, (size_t)size);
    free(file->bytes);
    *file = longer;
    return size;
}

/* What is put into a file; zeros are the usual. */
struct made {
    int height, width; /* of the screen */
    int left, top, high, wide, interlace;
    const uint8_t *pixels; /* [high][wide] */
    int transparent;       /* colour + 1 */
    int own_colours;       /* the palette is the frame's */
    int frames;            /* that follow */
};

static void put_frame(GifFileType *gif, const struct made *made, int top, int high)
{
    ColorMapObject *map = made->own_colours ? GifMakeMapObject(4, colour) : NULL;
    assert_int_equal(EGifPutImageDesc(gif, made->left, top, made->wide, high, made->interlace, map),
                     GIF_OK);
    for (int n = 0; n < high; n++) {
        /* The rows of 0, 8, …, then of 4, 12, …, of 2, 6, …, of 1, 3, … */
        static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
        int y = n;
        for (int pass = 0, left = n; made->interlace && pass < 4; pass++)
            for (y = starts[pass]; y < high && left-- >= 0; y += steps[pass])
                if (left < 0) {
                    pass = 4;
                    break;
                }
        assert_int_equal(
            EGifPutLine(gif, (GifPixelType *)made->pixels + y * made->wide, made->wide), GIF_OK);
    }
    GifFreeMapObject(map);
}

static struct file make(const struct made *made)
{
    struct file file = {0};
    int error;
    GifFileType *gif = EGifOpen(&file, on_write, &error);
    ColorMapObject *map = made->own_colours ? NULL : GifMakeMapObject(4, colour);
    EGifSetGifVersion(gif, true);
    assert_int_equal(EGifPutScreenDesc(gif, made->width, made->height, 2, 0, map), GIF_OK);
    GifFreeMapObject(map);
    assert_int_equal(EGifPutExtension(gif, COMMENT_EXT_FUNC_CODE, 4, "text"), GIF_OK);
    if (made->transparent) {
        GraphicsControlBlock control = {.TransparentColor = made->transparent - 1};
        GifByteType block[4];
        EGifGCBToExtension(&control, block);
        assert_int_equal(EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, block), GIF_OK);
    }
    put_frame(gif, made, made->top, made->high);
    for (int i = 0; i < made->frames; i++)
        put_frame(gif, made, 0, 1);
    assert_int_equal(EGifCloseFile(gif, &error), GIF_OK);
    return file;
}

/* The pixels that the first frame gives. */
static void expect_made(const struct made *made, uint32_t height, uint32_t width)
{
    uint8_t *wanted = ealloc((size_t)height * width, 3);
    for (int y = 0; y < made->high; y++)
        for (int x = 0; x < made->wide; x++) {
            uint8_t pixel = made->pixels[y * made->wide + x];
            if (pixel + 1 != made->transparent)
                memcpy(wanted + ((size_t)(made->top + y) * width + (size_t)(made->left + x)) * 3,
                       &colour[pixel], 3);
        }
    expect(make(made), height, width, 3, wanted);
    free(wanted);
}

static void test_frames(void **state)
{
    (void)state;
    uint8_t pixels[13 * 5];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)((i * i + i / 3) % 4);
    const struct made made[] = {
        {.height = 13, .width = 5, .high = 13, .wide = 5, .pixels = pixels},
        {.height = 13,
         .width = 5,
         .high = 13,
         .wide = 5,
         .pixels = pixels,
         .own_colours = 1,
         .frames = 3},
        {.height = 13, .width = 5, .high = 13, .wide = 5, .pixels = pixels, .transparent = 3},
        {.height = 13, .width = 5, .high = 13, .wide = 5, .pixels = pixels, .interlace = 1},
        {.height = 3, .width = 5, .high = 3, .wide = 5, .pixels = pixels, .interlace = 1},
        {.height = 9,
         .width = 9,
         .high = 4,
         .wide = 3,
         .left = 2,
         .top = 1,
         .pixels = pixels,
         .frames = 1},
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        expect_made(&made[i], (uint32_t)made[i].height, (uint32_t)made[i].width);
    struct file plain = make(&made[0]);
    expect_same(with(plain, plain.size, "behind the end", 14), plain);
    free(plain.bytes);
    /* A frame that stands out of its screen. */
    const struct made outside = {
        .height = 2, .width = 2, .high = 4, .wide = 3, .left = 1, .top = 1, .pixels = pixels};
    expect_made(&outside, 5, 4);
}

static void test_damage(void **state)
{
    (void)state;
    uint8_t pixels[8 * 8] = {0, 1, 2, 3, 3, 2, 1, 0};
    const struct made made = {.height = 8,
                              .width = 8,
                              .high = 8,
                              .wide = 8,
                              .pixels = pixels,
                              .frames = 1,
                              .transparent = 1};
    struct file file = make(&made);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *copy = ealloc(size, 1);
        memcpy(copy, file.bytes, size);
        expect_error(copy, size,
                     size == 0  ? "empty"
                     : size < 6 ? "not a PNG, "
                                : "GIF: the file ends in the middle");
        free(copy);
    }
    for (size_t bit = 6 * 8; bit < file.size * 8;
         bit++) { /* something or other, and no read outside */
        struct pixels out = {0};
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        uint8_t *copy = ealloc(file.size, 1);
        memcpy(copy, file.bytes, file.size);
        if (decode(copy, file.size, &out) == 0)
            assert_in_range(out.height, 8, 65535);
        free(copy);
        pixels_free(&out);
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* Of the four colours of its palette only two are left. */
    file.bytes[10] &= 0xf8;
    memmove(file.bytes + 13 + 6, file.bytes + 13 + 12, file.size - 13 - 12);
    expect_error(file.bytes, file.size - 6, "GIF: a pixel has a colour that the palette lacks");
    free(file.bytes);
    expect_error((const uint8_t *)"GIF89a\1\0\1\0\0\0\0;", 14, "GIF: there is no picture in it");
    /* 65,535 x 65,535 pixels cost no memory. */
    static const uint8_t huge[] =
        "GIF89a\xff\xff\xff\xff\x80\0\0\1\2\3\4\5\6,\0\0\0\0\xff\xff\xff\xff\0\2";
    expect_error(huge, sizeof huge, "at most 256 MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames),
                                       cmocka_unit_test(test_damage)};
    return RUN_TESTS(tests);
}
