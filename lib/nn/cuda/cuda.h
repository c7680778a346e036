/* The GPU engine: cuDNN for the convolutions (plan.h), own kernels for the rest (kernels.h), one
 * piece of device memory, one stream, and a training step as one CUDA graph.
 *
 * A stage is a convolution with what follows it: normalisation, ReLU, pool. Its input x is the
 * stage before's activation. Channels are filled up to a multiple of CHANNEL_UNIT; weights, scale
 * and offset of those that were added are 0, so they are 0 wherever they appear, gradients
 * included.
 *
 * Everything is planned for a full batch. A smaller one is filled up with copies of its images, and
 * the kernels are told how many are live: the copies are in no sum, and their gradients are 0.
 *
 * The parameters on the device are one array of floats: first all weights (which decay), then
 * biases, scales and offsets, then running means and variances (which no step moves); gradients and
 * momentum are arrays of the same layout without the last part. Weights of a convolution are
 * [out][3][3][in].
 */
#ifndef PSWEEP_CUDA_H
#define PSWEEP_CUDA_H

#include "kernels.h"
#include "nn/engine.h"
#include "plan.h"

enum { CHANNEL_UNIT = 4 };

struct cuda_stage {
    struct shape shape;         /* of y, channels filled up */
    int in_channels;            /* of x, filled up */
    int real_in, real_channels; /* as the network has them */
    uint32_t tensor;            /* number of the weights in the network's table */
    size_t weights;             /* places in the parameters */
    size_t bias, scale, offset;
    size_t mean, variance;

    float *y, *activation; /* activation: [images][height][width][channels], pooled */
    struct channel_normal *normal;
    struct plan forward, data_gradient, weight_gradient; /* no data gradient of stage 0 */
};

struct cuda {
    struct engine engine; /* first: engine.c sees only this */
    struct net net;
    struct engine_options options;
    char name[400], detail[440];
    cudaStream_t stream;
    cudnnHandle_t handle;
    struct planner planner;
    int steps;             /* taken; the first one is not captured, for much is loaded by it */
    cudaGraphExec_t graph; /* of a training step; NULL before the second */

    int stages, feature_channels, classes;
    struct cuda_stage stage[3 * NET_MAX_DEPTH];
    size_t connected_weights, connected_bias; /* places in the parameters */
    size_t decayed, moved, parameters; /* floats: weights; those and what a step moves; all */

    /* Device memory: one arena; or, to let tools see who writes behind his own, its pieces apart.
     */
    int apart;
    void *arena, **piece;
    size_t pieces;
    float *w, *g, *v;
    struct step_values *step;
    uint8_t *pixels;         /* [batch][height][width][image channels] */
    uint32_t *label;         /* [batch] */
    float *scaled;           /* [image channels][256] */
    float *x;                /* [batch][height][width][channels] */
    float *dy, *upstream[2]; /* upstream: gradient of the activation of stage s, in s % 2 */
    float *parts;
    float *probability, *loss; /* [batch][classes], [batch] */
    uint32_t *correct;
    void *workspace;

    /* Host memory that the device reads and writes. */
    struct step_values *host_step;
    uint8_t *host_pixels;
    uint32_t *host_label, *host_correct;
    float *host_loss;
};

extern const struct engine_class cuda_class;

/* -1 with a sentence, for a CUDA call that failed. */
int cuda_failed(cudaError_t error, const char *what);

/* layout.c: stages and places in the parameters; then device memory. cuda_plan_memory() returns the
 * bytes that an arena needs and, with a base, lays everything out in it; apart, it takes the pieces
 * by themselves, -1 with a sentence. */
void cuda_lay_out(struct cuda *cuda);
int64_t cuda_plan_memory(struct cuda *cuda, char *base, size_t workspace);
/* Between the network's parameters [net.parameters] and the device's layout [count], on the host:
 * count is cuda->parameters or, without the running statistics, cuda->moved; those are then 0. */
void cuda_pack(const struct cuda *cuda, const float *from, float *to, size_t count);
void cuda_unpack(const struct cuda *cuda, const float *from, size_t count, float *to);

/* step.c: the calls of engine.h. */
int cuda_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
              double rate, struct outcome *outcome);
int cuda_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                 uint32_t count, float *probability, struct outcome *outcome);

#endif
