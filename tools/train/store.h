/* The images that a trainer keeps between epochs, of any size, each numbered by its place; some of
 * them are looked up by their ids. */
#ifndef PSWEEP_STORE_H
#define PSWEEP_STORE_H

#include "image.h"
#include "nn/kept.h"

/* Starts as zeros. */
struct store {
    size_t count, room;
    struct kept_image *image; /* [count], as are the next three */
    uint32_t *label;
    uint64_t *id;
    enum split *split;

    /* Of all images, one behind the other, in memory that moves by its pages: it grows without a
     * copy, and what was not written yet is address space alone. So nobody has to be believed how
     * much is still to come. */
    uint8_t *pixels;
    size_t bytes, capacity;

    uint32_t *index; /* [slots] place + 1 of a known image, in the first free slot from its hash */
    size_t slots, known; /* slots: a power of two, more than twice of known */
};

void store_free(struct store *store);

/* Keeps a copy of an image behind the others; its key is not kept. */
void store_add(struct store *store, const struct image *image);
/* The same for an image that store_find() is to find. -1 with a sentence when another has its id.
 */
int store_add_known(struct store *store, const struct image *image);
/* The place of the image of that id. -1 with a sentence when there is none. */
int store_find(const struct store *store, uint64_t id, uint32_t *place);

/* Gives the pixels back to the system: somebody else has them now. The rest stays known. */
void store_forget_pixels(struct store *store);

#endif
