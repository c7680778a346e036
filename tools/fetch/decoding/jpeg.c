#include "decoding/formats.h"

#include "message.h"
#include "decoding/orient.h"

#include <stdio.h> /* jpeglib.h wants FILE */

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <string.h>

/* libjpeg's error manager, with the place to go back to. */
struct errors {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back its address */
    jmp_buf back;
};

static _Noreturn void on_error(j_common_ptr jpeg)
{
    char reason[JMSG_LENGTH_MAX];
    const struct jpeg_decompress_struct *file = (j_decompress_ptr)jpeg;
    jpeg->err->format_message(jpeg, reason);
    if (jpeg->err->msg_code == JERR_NO_BACKING_STORE) /* it may take no more memory */
        fail("JPEG: an image of %u x %u pixels in several scans takes more than %d MiB to put "
             "together; convert it to a baseline JPEG, or to PNG",
             file->image_height, file->image_width, DECODE_MAX_BYTES >> 20);
    else
        fail("JPEG: %s", reason);
    longjmp(((struct errors *)jpeg->err)->back, 1);
}

/* Programs write some ten scans, and whoever tries for the smallest file a few dozen; but nothing
 * keeps a file from saying the same ones again and again, and each is a pass through the whole
 * picture that a few bytes ask for. Called at every row of blocks. */
enum { MOST_SCANS = 100 };
static void on_progress(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number <= MOST_SCANS)
        return;
    fail("JPEG: it has more than %d scans; convert it to a baseline JPEG, or to PNG", MOST_SCANS);
    longjmp(((struct errors *)jpeg->err)->back, 1);
}

/* Negative levels are warnings, the others are traces. A warning means damaged data, but for those
 * that sound pictures get: another revision of JFIF, which changes no pixel; a number for colours
 * that Adobe never gave, for which the usual ones are taken; and bytes that belong to nothing,
 * before the first pixels or right before the end. Elsewhere these are what is left over where the
 * data of pixels was damaged and its end came too early. */
static void on_message(j_common_ptr jpeg, int level)
{
    const struct jpeg_error_mgr *manager = jpeg->err;
    int code = manager->msg_code;
    int is_between =
        code == JWRN_EXTRANEOUS_DATA &&
        (((j_decompress_ptr)jpeg)->input_scan_number == 0 || manager->msg_parm.i[1] == JPEG_EOI);
    if (level < 0 && !is_between && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
        on_error(jpeg);
}

/* A row of CMYK, as files have it: 255 is no ink. */
static void from_cmyk(const JSAMPLE *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 4, to += 3)
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)((from[c] * from[3] + 127) / 255);
}

static int read_pixels(struct jpeg_decompress_struct *jpeg, const uint8_t *bytes, size_t size,
                       struct pixels *out)
{
    jpeg_mem_src(jpeg, bytes, size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    const struct jpeg_marker_struct *exif = jpeg->marker_list;
    while (exif && (exif->data_length < 6 || memcmp(exif->data, "Exif\0", 6) != 0))
        exif = exif->next;
    unsigned orientation = exif ? orient_exif(exif->data + 6, exif->data_length - 6) : 0;
    int components = jpeg->num_components;
    if (components != 1 && components != 3 && components != 4)
        return fail("JPEG: the file has %d components; only 1, 3 and 4 can be read", components);
    jpeg->out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg->dct_method = JDCT_ISLOW;
    uint32_t width = jpeg->image_width, channels = components == 1 ? 1 : 3;
    if (pixels_shape(out, jpeg->image_height, width, channels) < 0)
        return -1;
    JSAMPARRAY inks = components == 4
                          ? jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, width * 4, 1)
                          : NULL;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = out->data + (size_t)jpeg->output_scanline * width * channels;
        jpeg_read_scanlines(jpeg, inks ? inks : &row, 1);
        if (inks != NULL)
            from_cmyk(inks[0], width, row);
    }
    jpeg_finish_decompress(jpeg);
    out->orientation = orientation;
    return 0;
}

int decode_jpeg(const uint8_t *bytes, size_t size, struct pixels *out)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
    struct errors errors;
    jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = on_error;
    errors.manager.emit_message = on_message;
    int done;
    if (setjmp(errors.back) == 0) {
        jpeg_create_decompress(&jpeg);
        jpeg.progress = &progress;
        jpeg.mem->max_memory_to_use = DECODE_MAX_BYTES; /* for the coefficients, of several scans */
        done = read_pixels(&jpeg, bytes, size, out);
    } else {
        done = -1;
    }
    jpeg_destroy_decompress(&jpeg);
    return done;
}
