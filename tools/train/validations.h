/* What the validations of a run say: which was the best so far, and for how long none was better.
 *
 * Better is the smaller loss; or by accuracy the higher accuracy and, of equal ones, the smaller
 * loss. One whose loss is no number is never better.
 */
#ifndef PSWEEP_VALIDATIONS_H
#define PSWEEP_VALIDATIONS_H

#include <stdint.h>

struct validation {
    uint64_t epoch, iteration; /* finished */
    double loss, accuracy;
};

/* Starts as zeros. */
struct validations {
    struct validation best; /* its iteration is 0 where there is none */
    uint64_t last;          /* iteration of the last one */
    uint64_t in_vain;       /* since the best one */
};

/* Takes the next validation: whether it is the best so far. */
int validations_add(struct validations *validations, const struct validation *validation,
                    int by_accuracy);

#endif
