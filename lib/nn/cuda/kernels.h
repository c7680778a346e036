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
    float rate;
    uint32_t live; /* images of this step; those behind them in the batch count for nothing */
};

/* Batch normalisation of a channel as the kernels see it, y being what the convolution made:
 *   forward   z = y·gain + shift, activation = max(z, 0)
 *   backward  dy = dz·gain + (y·slope + level), dz being the gradient of z
 * mean and inverse are the batch's: 1 / √(variance + ε). */
struct channel_normal {
    float gain, shift, slope, level, mean, inverse;
};

/* A convolution's output and what follows it. */
struct shape {
    int images, height, width, channels; /* of y */
    enum pool pool;
    enum storage storage;
};

/* Sums over a batch are taken in so many parts. */
enum { PARTS = 128 };

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

/* parts[PARTS][channels][2] = Σ (y - pivot), Σ (y - pivot)² over parts of the live images; the
 * pivot of a channel is its first value. */
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

/* to[images][height][width][channels], halved by POOL_MAX; POOL_MEAN: features, floats
 * [images][channels]. */
cudaError_t kernel_activate(const void *y, const struct channel_normal *normal,
                            const struct shape *s, void *to, cudaStream_t stream);

/* logits[images][classes] = bias + Σ weights[class][channels]·feature, then, in their place,
 * probabilities; with label, loss[images] (cross entropy) and correct[images] (1: the first of the
 * most probable classes is the label). features is of feature_channels floats an image. */
cudaError_t kernel_classify(const float *features, const float *weights, const float *bias,
                            const uint32_t *label, int images, int feature_channels, int classes,
                            float *probability, float *loss, uint32_t *correct,
                            cudaStream_t stream);
/* In place: the gradient of the logits of the mean loss over live images, 0 for the others. */
cudaError_t kernel_loss_gradient(const struct step_values *step, const uint32_t *label, int images,
                                 int classes, float *probability, cudaStream_t stream);
/* weights[classes][feature_channels], bias[classes]: gradients of the connected layer. */
cudaError_t kernel_connected_gradient(const float *features, const float *logit_gradient,
                                      int images, int feature_channels, int classes, float *weights,
                                      float *bias, cudaStream_t stream);
/* gradient[images][feature_channels] of the features, divided by the pixels that they are means of.
 */
cudaError_t kernel_feature_gradient(const float *weights, const float *logit_gradient, int images,
                                    int feature_channels, int classes, int pixels, float *gradient,
                                    cudaStream_t stream);

/* parts[PARTS][channels][2] = Σ dz, Σ dz·(y - mean), gradient being that of what kernel_activate()
 * made, and stored as that.
 */
cudaError_t kernel_gradient_sums(const void *y, const void *gradient,
                                 const struct channel_normal *normal, const struct shape *s,
                                 float *parts, cudaStream_t stream);
/* From these: gradients of scale and offset; slope and level. */
cudaError_t kernel_settle(const struct step_values *step, const float *parts, const float *scale,
                          const struct shape *s, float *scale_gradient, float *offset_gradient,
                          struct channel_normal *normal, cudaStream_t stream);
/* dy[images][height][width][channels], 0 for images that are not live. */
cudaError_t kernel_gradient(const struct step_values *step, const void *y, const void *gradient,
                            const struct channel_normal *normal, const struct shape *s, void *dy,
                            cudaStream_t stream);

/* The first count parameters as the convolutions have them: their gradients come so, and a copy of
 * the weights goes there. */
struct narrow {
    struct bf16 *g, *w;
    int count; /* 0: there are none */
};

/* v ← momentum·v + g, w ← w - rate·v for count parameters; the first decayed of them have decay·w
 * added to g. Gradients that come narrow are put into g before. */
cudaError_t kernel_update(const struct step_values *step, float momentum, float decay, float *g,
                          float *v, float *w, int count, int decayed, const struct narrow *narrow,
                          cudaStream_t stream);
/* The copy of weights that did not come of an update. */
cudaError_t kernel_narrow(const float *w, const struct narrow *narrow, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
