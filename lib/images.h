/* The images of one input: a set (or several joined by cat), or a stream that psaug made.
 *
 * The ids of a set that is joined are shifted past those of the sets before it, and its classes are
 * joined with theirs by name: what they lack comes behind, so that labels that were given out stay
 * right, until images_settle() puts all in order. Streams with epochs cannot be joined.
 */
#ifndef PSWEEP_IMAGES_H
#define PSWEEP_IMAGES_H

#include "image.h"

/* What the header of a stream with epochs tells about its images; also what a run's header says. */
struct images_about {
    uint32_t height, width, channels;
    uint64_t counts[SPLITS];
    double mean[IMAGE_MAX_CHANNELS],
        deviation[IMAGE_MAX_CHANNELS]; /* of the training set, 0 … 255 */
};

/* A set, joined with others or not. */
struct images_part {
    uint64_t shift;   /* added to its ids */
    size_t header;    /* where its header begins in those of all */
    uint32_t classes; /* of its own */
    uint32_t *label;  /* [classes] the place of each in the table of all; NULL: the same */
};

struct images {
    struct reader *reader;
    struct classes classes; /* of all sets that have come */
    int epochs;             /* the input is of kind epochs, and about is filled in */
    int views;      /* and its training images come once, as they are; epochs are view records */
    int drawing;    /* and these are more than plain views (view.h) */
    int unlabelled; /* set by who takes images without a label; to others the first is a sentence */
    struct images_about about;
    uint32_t headers; /* the headers of all joined inputs, as msgpack, for "upstream" */
    uint8_t *header;
    size_t header_size;
    struct XXH3_state_s *digest; /* of a set: of its records so far, but headers and ends */
    struct images_part *part;    /* [parts] the last is the one that is being read */
    uint32_t parts;
    uint64_t largest; /* id so far */
};

/* Reads the first header from fd; wanted as in record_header(). -1 with a sentence. */
int images_open(struct images *images, int fd, const char *name, const char *wanted);
void images_close(struct images *images);

/* The next thing in the input. IMAGES_IMAGE fills in image (its id shifted, label and guess places
 * in images->classes); record is filled in always; IMAGES_VIEWS is a view record, which comes only
 * where views is set. Both are borrowed until the next call. -1 with a sentence. */
enum images_item {
    IMAGES_END,
    IMAGES_IMAGE,
    IMAGES_VIEWS,
    IMAGES_EPOCH,
    IMAGES_OTHER,
    IMAGES_WAIT
};
int images_next(struct images *images, struct image *image, struct record *record);

/* For who has enough: reads on to what proves that all that came is undamaged, an epoch mark or the
 * end; but not of a pipe, whose images would have to be made for that. -1 with a sentence. */
int images_prove(struct images *images);

/* When all has come: where sets with different classes were joined, sorts the table of all as one
 * psfetch of all of them would, and returns the new place of each label that was given out,
 * [classes.count], to be freed; NULL where all labels stay as they are. */
uint32_t *images_settle(struct images *images);
/* For an image that is read once more from its record, after that: its id, which was given out,
 * tells the set whose classes label and guess are of. */
void images_relabel(const struct images *images, struct image *image);

/* The XXH3 of all records of a set that have come, but headers and ends, which tell of programs. */
uint64_t images_digest(const struct images *images);

/* Packs the field "upstream". */
void images_pack_upstream(struct writer *writer, const struct images *images);

/* Fields "shape", "counts", "mean", "deviation" of a header: to and from. */
void images_pack_about(struct writer *writer, const struct images_about *about);
int images_read_about(const struct record *header, struct images_about *about);

/* Adds up whole-number sums over training images for their channel means and deviations. */
struct images_sums {
    uint64_t pixels, sum[IMAGE_MAX_CHANNELS], squares[IMAGE_MAX_CHANNELS];
};
void images_add(struct images_sums *sums, const struct image *image);
/* Mean and deviation (of the population; 1 where all pixels are the same) of channels channels. */
void images_figures(const struct images_sums *sums, uint32_t channels, struct images_about *about);

#endif
