/* What becomes of the plan: how many images of each class and split were written. */
#ifndef PSWEEP_TALLY_H
#define PSWEEP_TALLY_H

#include "plan.h"

struct tally {
    const struct classes *classes; /* borrowed */
    size_t *written, *left;        /* images of each class, and those that are still to come */
    size_t images, split[SPLITS];  /* written */
};

void tally_open(struct tally *tally, const struct plan *plan);
void tally_close(struct tally *tally);

/* An image was written. */
void tally_written(struct tally *tally, const struct planned *image);
/* An image turned out to be bad, and is left out. -1 with a sentence when its class has no image
 * now: the stream has promised it already, and a network would get a class that nothing is of. */
int tally_lost(struct tally *tally, const struct planned *image);

/* One line for people: images, classes, splits. */
void tally_tell(const struct tally *tally);

#endif
