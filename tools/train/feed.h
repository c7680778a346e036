/* Mini-batches for training, and the validation images.
 *
 * From a stream with epochs (psaug) the training images come as they are sent, and an epoch ends at
 * its mark; with views (psaug --views) they came once, are kept, and each view of them is drawn
 * here. A set without epochs is read whole and kept; each epoch then has an order of its own, which
 * philox(data seed, epoch, image id, PURPOSE_SHUFFLE) decides, as in psaug. The last mini-batch of
 * an epoch may be smaller.
 *
 * What is kept may be handed to an engine that draws by itself: then batches of it are views.
 */
#ifndef PSWEEP_FEED_H
#define PSWEEP_FEED_H

#include "images.h"
#include "nn/engine.h"

struct feed;

/* Reads input up to its first training image, or all of a set without epochs. input is borrowed
 * until feed_close(). -1 with a sentence; FEED_WAIT when a signal asked for the end. */
int feed_open(struct feed **feed, struct images *input, uint32_t batch, uint64_t data_seed);
void feed_close(struct feed *feed);

/* Shape, counts, mean and deviation of the images. */
const struct images_about *feed_about(const struct feed *feed);
/* How many epochs the input leaves out before its first (psaug --first-epoch). */
uint64_t feed_before(const struct feed *feed);

/* All images that are kept, training and validation; borrowed until the next call. */
struct kept_images feed_images(const struct feed *feed);
/* Somebody else keeps them too. From now on batches of them are views, and their pixels are given
 * back to the system. */
void feed_by_views(struct feed *feed);

/* All validation images; borrowed until feed_close() or feed_by_views(). */
struct batch feed_validation(const struct feed *feed);

/* The next thing: FEED_BATCH fills in batch, borrowed until the next call; FEED_EPOCH: an epoch has
 * ended; FEED_END: the input has; FEED_WAIT: a signal asked for the end while the input was waited
 * for; -1 with a sentence. */
enum { FEED_END, FEED_BATCH, FEED_EPOCH, FEED_WAIT };
int feed_next(struct feed *feed, struct batch *batch);

#endif
