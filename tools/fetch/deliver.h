/* From a source's items to image records, or to the members of a shard, in order: threads fetch and
 * decode, one writes. */
#ifndef PSWEEP_DELIVER_H
#define PSWEEP_DELIVER_H

#include "archives/shard.h"
#include "decoding/resize.h"
#include "selection.h"
#include "write.h"

#include <time.h>

/* What becomes of the selection: the images that were written, of all sources. */
struct tally {
    const struct classes *classes; /* borrowed */
    size_t *written, *selected;    /* images of each class */
    size_t images, splits[SPLITS]; /* written */
    size_t total;                  /* selected */
    struct timespec start;
    uint64_t bytes; /* of the files that came */
};

void tally_open(struct tally *tally, const struct selection *selection);
void tally_close(struct tally *tally);
/* When all is written: which classes have no image, because all are bad or there were none, for the
 * header has named them before anybody knew; and for people images, classes and splits in one line.
 */
void tally_tell(const struct tally *tally);

struct deliver_options {
    unsigned threads;     /* that decode, ≥ 1 */
    unsigned connections; /* to S3 */
    uint32_t resize[2];   /* height, width; {0, 0}: as they are */
    enum fit fit;         /* to that size */
    uint32_t channels;    /* 1 or 3; 0: as they are */
    int no_orientation;   /* a camera's note how it was held is not applied */
    struct tally *tally;
    struct shard *shard; /* NULL, or where the images' files go instead of records */
};

/* Writes the selected images of one source as records to writer, which is NULL for a shard, in
 * order, but for the bad ones that the source leaves out, and keeps the tally. -1 with a sentence
 * that names the image, or the class that has none left.
 *
 * Memory: the window of prefetch.h; one image in the hands of each thread, with its file and what
 * its decoding and resizing need; the record being written.
 */
int deliver(struct writer *writer, struct source *source, const struct selected *image,
            size_t count, const struct deliver_options *options);

#endif
