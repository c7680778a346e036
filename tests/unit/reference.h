/* The network again, slow and obvious, in double precision: what the engines are tested against.
 *
 * One loop nest for each layer, straight from its definition; every activation is kept, as
 * double[image][channel][row][column]. Nothing is shared with the engines but the description of
 * the network (nn/net.h). Its own gradient is tested against central differences (engine_test.c).
 *
 * Arguments are those of nn/engine.h; parameters, momentum and gradient are
 * double[net->parameters].
 */
#ifndef PSWEEP_REFERENCE_H
#define PSWEEP_REFERENCE_H

#include "nn/engine.h"

struct reference {
    const struct net *net;
    const struct engine_options *options; /* mean, deviation, momentum, weight_decay */
    const uint8_t *images;
    const uint32_t *label;
    uint32_t count;
    double *corner; /* NULL, or lowered to the smallest distance of a ReLU's input from 0 and of the
                       largest of a pool from the others: how near the loss has a corner */
};

/* The mean loss in training mode; gradient, unless NULL, is overwritten with its derivatives.
 * Running statistics in parameters are not touched. */
double reference_loss(const struct reference *r, const double *parameters, double *gradient);

/* One training step: moves parameters (running statistics included) and momentum. Returns the mean
 * loss. */
double reference_step(const struct reference *r, double *parameters, double *momentum, double rate);

/* probability[count][classes] in inference mode. Returns the mean loss. */
double reference_predict(const struct reference *r, const double *parameters, double *probability);

#endif
