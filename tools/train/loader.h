/* Mini-batches for training, and the validation images.
 *
 * From a stream with epochs (psaug) the training images come as they are sent, and an epoch ends at
 * its mark; with views (psaug --views) they came once, are kept, and each view of them is drawn
 * here. A set without epochs is read whole and kept; each epoch then has an order of its own, which
 * philox(data seed, epoch, image id, PURPOSE_SHUFFLE) decides, as in psaug. The last mini-batch of
 * an epoch may be smaller, or is left out.
 *
 * What is kept may be handed to an engine that draws by itself: then batches of it are views.
 */
#ifndef PSWEEP_LOADER_H
#define PSWEEP_LOADER_H

#include "images.h"
#include "nn/engine.h"
#include "store.h"
#include "views.h"

/* What others may read is told first. */
struct loader {
    struct images *input;
    struct images_about about; /* shape, counts, mean and deviation of the images */
    uint64_t before;           /* epochs that the input leaves out (psaug --first-epoch) */
    struct store store;        /* validation images; training images too, unless they come anew
                                  with each epoch */

    /* The mini-batch being filled. */
    size_t image_size;
    uint32_t batch;         /* the most images in one */
    int only_whole;         /* fewer, at the end of an epoch, are left out */
    size_t count, room;     /* images in it; that there is memory for */
    uint8_t *pixels;        /* [room][image size] */
    uint32_t *label;        /* [room] */
    struct kept_view *view; /* [batch], in place of pixels; NULL until loader_by_views() */
    int handed;             /* it has been handed out, so it is to be filled anew */
    struct batch ahead;     /* what loader_look_ahead() has shown; the next call hands it out */
    int is_ahead, found;    /* whether there is such; and what loader_next() is to return */

    uint64_t images; /* of this epoch so far */
    uint64_t marked; /* the last epoch whose mark has come */
    int pending;     /* with epochs: what was read but belongs to the next call, an images_item, or
                        IMAGES_OTHER for nothing */

    /* With views: those at hand and the next of them. */
    struct views views;
    size_t next_view;

    /* Without epochs: the order of the present one, and the place in it. */
    uint64_t seed;
    uint32_t epoch;
    int in_epoch;
    size_t *order, place;
};

/* Reads input up to its first training image, or all of a set without epochs. input is borrowed
 * until loader_close(). -1 with a sentence; LOADER_WAIT when a signal asked for the end. */
int loader_open(struct loader *loader, struct images *input, uint32_t batch, uint64_t data_seed);
void loader_close(struct loader *loader);

/* What loader_next() will give: so the first mini-batch can be looked at, in pixels, before an
 * engine takes them over. */
int loader_look_ahead(struct loader *loader, struct batch *batch);

/* An engine keeps the stored images too. From now on batches of them are views, and their pixels
 * are given back to the system. */
void loader_by_views(struct loader *loader);

/* The next thing: LOADER_BATCH fills in batch, borrowed until the next call; LOADER_EPOCH: an epoch
 * has ended; LOADER_END: the input has; LOADER_WAIT: a signal asked for the end while the input was
 * waited for; -1 with a sentence. */
enum { LOADER_END, LOADER_BATCH, LOADER_EPOCH, LOADER_WAIT };
int loader_next(struct loader *loader, struct batch *batch);

/* At the end of an epoch: the next mini-batch of validation images, from *place of the store on,
 * which begins with 0. Borrowed until the next call; 0 when there are no more. */
int loader_next_validation(struct loader *loader, size_t *place, struct batch *batch);

#endif
