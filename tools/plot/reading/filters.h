/* The filters of the first convolution of models, as runs hold them.
 *
 * Of a run the last weights count: those of its model or, where it was cut short, of its last
 * checkpoint.
 */
#ifndef PSPLOT_FILTERS_H
#define PSPLOT_FILTERS_H

#include "runs/input.h"

struct filters {
    const struct run *run; /* of the history */
    uint32_t count, channels, height, width;
    float *weight; /* [count][channels][height][width] */
};

struct bank {
    struct filters *filters; /* [models] in the order of the runs */
    size_t models;
};

/* Reads all inputs into the history, whose runs get their titles. Damage is a state of the input;
 * runs of which no weights came are named on stderr. -1 with a sentence. */
int filters_read(struct bank *bank, struct history *history, struct input *input, int count);
void filters_free(struct bank *bank);

#endif
