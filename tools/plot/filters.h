/* The filters of the first convolution of models, as runs hold them.
 *
 * Of a run the last weights count: those of its model or, where it was cut short, of its last
 * checkpoint. Nothing else of it is kept.
 */
#ifndef PSPLOT_FILTERS_H
#define PSPLOT_FILTERS_H

#include "runs/source.h"

struct filters {
    struct run *run;                         /* its names and options, and nothing else of it */
    uint32_t count, channels, height, width; /* count 0: no weights have come */
    float *weight;                           /* [count][channels][height][width] */
};

struct bank {
    struct filters *filters; /* [models] */
    size_t models;
};

/* Reads all inputs. Damage is a state of the source; -1 with a sentence. */
int filters_read(struct bank *bank, struct source *source, int count);
/* Leaves out runs of which no weights came, naming them on stderr. -1 with a sentence where none
 * are left. */
int filters_settle(struct bank *bank);
void filters_free(struct bank *bank);

#endif
