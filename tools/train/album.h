/* The training images of a stream with views: each came once, of any size, and is looked up by its
 * id as often as a view of it is to be drawn. */
#ifndef PSWEEP_ALBUM_H
#define PSWEEP_ALBUM_H

#include "view.h"

struct album;

struct album *album_open(void);
void album_close(struct album *album); /* NULL is allowed */

/* Keeps a copy of an image. */
void album_add(struct album *album, const struct image *image);
/* Makes the images known by their ids; after the last album_add(). -1 with a sentence when two have
 * one id. */
int album_sort(struct album *album);

/* The image of that id, borrowed; its key is not kept. -1 with a sentence when there is none. */
int album_image(const struct album *album, uint64_t id, struct image *image);

#endif
