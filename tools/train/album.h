/* The images that a trainer keeps, of any size, each numbered by its place; some of them are looked
 * up by their ids. */
#ifndef PSWEEP_ALBUM_H
#define PSWEEP_ALBUM_H

#include "image.h"
#include "nn/kept.h"

struct album;

struct album *album_open(void);
void album_close(struct album *album); /* NULL is allowed */

/* Keeps a copy of an image behind the others; its key is not kept. */
void album_add(struct album *album, const struct image *image);
/* The same for an image that album_find() is to find. -1 with a sentence when another has its id.
 */
int album_add_known(struct album *album, const struct image *image);
/* The place of the image of that id. -1 with a sentence when there is none. */
int album_find(const struct album *album, uint64_t id, uint32_t *place);

/* All images, borrowed until the next is added; labels and ids have the same places. */
struct kept_images album_images(const struct album *album);
const uint32_t *album_labels(const struct album *album);
const uint64_t *album_ids(const struct album *album);

/* Gives each image label[its label] in place of its label. */
void album_relabel(struct album *album, const uint32_t *label);

/* Gives the pixels back to the system: somebody else has them now. The rest stays known. */
void album_forget_pixels(struct album *album);

#endif
