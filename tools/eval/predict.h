/* What models take images for (--predict): the images once more, in their order, each with the
 * classes that are the likeliest.
 *
 * How likely a class is, is the mean of the probabilities that the models give to it; one that does
 * not know the class gives it 0. Of two classes that are as likely the first of the table comes
 * first. An image to which a model gives no number is taken for nothing.
 */
#ifndef PSWEEP_PREDICT_H
#define PSWEEP_PREDICT_H

#include "candidate.h"

struct predict;

/* most: classes an image, 1 … IMAGE_MAX_GUESSES; batch: the images of a mini-batch. */
struct predict *predict_open(uint32_t most, uint32_t batch);
void predict_close(struct predict *predict); /* NULL is allowed */

/* Remembers the image that was read from record and waits at a place of the mini-batch. id and
 * label: what is to be written in place of the record's. */
void predict_wait(struct predict *predict, uint32_t place, uint64_t id, uint32_t label,
                  const struct record *record);

/* Writes the image records of a mini-batch of count, which each of the candidates has been asked
 * for. -1 with a sentence. */
int predict_write(struct writer *writer, struct predict *predict, const struct candidate *candidate,
                  uint32_t candidates, uint32_t count);

#endif
