/* What the tests of the engine stand on: small networks of odd shapes with arbitrary parameters and
 * a batch.
 *
 * A failure here ends the test.
 */
#ifndef PSWEEP_BED_H
#define PSWEEP_BED_H

#include "nn/engine.h"
#include "reference.h"

enum { MOST = 33, MOST_CLASSES = 7 }; /* images of a batch, classes */
/* Of cases; the first ones are networks of the short form, and steps with momentum and decay. */
enum { PLAIN_CASES = 13, CASES = 23 };

struct shape_case {
    uint32_t depth, filters, height, width, channels, classes, count;
    const char *stages;                /* a text in place of depth and filters; NULL: none */
    const struct engine_options *step; /* the options of the step */
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
    float *start; /* parameters that the engine begins with */
    /* What the reference makes of it: parameters, momentum, second moments. */
    double *expected, *drift, *expected_second;
    float *found, *found_momentum, *found_second;
    double *gradient;
    double corner; /* lowered by each pass of the reference (reference.h) */
};

/* In words, for messages. */
const char *bed_words(const struct shape_case *c);

struct bed *bed_make(const struct shape_case *c);
void bed_end(struct bed *b);

/* A CPU engine as b->options say, with the parameters b->start and no momentum. */
struct engine *bed_engine(struct bed *b);

/* Takes a training step with the batch, number 1, 2, …, at a rate of 0.05; the reference's next
 * step is this one. */
void bed_step(struct bed *b, struct engine *engine, uint64_t number, struct outcome *outcome);
/* What the engine has learnt, into b->found and so on. */
void bed_read(struct bed *b, struct engine *engine);

#endif
