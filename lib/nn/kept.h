/* Images that an engine keeps, and views of them in place of a batch's pixels.
 *
 * A view is a plain one of view.h: row y, column x of it is row y + row, column x + column of the
 * image, or 0 where that lies outside; with flip, its columns are counted from the right. Its size
 * is that of the network's input, whatever the size of the image. These structs are what lies in
 * the memory of a device, too.
 */
#ifndef PSWEEP_KEPT_H
#define PSWEEP_KEPT_H

#include <stddef.h>
#include <stdint.h>

struct kept_image {
    uint64_t place; /* of its first byte among all pixels */
    uint32_t height, width;
};

struct kept_view {
    uint32_t image; /* its place among the images, 0 … count - 1 */
    int32_t row, column;
    uint32_t flip; /* 0 or 1 */
};

/* uint8 [row][column][channel] of each image, the images in any order and of any size. */
struct kept_images {
    const uint8_t *pixels; /* [bytes] */
    size_t bytes;
    const struct kept_image *image; /* [count] */
    size_t count;
};

#endif
