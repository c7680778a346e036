/* From a source's items to image records, or to the members of a shard, in order: threads fetch and
 * decode, one writes. */
#ifndef PSWEEP_DELIVER_H
#define PSWEEP_DELIVER_H

#include "selection.h"
#include "decoding/resize.h"
#include "archives/shard.h"
#include "tally.h"
#include "write.h"

#include <time.h>

/* For the meter, over all sources. */
struct pace {
    size_t total;          /* images of all sources together */
    struct timespec start; /* when the first source was started */
    uint64_t bytes;        /* of the files that came */
};

struct deliver_options {
    unsigned threads;     /* that decode, ≥ 1 */
    unsigned connections; /* to S3 */
    uint32_t resize[2];   /* height, width; {0, 0}: as they are */
    enum fit fit;         /* to that size */
    uint32_t channels;    /* 1 or 3; 0: as they are */
    int no_orientation;   /* a camera's note how it was held is not applied */
    struct pace *pace;
    struct tally *tally;
    struct shard *shard; /* NULL, or where the images' files go instead of records */
};

/* Writes the planned images of one source as records to writer, which is NULL for a shard, in
 * order, but for the bad ones that the source leaves out, and keeps the tally. -1 with a sentence
 * that names the image, or the class that has none left.
 *
 * Memory: the window of prefetch.h; one image in the hands of each thread, with its file and what
 * its decoding and resizing need; the record being written.
 */
int deliver(struct writer *writer, struct source *source, const struct planned *image, size_t count,
            const struct deliver_options *options);

#endif
