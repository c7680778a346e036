/* The image record: one picture, as a rule with a label. */
#ifndef PSWEEP_IMAGE_H
#define PSWEEP_IMAGE_H

#include "classes.h"
#include "record.h"
#include "write.h"

enum split { SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST, SPLITS };
extern const char *const split_name[SPLITS]; /* "train", "validation", "test" */
/* The split of that name, or -1 with a sentence. */
int split_parse(const char *name);

enum { IMAGE_MAX_SIDE = 65535, IMAGE_MAX_CHANNELS = 16, IMAGE_MAX_GUESSES = 10 };

/* What a model takes an image for. */
struct guess {
    uint32_t class;     /* an index like the label */
    double probability; /* that it gives to that class, 0 to 1; NAN from a model that diverged */
};

struct image {
    uint64_t id;     /* place in the sorted listing */
    const char *key; /* file name or object key; not ended by 0: key_size bytes */
    uint32_t key_size;
    uint32_t label; /* index into the header's classes; NO_CLASS: nobody has told it */
    enum split split;
    uint32_t height, width, channels;
    const uint8_t *pixels; /* [height][width][channels] */
    uint32_t
        guesses; /* [guesses], the likeliest first; 0: no model was asked, or it said nothing */
    struct guess guess[IMAGE_MAX_GUESSES];
    msgpack_object_map fields; /* of its record: those that psweep does not know are passed on */
};

static inline size_t image_bytes(const struct image *image)
{
    return (size_t)image->height * image->width * image->channels;
}

/* Takes an image record apart; label, if there is one, must be below classes. The result borrows
 * from the record until the next one is read. -1 with a sentence. */
int image_read(const struct record *record, uint32_t classes, struct image *image);

/* The end of a sentence about an image of another shape than is wanted: " (psfetch --resize 32x32
 * --channels 3 makes them agree)", or nothing where no option does. Borrowed from this thread until
 * its next call. */
const char *image_remedy(const struct image *image, uint32_t height, uint32_t width,
                         uint32_t channels);

/* Writes it as one record. */
int image_write(struct writer *writer, const struct image *image);

#endif
