/* What augmentation does to an image, and how that is drawn. Nothing here needs a stream, for
 * engines draw views, too.
 *
 * A view is drawn in this order:
 *
 *   fill      beyond its edges the image goes on without end
 *   map       it is turned, scaled and sheared about its middle
 *   window    of the view's size, from a row and column on: a shift or a crop
 *   flips     left to right, upside down
 *   colour    each pixel for itself
 *   cutout    a square is painted over
 *
 * All of it is done in whole numbers, so a view is the same on every machine. A struct that is zero
 * but for its size is the image as it is.
 */
#ifndef PSWEEP_VIEW_H
#define PSWEEP_VIEW_H

#include "image.h"

enum view_fill {
    FILL_GROUND,  /* one colour */
    FILL_EDGE,    /* the nearest pixel of the image */
    FILL_REFLECT, /* mirrored, the pixels at the edge not twice: b a b c d c b */
};

/* Of the fixed-point numbers below, 1; and bounds which keep what is made of them from overflow. */
enum { VIEW_MAP_ONE = 1 << 16, VIEW_MAP_MOST = 1 << 24 };
enum { VIEW_COLOUR_ONE = 1 << 12, VIEW_COLOUR_MOST = 1 << 20, VIEW_OFFSET_MOST = 1 << 29 };

struct view {
    /* Row y, column x of the view is row y + row, column x + column of the image that was filled
     * and mapped. With flip, columns are counted from the right, upside down rows from the bottom.
     */
    int32_t row, column;
    int flip, upside_down;
    uint32_t height, width; /* of the view */

    enum view_fill fill;
    uint8_t ground[IMAGE_MAX_CHANNELS]; /* the colour of FILL_GROUND and of the cutout */

    /* Where mapped: at (row, column) of the mapped image is what the image has at middle + map ·
     * ((row, column) - middle), map = {{m0, m1}, {m2, m3}} in 1/65536 and middle ((height - 1)/2,
     * (width - 1)/2): rounded to 1/256 of a pixel, and weighed out between four pixels. */
    int mapped;
    int32_t map[4];

    /* Where coloured, in images of 1 and 3 channels: channel c becomes the sum over channels d of
     * colour[c][d] times channel d, plus colour[c][channels], in 1/4096, rounded, 0 … 255. */
    int coloured;
    int32_t colour[3 * 4]; /* [channels][channels + 1] */

    /* So many rows and columns of the view, from that row and column on, are ground. */
    uint32_t cutout; /* 0: none */
    int32_t cut_row, cut_column;
};

/* Whether it is no more than a window with black around it and a flip left to right: all that an
 * engine draws that keeps images (nn/kept.h). */
int view_is_plain(const struct view *view);
/* The window of height × width in the middle of an image that is as large or larger: what becomes
 * of validation and test images where those for training are cropped. */
struct view view_middle(const struct image *image, uint32_t height, uint32_t width);
/* Draws the view of an image into pixels[view.height][view.width][channels]. */
void view_draw(const struct view *view, const struct image *image, uint8_t *pixels);

#endif
