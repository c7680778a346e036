/* Which view of a training image is taken: a random one.
 *
 * Every choice is philox(seed, epoch, image id, purpose): the same for any number of programs, in
 * any order, from any point of an endless stream. random.h says which word is for what; a number
 * from a range is uniform in it.
 */
#ifndef PSWEEP_CHOICE_H
#define PSWEEP_CHOICE_H

#include "images.h"
#include "view.h"

struct view_options {
    uint64_t seed;
    uint32_t shift[2]; /* at most so many rows and columns each way, each equally likely */
    uint32_t
        crop[2]; /* height and width of a window of the image; {0, 0}: no crop, shift instead */
    double flip, flip_vertical; /* probabilities */
    int alternate; /* flip is for epoch 1 alone; after it, each image is flipped in turns */

    double rotate, shear;                         /* degrees, at most, each way */
    double scale[2];                              /* factors, the smallest and the largest */
    double brightness, contrast, saturation, hue; /* factors 1 - x … 1 + x, none below 0; turns */
    uint32_t cutout;                              /* side of the square; 0: none */
    const char *fill;                             /* "black", "grey", "mean", "edge", "reflect" */

    /* What view_options_settle() makes of them: what all views have alike, the grey about which
     * contrast changes, and the images' channels. */
    struct view common;
    double grey;
    uint32_t channels;
};

/* Settles what depends on the training images. -1 with a sentence where the options are for other
 * channels than they have. */
int view_options_settle(struct view_options *options, const struct images_about *about);

/* Whether views are all plain (view.h). */
int view_options_plain(const struct view_options *options);

/* A training image's view in an epoch (1, 2, …). */
struct view view_random(const struct view_options *options, uint32_t epoch,
                        const struct image *image);

/* The map (view.h) that shears an image (x → x + y·tan shear), scales it and turns it
 * counterclockwise: x is to the right, y down, angles are in degrees. */
void map_of(double rotate, double scale, double shear, int32_t map[4]);

/* The matrix (view.h) that does, one after the other, to red, green, blue, or grey:
 *
 *   contrast    p → c·p + (1 - c)·middle
 *   brightness  p → b·p
 *   saturation  p → s·p + (1 - s)·Y, Y = 0.299 R + 0.587 G + 0.114 B
 *   hue         (U, V) turned by so many turns: U = 0.492 (B - Y), V = 0.877 (R - Y); Y stays
 */
struct colour_change {
    double contrast, middle, brightness, saturation, hue;
};
void colour_of(const struct colour_change *change, uint32_t channels, int32_t *colour);

#endif
