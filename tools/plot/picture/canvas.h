/* A picture, drawn with cairo into a .png, .svg or .pdf file.
 *
 * Lengths are pixels from the top left (points in a PDF); text is DejaVu Sans (font.h), its size
 * the height of the letters' box. Drawing never fails: what went wrong shows in canvas_close(). The
 * same drawing gives the same bytes with the same cairo: no time is written.
 */
#ifndef PSPLOT_CANVAS_H
#define PSPLOT_CANVAS_H

#include "palette.h"

#include <cairo.h>
#include <stdio.h>

struct canvas {
    cairo_t *cairo;
    cairo_surface_t *surface;
    FILE *file;
    const char *path;
    int is_png;
    int dark; /* light on a dark ground */
    double width, height;
};

/* Whether the path ends in .png, .svg or .pdf: 0, or -1 with a sentence of status USAGE. */
int canvas_check(const char *path);

/* Opens the file and paints the ground: white, or nearly black. -1 with a sentence. */
int canvas_open(struct canvas *canvas, const char *path, double width, double height, int dark);

/* A canvas of no file, on which letters are measured before the size of the picture at path is
 * known. */
void canvas_measure(struct canvas *canvas, const char *path);
void canvas_measured(struct canvas *canvas); /* ends it */

/* Writes what is to be written and looks whether it arrived. -1 with a sentence. */
int canvas_close(struct canvas *canvas);

/* Colours are those on white; on a dark ground the greys change places and the others get brighter.
 */
struct colour {
    double red, green, blue, alpha;
};
static const struct colour black = {0.13, 0.13, 0.13, 1}, grey = {0.42, 0.42, 0.42, 1},
                           pale_grey = {0.88, 0.88, 0.88, 1}, white = {1, 1, 1, 1};
static inline struct colour colour_of(int ink, double alpha)
{
    return (struct colour){palette[ink].red, palette[ink].green, palette[ink].blue, alpha};
}
void canvas_colour(struct canvas *canvas, struct colour colour);

/* Where text stands: (x, y) is this point of it; 0 left or top, 0.5 the middle, 1 right or bottom.
 */
struct lettering {
    double size;
    struct colour colour;
    double across, down;
    int bold;
    int upwards; /* turned to be read from below */
};
void canvas_text(struct canvas *canvas, double x, double y, const struct lettering *lettering,
                 const char *text);
/* The same, with an ellipsis in its middle where it is wider than width: names are often told apart
 * by their ends. Returns the width taken. */
double canvas_text_in(struct canvas *canvas, double x, double y, double width,
                      const struct lettering *lettering, const char *text);
double canvas_text_width(struct canvas *canvas, const struct lettering *lettering,
                         const char *text);

void canvas_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double width,
                 struct colour colour);
void canvas_box(struct canvas *canvas, double x, double y, double width, double height,
                struct colour colour);
/* The same of this very grey, 0 to 1, on any ground. */
void canvas_swatch(struct canvas *canvas, double x, double y, double width, double height,
                   double light);

/* Very many boxes as one image: boxes is a canvas of columns x rows, on which canvas_box() draws
 * them, 1 x 1 each; canvas_lay() lays it enlarged over width x height, and ends it. */
void canvas_boxes(struct canvas *canvas, struct canvas *boxes, uint32_t rows, uint32_t columns);
void canvas_lay(struct canvas *canvas, struct canvas *boxes, double x, double y, double width,
                double height);

void canvas_dot(struct canvas *canvas, double x, double y, double radius, struct colour colour);

#endif
