#include "picture/canvas.h"

#include "picture/font.h"
#include "label.h"
#include "message.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), wanted = strlen(suffix);
    return length > wanted && strcasecmp(path + length - wanted, suffix) == 0;
}

int canvas_check(const char *path)
{
    if (ends_in(path, ".png") || ends_in(path, ".svg") || ends_in(path, ".pdf"))
        return 0;
    return fail_as(USAGE, "the output %s does not end in .png, .svg or .pdf", path);
}

static cairo_status_t write_bytes(void *file, const unsigned char *bytes, unsigned size)
{
    return fwrite(bytes, 1, size, file) == size ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

int canvas_open(struct canvas *canvas, const char *path, double width, double height, int dark)
{
    *canvas = (struct canvas){.path = path, .width = width, .height = height, .dark = dark};
    if (canvas_check(path) < 0)
        return -1;
    canvas->file = fopen(path, "wb");
    if (canvas->file == NULL)
        return fail("cannot write %s: %s", path, strerror(errno));
    if (ends_in(path, ".png")) {
        canvas->is_png = 1;
        canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    } else if (ends_in(path, ".svg")) {
        canvas->surface =
            cairo_svg_surface_create_for_stream(write_bytes, canvas->file, width, height);
        /* Cairo's own unit is the point, which browsers draw a third larger. */
        cairo_svg_surface_set_document_unit(canvas->surface, CAIRO_SVG_UNIT_PX);
    } else {
        canvas->surface =
            cairo_pdf_surface_create_for_stream(write_bytes, canvas->file, width, height);
        /* An empty date instead of the present time: the same chart is the same file. */
        cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
    }
    canvas->cairo = cairo_create(canvas->surface);
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
    canvas_box(canvas, 0, 0, width, height, white);
    return 0;
}

void canvas_measure(struct canvas *canvas, const char *path)
{
    *canvas = (struct canvas){0};
    /* Letters are as wide as whole pixels in a PNG, elsewhere of any width. */
    canvas->surface = ends_in(path, ".png") ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1)
                                            : cairo_svg_surface_create(NULL, 1, 1);
    canvas->cairo = cairo_create(canvas->surface);
}

void canvas_measured(struct canvas *canvas)
{
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
}

int canvas_close(struct canvas *canvas)
{
    errno = 0;
    cairo_status_t status = cairo_status(canvas->cairo);
    if (status == CAIRO_STATUS_SUCCESS && canvas->is_png)
        status = cairo_surface_write_to_png_stream(canvas->surface, write_bytes, canvas->file);
    cairo_destroy(canvas->cairo);
    cairo_surface_finish(canvas->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(canvas->surface);
    cairo_surface_destroy(canvas->surface);
    /* Cairo does not tell of every write that failed; what is still in the file's buffer fails
     * last. */
    int failed = fflush(canvas->file) != 0 || ferror(canvas->file);
    if (fclose(canvas->file) != 0 || failed || status == CAIRO_STATUS_WRITE_ERROR)
        return fail("cannot write %s: %s", canvas->path, strerror(errno ? errno : EIO));
    if (status != CAIRO_STATUS_SUCCESS)
        return fail("cannot draw %s: %s", canvas->path, cairo_status_to_string(status));
    return 0;
}

void canvas_colour(struct canvas *canvas, struct colour colour)
{
    double light = 0.97 - 0.87 * colour.red;
    if (canvas->dark && colour.red == colour.green && colour.green == colour.blue)
        colour = (struct colour){light, light, light, colour.alpha};
    else if (canvas->dark)
        colour = (struct colour){0.25 + 0.75 * colour.red, 0.25 + 0.75 * colour.green,
                                 0.25 + 0.75 * colour.blue, colour.alpha};
    cairo_set_source_rgba(canvas->cairo, colour.red, colour.green, colour.blue, colour.alpha);
}

double canvas_text_width(struct canvas *canvas, const struct lettering *lettering, const char *text)
{
    cairo_text_extents_t extents;
    cairo_select_font_face(canvas->cairo, font_for(text), CAIRO_FONT_SLANT_NORMAL,
                           lettering->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->cairo, lettering->size);
    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void canvas_text(struct canvas *canvas, double x, double y, const struct lettering *lettering,
                 const char *text)
{
    /* The height of capitals of DejaVu Sans is 0.73 of its size; aligned by that, not by what each
     * text happens to contain, labels stand on one line. */
    double width = canvas_text_width(canvas, lettering, text), capitals = 0.73 * lettering->size;
    cairo_save(canvas->cairo);
    canvas_colour(canvas, lettering->colour);
    cairo_translate(canvas->cairo, x, y);
    if (lettering->upwards)
        cairo_rotate(canvas->cairo, -M_PI / 2);
    cairo_move_to(canvas->cairo, -lettering->across * width, (1 - lettering->down) * capitals);
    cairo_show_text(canvas->cairo, text);
    cairo_restore(canvas->cairo);
    cairo_new_path(canvas->cairo);
}

double canvas_text_in(struct canvas *canvas, double x, double y, double width,
                      const struct lettering *lettering, const char *text)
{
    double full = canvas_text_width(canvas, lettering, text);
    if (full <= width) {
        canvas_text(canvas, x, y, lettering, text);
        return full;
    }
    size_t size = strlen(text) + sizeof "…";
    char *cut = ealloc(size, 1), *longer = ealloc(size, 1);
    const char *head = text, *tail = text + strlen(text);
    snprintf(cut, size, "…");
    /* A character more at the beginning and at the end in turn, as long as it fits. */
    for (int turn = 0; head < tail; turn++) {
        uint32_t code;
        int columns;
        if (turn % 2 == 0)
            label_next(&head, &code, &columns);
        else
            do
                tail--;
            while ((*tail & 0xc0) == 0x80);
        snprintf(longer, size, "%.*s…%s", (int)(head - text), text, tail);
        if (canvas_text_width(canvas, lettering, longer) > width)
            break;
        strcpy(cut, longer);
    }
    full = canvas_text_width(canvas, lettering, cut);
    if (full <= width)
        canvas_text(canvas, x, y, lettering, cut);
    free(cut);
    free(longer);
    return full <= width ? full : 0;
}

void canvas_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double width,
                 struct colour colour)
{
    canvas_colour(canvas, colour);
    cairo_set_line_width(canvas->cairo, width);
    cairo_move_to(canvas->cairo, x0, y0);
    cairo_line_to(canvas->cairo, x1, y1);
    cairo_stroke(canvas->cairo);
}

void canvas_box(struct canvas *canvas, double x, double y, double width, double height,
                struct colour colour)
{
    canvas_colour(canvas, colour);
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

void canvas_swatch(struct canvas *canvas, double x, double y, double width, double height,
                   double light)
{
    cairo_set_source_rgb(canvas->cairo, light, light, light);
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

void canvas_boxes(struct canvas *canvas, struct canvas *boxes, uint32_t rows, uint32_t columns)
{
    /* Who shows an SVG smooths what it enlarges: so a box is already some pixels large. */
    enum { SIDE = 2000 };
    uint32_t longer = rows > columns ? rows : columns, side = longer < SIDE ? SIDE / longer : 1;
    *boxes = (struct canvas){.width = columns, .height = rows, .dark = canvas->dark};
    boxes->surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(columns * side), (int)(rows * side));
    boxes->cairo = cairo_create(boxes->surface);
    cairo_scale(boxes->cairo, side, side);
    canvas_box(boxes, 0, 0, columns, rows, white);
}

void canvas_lay(struct canvas *canvas, struct canvas *boxes, double x, double y, double width,
                double height)
{
    double wide = cairo_image_surface_get_width(boxes->surface);
    double high = cairo_image_surface_get_height(boxes->surface);
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, x, y);
    cairo_scale(canvas->cairo, width / wide, height / high);
    cairo_set_source_surface(canvas->cairo, boxes->surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas->cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cairo, 0, 0, wide, high);
    cairo_fill(canvas->cairo);
    cairo_restore(canvas->cairo);
    cairo_destroy(boxes->cairo);
    cairo_surface_destroy(boxes->surface);
}

void canvas_dot(struct canvas *canvas, double x, double y, double radius, struct colour colour)
{
    canvas_colour(canvas, colour);
    cairo_arc(canvas->cairo, x, y, radius, 0, 2 * M_PI);
    cairo_fill(canvas->cairo);
}
