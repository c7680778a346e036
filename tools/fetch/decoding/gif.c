#include "decoding/formats.h"

#include "message.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

/* What is left of the file. */
struct unread {
    const uint8_t *at;
    size_t left;
};

static int on_read(GifFileType *gif, GifByteType *to, int size)
{
    struct unread *unread = gif->UserData;
    size_t got = (size_t)size < unread->left ? (size_t)size : unread->left;
    memcpy(to, unread->at, got);
    unread->at += got;
    unread->left -= got;
    return (int)got;
}

static int refuse(const struct unread *unread, int error)
{
    const char *reason = GifErrorString(error);
    return fail("GIF: %s", unread->left == 0 ? "the file ends in the middle"
                           : reason          ? reason
                                             : "the file is damaged");
}

/* The n-th row that an interlaced frame of that height has in the file. */
static int interlaced(int n, int height)
{
    static const int start[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    for (int pass = 0;; pass++) {
        int rows = (height - start[pass] + step[pass] - 1) / step[pass];
        if (n < rows)
            return start[pass] + n * step[pass];
        n -= rows;
    }
}

/* The frame whose header was read, at its place on the screen; what it does not cover, and pixels
 * of the colour transparent (-1: none), are black. */
static int read_pixels(GifFileType *gif, int transparent, struct pixels *out)
{
    const GifImageDesc *frame = &gif->Image;
    const ColorMapObject *colours = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
    int right = frame->Left + frame->Width, bottom = frame->Top + frame->Height;
    uint32_t height = (uint32_t)(bottom > gif->SHeight ? bottom : gif->SHeight);
    uint32_t width = (uint32_t)(right > gif->SWidth ? right : gif->SWidth);
    if (colours == NULL || frame->Width == 0 || frame->Height == 0)
        return fail("GIF: the picture has no %s", colours ? "pixels" : "colours");
    if (pixels_shape(out, height, width, 3) < 0)
        return -1;
    memset(out->data, 0, (size_t)height * width * 3);
    GifPixelType *row = ealloc((size_t)frame->Width, sizeof *row);
    int done = 0;
    for (int n = 0; n < frame->Height && done == 0; n++) {
        int y = frame->Top + (frame->Interlace ? interlaced(n, frame->Height) : n);
        uint8_t *to = out->data + ((size_t)y * width + (size_t)frame->Left) * 3;
        if (DGifGetLine(gif, row, frame->Width) == GIF_ERROR)
            done = refuse(gif->UserData, gif->Error);
        for (int x = 0; x < frame->Width && done == 0; x++, to += 3) {
            if (row[x] >= colours->ColorCount && row[x] != transparent)
                done = fail("GIF: a pixel has a colour that the palette lacks");
            else if (row[x] != transparent)
                memcpy(to, &colours->Colors[row[x]], 3);
        }
    }
    free(row);
    return done;
}

/* The first frame becomes the pixels; the others are passed over, to see that nothing is missing.
 */
static int read_records(GifFileType *gif, struct pixels *out)
{
    int transparent = NO_TRANSPARENT_COLOR, frames = 0;
    for (;;) {
        GraphicsControlBlock control;
        GifRecordType type;
        GifByteType *block;
        int code, got = DGifGetRecordType(gif, &type);
        if (got != GIF_ERROR && type == TERMINATE_RECORD_TYPE)
            return frames ? 0 : fail("GIF: there is no picture in it");
        if (got != GIF_ERROR && type == EXTENSION_RECORD_TYPE) {
            got = DGifGetExtension(gif, &code, &block);
            if (got != GIF_ERROR && code == GRAPHICS_EXT_FUNC_CODE && block != NULL &&
                DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
                transparent = control.TransparentColor; /* of the next frame */
            while (got != GIF_ERROR && block != NULL)
                got = DGifGetExtensionNext(gif, &block);
        } else if (got != GIF_ERROR && type == IMAGE_DESC_RECORD_TYPE) {
            got = DGifGetImageHeader(gif);
            if (got != GIF_ERROR && frames++ == 0) {
                if (read_pixels(gif, transparent, out) < 0)
                    return -1;
            } else if (got != GIF_ERROR) {
                got = DGifGetCode(gif, &code, &block);
                while (got != GIF_ERROR && block != NULL)
                    got = DGifGetCodeNext(gif, &block);
            }
        }
        if (got == GIF_ERROR)
            return refuse(gif->UserData, gif->Error);
    }
}

int decode_gif(const uint8_t *bytes, size_t size, struct pixels *out)
{
    struct unread unread = {bytes, size};
    int error = 0;
    GifFileType *gif = DGifOpen(&unread, on_read, &error);
    if (gif == NULL)
        return refuse(&unread, error);
    int done = read_records(gif, out);
    DGifCloseFile(gif, &error);
    return done;
}
