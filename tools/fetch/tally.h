/* What becomes of the plan: how many images of each class and split were written. */
#ifndef PSWEEP_TALLY_H
#define PSWEEP_TALLY_H

#include "selection.h"

struct tally {
    const struct classes *classes; /* borrowed */
    size_t *written, *planned;     /* images of each class */
    size_t images, splits[SPLITS]; /* written */
};

void tally_open(struct tally *tally, const struct plan *plan);
void tally_close(struct tally *tally);

/* An image was written; the others of the plan are bad and left out. */
void tally_add(struct tally *tally, const struct planned *image);

/* When all is written: which classes have no image, because all are bad or there were none, for the
 * header has named them before anybody knew; and for people images, classes and splits in one line.
 */
void tally_tell(const struct tally *tally);

#endif
