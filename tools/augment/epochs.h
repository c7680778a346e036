/* From a set of images to epochs of augmented ones: the two halves of psaug. */
#ifndef PSWEEP_EPOCHS_H
#define PSWEEP_EPOCHS_H

#include "balance.h"
#include "choice.h"
#include "fold.h"
#include "images.h"
#include "set.h"
#include "views.h"

/* Everything read from the input, and what is known about it. */
struct collection {
    const struct images *input;
    struct set *train, *others; /* others: validation and test images */
    struct balance balance;     /* of the training images, where it is asked for */
    int balances;
    struct fold fold;          /* by which images are one or the other, where there are folds */
    uint64_t memory;           /* bytes that they may still take */
    struct images_about about; /* shape: of the views */
    uint8_t *unknown;          /* records of types that psweep does not know, to be passed on */
    size_t unknown_size;
    uint8_t *pixels; /* room for a view */
};

/* Reads the whole input, which stays borrowed, keeps up to memory bytes of it in memory, and proves
 * it whole. -1 with a sentence, naming images that do not fit together. */
int collect(struct images *input, int fd, uint64_t memory, const struct view_options *options,
            struct fold fold, int balances, struct collection *collection);
void collection_free(struct collection *collection);

/* Writes the records that come once: those of unknown type, then the validation and test images
 * (of each the middle, where images are cropped), and with views the training images as they are.
 */
int write_once(struct writer *writer, struct collection *collection, int views);
/* Writes the mark of an epoch of so many images: it has ended. */
int write_mark(struct writer *writer, uint32_t epoch, uint64_t images);
/* Writes one epoch: the training images in its order, each in its view (with views that alone), and
 * the epoch record. */
int write_epoch(struct writer *writer, struct collection *collection,
                const struct view_options *options, uint32_t epoch, int views);

#endif
