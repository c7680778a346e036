/* A feed from inside: feed.c opens it and reads what comes once, batches.c makes mini-batches. */
#ifndef PSWEEP_FEED_INSIDE_H
#define PSWEEP_FEED_INSIDE_H

#include "album.h"
#include "feed.h"
#include "view.h"

/* Images beside each other that grow in number. */
struct pile {
    uint8_t *pixels; /* [count][image size] */
    uint32_t *label;
    size_t count, room;
};

struct feed {
    struct images *input;
    struct images_about about;
    size_t image_size;
    uint32_t batch;
    struct album *album;    /* training images, unless they come anew with each epoch */
    size_t trained;         /* these; the validation images are behind them */
    struct pile now;        /* the mini-batch being filled */
    struct kept_view *view; /* [batch], in place of its pixels; NULL until feed_by_views() */
    struct kept_view *validation_view;
    int handed;      /* the mini-batch has been handed out, so it is to be filled anew */
    uint64_t images; /* of this epoch so far */
    uint64_t marked; /* the last epoch whose mark has come */
    uint64_t before; /* epochs that the input leaves out */

    /* With epochs: an image or a mark that was read but belongs to the next call. */
    int pending; /* an images_item, or IMAGES_OTHER for none */

    /* With views: those at hand and the next of them. */
    struct views views;
    size_t next_view;

    /* Without epochs: figures of the set, the order of the present epoch and the place in it. */
    struct images_sums sums;
    uint64_t seed;
    uint32_t epoch;
    size_t *order, place;
    int epoch_ended;
};

/* Room for one more image in a pile; where its pixels belong. And with these filled in. */
uint8_t *pile_room(struct pile *pile, size_t image_size);
void pile_add(struct pile *pile, const struct image *image, size_t image_size);

/* The next image (after its shape was looked at), views, mark or end; other records are skipped. */
int feed_item(struct feed *feed, struct image *image);
/* A training image for the mini-batch. */
void feed_add(struct feed *feed, const struct image *image);

#endif
