/* The network again, slow and obvious, in double precision: what the engines are tested against.
 *
 * One loop nest for each layer, straight from its definition; every activation is kept, as
 * double[image][channel][row][column]. Nothing is shared with the engines but the description of
 * the network (nn/net.h). Its own gradient is tested against central differences (engine_test.c).
 *
 * Arguments are those of nn/engine.h; parameters, momentum, second moments and gradient are
 * double[net->parameters].
 */
#ifndef PSWEEP_REFERENCE_H
#define PSWEEP_REFERENCE_H

#include "nn/engine.h"

struct reference {
    const struct net *net;
    const struct engine_options *options; /* mean, deviation, and those of the step */
    const uint8_t *images;
    const uint32_t *label;
    uint32_t count;
    struct step step; /* its number also decides dropout */
    int narrow; /* what an engine of bf16 stores so (nn/cuda/cuda.h) is rounded as it is there */
    double *corner; /* NULL, or lowered to the smallest distance of a ReLU's input from 0 and of the
                       largest of a pool from the others: how near the loss has a corner */
};

/* The mean loss in training mode; gradient, unless NULL, is overwritten with its derivatives.
 * Running statistics in parameters are not touched. */
double reference_loss(const struct reference *r, const double *parameters, double *gradient);

/* What a step makes of a gradient: moves the trained parameters, momentum and second moments. */
void reference_move(const struct reference *r, const double *gradient, double *parameters,
                    double *momentum, double *second);

/* One training step: the same, of the gradient at these parameters, and the running statistics
 * move. Returns the mean loss. */
double reference_step(const struct reference *r, double *parameters, double *momentum,
                      double *second);

/* probability[count][classes] in inference mode. Returns the mean loss. */
double reference_predict(const struct reference *r, const double *parameters, double *probability);

#endif
