/* The GPU engine's own kernels: everything but the convolutions.
 *
 * Activations are [image][row][column][channels], NHWC, channels filled up to a multiple of 4 with
 * channels that are 0 and stay 0. They and their gradients are stored as the shape says: a void *
 * is to such values. The features, which the connected layer takes, and their gradients are floats
 * always, and so is all arithmetic. All pointers are device memory. Each call enqueues one kernel
 * on the stream and returns what the launch said.
 *
 * No sum is left to chance: each has one order, given by the shapes alone, and nothing is added
 * atomically. What differs from step to step is read from device memory (struct step_values), so
 * that a captured graph of the calls can be replayed.
 */
#ifndef PSWEEP_CUDA_KERNELS_H
#define PSWEEP_CUDA_KERNELS_H

#include "nn/kept.h"
#include "nn/net.h"

#include <stdint.h>

#ifndef KERNELS_ON_HOST
#include <cuda_runtime_api.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The upper half of a float, rounded to the nearest, ties to even. */
struct bf16 {
    uint16_t bits;
};
enum storage { STORED_FLOAT, STORED_BF16 };

/* What a step is about; written by the host before it. */
struct step_values {
    float rate, vector_rate, offset_rate; /* of weights; of vectors; of those that are offsets */
    uint32_t live;   /* images of this step; those behind them in the batch count for nothing */
    uint32_t number; /* of this step, for dropout */
    float momentum_correction, second_correction; /* Adam's: 1 / (1 - momentum^t), … of second */
};

/* What every step does to the parameters (engine.h): to those from first on and before end. Those
 * before vectors are weights, those from offsets on are offsets, those before decayed decay. */
struct step_rule {
    int first, vectors, offsets, decayed, end;
    int adam, nesterov, decoupled;
    float momentum, second;         /* what is kept of the moments */
    float new_momentum, new_second; /* 1 - momentum, 1 - second */
    float epsilon, decay;
};

/* Batch normalisation of a channel as the kernels see it, y being what the convolution made:
 *   forward   z = y·gain + shift, activation = max(z, 0)
 *   backward  dy = dz·gain + (y·slope + level), dz being the gradient of z
 * mean and inverse are the batch's: 1 / √(variance + ε). Aligned, to be read 16 bytes at a time. */
struct channel_normal {
    float gain, shift, slope, level, mean, inverse;
} __attribute__((aligned(16)));

/* A convolution's output and what follows it. */
struct shape {
    int images, height, width, channels; /* of y */
    enum pool pool;
    enum storage storage;
};

/* Sums over a batch are taken in so many parts at most, about four blocks for each multiprocessor
 * of a large GPU; in fewer where there is less to sum, as the shape alone decides. And in how many
 * the squares of gradients are summed. */
enum { PARTS = 512, SQUARES = 128 };

/* x[images][height][width][channels] = (pixel - mean) / deviation of views of the images whose
 * bytes lie in pixels and whose places in image; of uint8 pixels
 * [images][height][width][image_channels] as they are, where view is NULL. The division is a table:
 * scaled[image_channels][256]. Channels beyond those of the image are 0. Images that are not live
 * are copies of live ones: they stay as finite as those, however few live ones the batch's
 * statistics come from. */
cudaError_t kernel_gather(const struct step_values *step, const struct kept_view *view,
                          const struct kept_image *image, const uint8_t *pixels,
                          const float *scaled, int image_channels, const struct shape *s, void *x,
                          cudaStream_t stream);

/* parts[…][channels][2] = Σ (y - pivot), Σ (y - pivot)² over parts of the live images; the pivot of
 * a channel is its first value. */
cudaError_t kernel_moments(const struct step_values *step, const void *y, const struct shape *s,
                           float *parts, cudaStream_t stream);
/* From these sums: normal, and the running mean and variance (0.9 of the old, 0.1 of the batch).
 * bias is what the convolution should have added to y and did not: it only shows in the running
 * mean. */
cudaError_t kernel_normalise(const struct step_values *step, const void *y, const float *parts,
                             const float *scale, const float *offset, const float *bias,
                             float *running_mean, float *running_variance, const struct shape *s,
                             struct channel_normal *normal, cudaStream_t stream);
/* For prediction: normal from the running mean and variance. */
cudaError_t kernel_normalise_running(const float *scale, const float *offset, const float *bias,
                                     const float *running_mean, const float *running_variance,
                                     int channels, struct channel_normal *normal,
                                     cudaStream_t stream);

/* to[images][height][width][channels], halved by POOL_MAX; features, floats [images][channels], by
 * POOL_MEAN and POOL_GLOBAL_MAX, which says in chosen[images][channels] which pixel of the image it
 * was. added is NULL or, of y's shape, what is added to all of these behind the ReLU; never with
 * POOL_MAX. */
cudaError_t kernel_activate(const void *y, const struct channel_normal *normal, const void *added,
                            const struct shape *s, void *to, int *chosen, cudaStream_t stream);
static inline int makes_features(enum pool pool)
{
    return pool == POOL_MEAN || pool == POOL_GLOBAL_MAX;
}

/* Which features a step drops: those whose word (engine.h) has its upper 24 bits below this; the
 * others are multiplied by scale. */
struct dropout {
    uint64_t seed;
    uint32_t below; /* 0: none */
    float scale;
};
/* In place, of values[images][channels]: features, or their gradients. */
cudaError_t kernel_drop(const struct step_values *step, const struct dropout *dropout, int images,
                        int channels, float *values, cudaStream_t stream);

/* logits[images][classes] = bias + Σ weights[class][channels]·feature, then, in their place,
 * probabilities; loss[images] (cross entropy, with label smoothing) and correct[images] (1: the
 * first of the most probable classes is the label). features is of so many channels an image.
 *
 * In training, when gradient is not NULL, the probabilities become the gradient of the logits of
 * the mean loss over live images, 0 for the others; and gradient[images][channels] that of the
 * features, divided by the pixels that they are means of; 1 for maxima. */
cudaError_t kernel_classify(const struct step_values *step, const float *features,
                            const float *weights, const float *bias, const uint32_t *label,
                            int images, int channels, int classes, double smoothing,
                            float *probability, float *loss, uint32_t *correct, int pixels,
                            float *gradient, cudaStream_t stream);
/* weights[classes][channels], bias[classes]: gradients of the connected layer. */
cudaError_t kernel_connected_gradient(const float *features, const float *logit_gradient,
                                      int images, int channels, int classes, float *weights,
                                      float *bias, cudaStream_t stream);

/* parts[…][channels][2] = Σ dz, Σ dz·(y - mean), gradient being that of what kernel_activate()
 * made, and stored as that; chosen is what it said. */
cudaError_t kernel_gradient_sums(const void *y, const void *gradient,
                                 const struct channel_normal *normal, const struct shape *s,
                                 const int *chosen, float *parts, cudaStream_t stream);
/* From these: gradients of scale and offset; slope and level. */
cudaError_t kernel_settle(const struct step_values *step, const float *parts, const float *scale,
                          const struct shape *s, float *scale_gradient, float *offset_gradient,
                          struct channel_normal *normal, cudaStream_t stream);
/* dy[images][height][width][channels], 0 for images that are not live. */
cudaError_t kernel_gradient(const struct step_values *step, const void *y, const void *gradient,
                            const struct channel_normal *normal, const struct shape *s,
                            const int *chosen, void *dy, cudaStream_t stream);
/* to += the gradient of what was added; gradient, s and chosen are as above, to of y's shape. */
cudaError_t kernel_add_gradient(const void *gradient, const struct shape *s, const int *chosen,
                                void *to, cudaStream_t stream);

/* The first count parameters as the convolutions have them: their gradients come so, and a copy of
 * the weights goes there. */
struct narrow {
    struct bf16 *g, *w;
    int count; /* 0: there are none */
};

/* What g is multiplied with, that its norm be at most clip_norm: *clip = min(1, clip_norm / ‖g‖),
 * in two calls: parts[SQUARES] = Σ g², of parts of the parameters that move, and then the rest. */
cudaError_t kernel_squares(const struct step_rule *rule, const float *g,
                           const struct narrow *narrow, double *parts, cudaStream_t stream);
cudaError_t kernel_clip(const double *parts, double clip_norm, float *clip, cudaStream_t stream);

/* Moves w, and v, its momentum, and u, its second moments, as the rule says, g being multiplied
 * with *clip. g itself stays as it was; gradients that come narrow are put there before. clip may
 * be NULL, u is with Adam alone. */
cudaError_t kernel_update(const struct step_values *step, const struct step_rule *rule,
                          const float *clip, float *g, float *v, float *u, float *w,
                          const struct narrow *narrow, cudaStream_t stream);
/* The copy of weights that did not come of an update. */
cudaError_t kernel_narrow(const float *w, const struct narrow *narrow, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
