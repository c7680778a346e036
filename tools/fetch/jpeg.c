#include "formats.h"

#include "message.h"

#include <stdio.h> /* jpeglib.h wants FILE */

#include <jpeglib.h>
#include <setjmp.h>

/* libjpeg's error manager, with the place to go back to. */
struct errors {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back its address */
    jmp_buf back;
};

static _Noreturn void on_error(j_common_ptr jpeg)
{
    char reason[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, reason);
    fail("JPEG: %s", reason);
    longjmp(((struct errors *)jpeg->err)->back, 1);
}

/* Negative levels are warnings, and all of them mean damaged data; the others are traces. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        on_error(jpeg);
}

static int read_pixels(struct jpeg_decompress_struct *jpeg, const uint8_t *bytes, size_t size,
                       struct pixels *out)
{
    jpeg_mem_src(jpeg, bytes, size);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->num_components == 4)
        return fail("JPEG: the file is CMYK; only grey and colour can be read");
    if (jpeg->num_components != 1 && jpeg->num_components != 3)
        return fail("JPEG: the file has %d components; only 1 and 3 can be read",
                    jpeg->num_components);
    jpeg->out_color_space = jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    uint32_t channels = (uint32_t)jpeg->num_components;
    if (pixels_shape(out, jpeg->image_height, jpeg->image_width, channels) < 0)
        return -1;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = out->data + (size_t)jpeg->output_scanline * jpeg->output_width * channels;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    return 0;
}

int decode_jpeg(const uint8_t *bytes, size_t size, struct pixels *out)
{
    struct jpeg_decompress_struct jpeg;
    struct errors errors;
    jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = on_error;
    errors.manager.emit_message = on_message;
    int done;
    if (setjmp(errors.back) == 0) {
        jpeg_create_decompress(&jpeg);
        done = read_pixels(&jpeg, bytes, size, out);
    } else {
        done = -1;
    }
    jpeg_destroy_decompress(&jpeg);
    return done;
}
