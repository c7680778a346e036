/* psaug --balance: an epoch has as many training images as there are, and of each class the same
 * number, or one more. Of a class that has fewer, all come, and come again in other views; of one
 * that has more, the next epochs bring the others.
 *
 * A class's images come in passes, each in an order of its own (random.h), and an epoch goes on in
 * them where the one before has ended: so it is a function of its number, as all of psaug is.
 */
#ifndef PSWEEP_BALANCE_H
#define PSWEEP_BALANCE_H

#include <stddef.h>
#include <stdint.h>

/* Start with all zero. */
struct balance {
    uint32_t *label; /* of the training images, in their order */
    size_t count;
};

void balance_add(struct balance *balance, uint32_t label);
void balance_free(struct balance *balance);

/* An image of an epoch: its place among the training images, and the id by which its view is drawn:
 * its own or, where it comes once more, another. */
struct draw {
    size_t place;
    uint64_t id;
};

/* The images of an epoch, whose ids are id[count], into draw[count], not yet shuffled. */
void balance_draw(const struct balance *balance, uint64_t seed, uint32_t epoch, const uint64_t *id,
                  struct draw *draw);

#endif
