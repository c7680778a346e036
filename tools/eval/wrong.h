/* The images that a model gets wrong and is most sure of: the mistakes that are worth looking at.
 *
 * At most so many are kept, whatever number of images passes by; besides, those that wait in the
 * mini-batches. Of two with the same probability the one that came earlier is kept.
 */
#ifndef PSWEEP_WRONG_H
#define PSWEEP_WRONG_H

#include "image.h"

struct wrong;

/* most: that are kept, ≥ 1; batch: the images of a mini-batch. */
struct wrong *wrong_open(size_t most, uint32_t batch);
void wrong_close(struct wrong *wrong); /* NULL is allowed */

/* Remembers, until another takes its place, the image that was read from record and waits at a
 * place of its split's mini-batch. id and label: what is to be written in place of the record's. */
void wrong_wait(struct wrong *wrong, enum split split, uint32_t place, uint64_t id, uint32_t label,
                const struct record *record);

/* The image that waits there was taken for class guess, which it is not. */
void wrong_keep(struct wrong *wrong, enum split split, uint32_t place, uint32_t guess,
                double probability);

/* Writes the image records of those kept, with guess and probability, the surest first. -1 with a
 * sentence. */
int wrong_write(struct writer *writer, struct wrong *wrong);

#endif
