/* What augmentation does to an image: a shift or a window, and a flip; and the record that tells it
 * of many images in place of their pixels.
 */
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

/* The window of height × width in the middle of an image that is as large or larger: what becomes
 * of validation and test images where those for training are cropped. */
struct view view_middle(const struct image *image, uint32_t height, uint32_t width);
/* Draws the view of an image into pixels[view.height][view.width][channels]. */
void view_draw(const struct view *view, const struct image *image, uint8_t *pixels);

/* Views in the order in which they are trained on, as they stand in a record; borrowed from it. */
struct views {
    size_t count;
    const uint8_t *ids, *rows, *columns, *flips; /* uint64, int32, int32, uint8 [count] */
};
enum { VIEWS_MOST = 4096 }; /* that are written as one record */

/* Takes a view record apart. -1 with a sentence. */
int views_read(const struct record *record, struct views *views);
/* The image that a view is of, and the view, whose size the header tells. */
uint64_t views_id(const struct views *views, size_t place);
struct view views_view(const struct views *views, size_t place, uint32_t height, uint32_t width);

/* Writes count views of the images ids[count] as one record; count ≤ VIEWS_MOST. */
int views_write(struct writer *writer, const uint64_t *ids, const struct view *view, size_t count);

#endif
