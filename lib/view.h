/* What augmentation does to an image: a shift or a window, and a flip. Nothing here needs a stream,
 * for engines draw views, too. */
#ifndef PSWEEP_VIEW_H
#define PSWEEP_VIEW_H

#include "image.h"

/* Row y, column x of the view is row y + row, column x + column of the image, or black where that
 * lies outside; with flip, columns are counted from the right. */
struct view {
    int32_t row, column;
    int flip;
    uint32_t height, width; /* of the view */
};

/* Which view of a training image is taken: a random one. The choice is philox(seed, epoch, image
 * id, PURPOSE_VIEW): the same for any number of programs, in any order, from any point of an
 * endless stream. */
struct view_options {
    uint64_t seed;
    uint32_t shift; /* at most so many pixels each way, each equally likely; 0: none */
    uint32_t
        crop[2]; /* height and width of a window of the image; {0, 0}: no crop, shift instead */
    double flip; /* probability of a horizontal flip */
};

/* A training image's view in an epoch (1, 2, …). */
struct view view_random(const struct view_options *options, uint32_t epoch,
                        const struct image *image);

/* The window of height × width in the middle of an image that is as large or larger: what becomes
 * of validation and test images where those for training are cropped. */
struct view view_middle(const struct image *image, uint32_t height, uint32_t width);
/* Draws the view of an image into pixels[view.height][view.width][channels]. */
void view_draw(const struct view *view, const struct image *image, uint8_t *pixels);

#endif
