/* From a source's items to image records, in order: threads fetch and decode, one writes. */
#ifndef PSWEEP_DELIVER_H
#define PSWEEP_DELIVER_H

#include "plan.h"
#include "write.h"

struct deliver_options {
    unsigned threads;     /* that decode, ≥ 1 */
    unsigned connections; /* to S3 */
    uint32_t resize[2];   /* height, width; {0, 0}: as they are */
    uint32_t channels;    /* 1 or 3; 0: as they are */
    int skip_bad;         /* go on after a bad image, naming it */
    size_t total;         /* images of all sources together, for the meter */
};

/* How it went, added up over sources. */
struct delivered {
    size_t images, bad;
};

/* Writes the planned images of one source as records, in order. At most a window of 256 images is
 * held besides what the source reads ahead. -1 with a sentence that names the image. */
int deliver(struct writer *writer, struct source *source, const struct planned *image, size_t count,
            const struct deliver_options *options, struct delivered *delivered);

#endif
