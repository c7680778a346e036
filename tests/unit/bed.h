/* What the tests of the engine stand on: small networks of odd shapes with arbitrary parameters and
 * a batch.
 *
 * A failure here ends the test.
 */
#ifndef PSWEEP_BED_H
#define PSWEEP_BED_H

#include "nn/engine.h"
#include "reference.h"

enum { MOST = 33, MOST_CLASSES = 7, CASES = 12 }; /* images of a batch, classes; number of cases */

struct shape_case {
    uint32_t depth, filters, height, width, channels, classes, count;
};

/* A float engine that stands this near to a corner of the loss may take the other side of it, and
 * has another gradient there. In networks of six layers, what enters a ReLU was found to be off by
 * up to 4e-6. A bed begins farther away. */
#define BED_CORNER 1e-5

extern const struct shape_case cases[CASES];

/* Everything a test needs of one case: a network with arbitrary parameters, a batch, room for
 * results. */
struct bed {
    struct net net;
    struct engine_options options;
    struct reference reference;
    uint8_t *images;
    uint32_t label[MOST];
    float *start, *momentum;  /* what the engine begins with */
    double *expected, *drift; /* what the reference makes of it: parameters, momentum */
    float *found, *found_momentum;
    double *gradient;
    double corner; /* lowered by each pass of the reference (reference.h) */
};

struct bed *bed_make(const struct shape_case *c);
void bed_end(struct bed *b);

/* A CPU engine as b->options say, with the parameters b->start and no momentum. */
struct engine *bed_engine(struct bed *b);

#endif
