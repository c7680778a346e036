/* The GPU engine: cuDNN for the convolutions (plan.h), own kernels for the rest (kernels.h), one
 * piece of device memory, and a training step as one CUDA graph.
 *
 * A stage is a convolution with what follows it: normalisation, ReLU, pool. Its input x is the
 * stage before's activation. Channels are filled up to a multiple of precision_unit(); weights,
 * scale and offset of those that were added are 0, so they are 0 wherever they appear, gradients
 * included.
 *
 * Everything is planned for a full batch. A smaller one is filled up with copies of its images, and
 * the kernels are told how many are live: the copies are in no sum, and their gradients are 0.
 *
 * The parameters on the device are one array of floats: first all weights, those that are fixed
 * before the others, then biases and scales, then offsets, then running means and variances (which
 * no step moves); gradients, momentum and second moments are arrays of the same layout without the
 * last part. Weights of a convolution are [out][kernel][kernel][in].
 *
 * What is added at the end of a stage is the activation of the stage `back` before it; the gradient
 * of the sum is that of both, and is added to the other's when that is there.
 *
 * With PRECISION_BF16 what the convolutions read and write is of bf16: x, y, activations, their
 * gradients, and beside the floats of the parameters a copy of the convolutions' weights and their
 * gradients as they come (struct narrow). All else, and everything that is kept, stays float.
 */
#ifndef PSWEEP_CUDA_H
#define PSWEEP_CUDA_H

#include "kernels.h"
#include "nn/engine.h"
#include "plan.h"

struct cuda_stage {
    struct shape shape;         /* of y, channels filled up */
    int in_channels;            /* of x, filled up */
    int real_in, real_channels; /* as the network has them */
    uint32_t tensor;            /* number of the weights in the network's table */
    size_t weights;             /* places in the parameters */
    size_t bias, scale, offset;
    size_t mean, variance;
    int kernel, back, fixed; /* as in the network */
    int sum;                 /* the stage at whose end its activation is added; 0: none */

    void *y, *activation; /* activation: [images][height][width][channels], pooled */
    void *upstream;       /* the gradient of that, in one of two pieces of memory */
    int *chosen;          /* [images][channels], of POOL_GLOBAL_MAX */
    struct channel_normal *normal;
    /* No data gradient of stage 0, no weight gradient where weights are fixed. */
    struct plan forward, data_gradient, weight_gradient;
};

/* What a batch gave, of each image; one block of memory, losses first. */
struct cuda_result {
    float *loss;       /* [batch] */
    uint32_t *correct; /* [batch] 0 or 1 */
};

/* A batch on its way. Its input is one block, on the host and on the device alike: the step's
 * values, at LABELS_AT the labels, at cuda->images_at pixels or views.
 *
 * Law: sent is written only after `done` of the batch before in this slot was seen, and before its
 * copy begins; input is read only behind `arrived`; told is read only after `done`. */
enum { SLOTS = 4, LABELS_AT = 256 };
struct cuda_slot {
    uint8_t *sent, *input;           /* pinned memory of the host; of the device */
    struct cuda_result result, told; /* of the device; pinned memory of the host */
    cudaEvent_t arrived, done;
    uint32_t count; /* images of the batch */
    /* Of a test and of a training step, on pixels and on views; NULL before the second. */
    cudaGraphExec_t graph[2][2];
};

struct cuda {
    struct engine engine; /* first: engine.c sees only this */
    struct net net;
    struct engine_options options;
    char name[400], detail[520];
    /* That computes; that computes gradients of weights beside it; that brings batches. */
    cudaStream_t stream, beside, copies;
    cudnnHandle_t handle, beside_handle;
    /* What the weights of a stage wait for; of every second stage, that they have their gradient.
     */
    cudaEvent_t ready, weighed[2];
    enum precision precision;
    struct planner planner;
    int loaded[2]; /* the first test, the first step is begun; much is loaded by these, so they are
                      not captured */

    int stages, feature_channels, classes;
    struct cuda_stage stage[NET_MAX_STAGES];
    size_t connected_weights, connected_bias; /* places in the parameters */
    /* floats: fixed weights; with them all weights; all before the offsets; all that has a
     * gradient; all */
    size_t fixed, weights, offsets, moved, parameters;
    size_t *where; /* [net.parameters] of each among them */
    struct step_rule rule;
    struct dropout dropout;

    /* Device memory: one arena; or, to let tools see who writes behind his own, its pieces apart.
     */
    int apart;
    void *arena, **piece;
    size_t pieces;
    float *w, *g, *v, *u; /* u: second moments, of Adam */
    double *squares; /* [SQUARES] of gradients, and what comes of them; where they are clipped */
    float *clip;
    struct narrow narrow; /* its places are those of w and g */
    struct cuda_slot slot[SLOTS];
    uint64_t begun, told; /* batches; those from told on are in the slots of their numbers */
    size_t images_at, input_bytes, image_bytes; /* in a slot's input; of all of it; of an image */
    float *scaled;                              /* [image channels][256] */
    void *x;                                    /* [batch][height][width][channels] */
    void *dy[2];                                /* of a stage, and of the one before it */
    float *parts;
    float *probability; /* [batch][classes] */
    void *workspace, *beside_workspace;

    /* Images that are kept, in memory of their own: where each lies, and behind that all pixels. */
    void *kept;
    const uint8_t *kept_pixels;
    size_t kept_count;
};

extern const struct engine_class cuda_class;

/* layout.c: the stages of cuda->net, the places of their parameters, and the rule of a step. */
void cuda_lay_out(struct cuda *cuda);
/* Fills cuda->where, which is large; when that is known to be in bounds. */
void cuda_map_parameters(struct cuda *cuda);
/* Lays device memory out, with the workspaces of both streams: the bytes that an arena needs and,
 * with a base, where everything is in it; apart, it takes the pieces by themselves, -1 with a
 * sentence. */
int64_t cuda_plan_memory(struct cuda *cuda, char *base, const int64_t workspace[2]);

/* step.c: -1 with a sentence, for a CUDA call that failed. */
int cuda_failed(cudaError_t error, const char *what);
/* Batches between host and device: streams, events and memory of the host are taken and given back;
 * cuda_size_slots() comes before all else. */
void cuda_size_slots(struct cuda *cuda);
size_t cuda_result_bytes(const struct cuda *cuda);
struct cuda_result cuda_result_in(const struct cuda *cuda, void *memory);
int cuda_open_slots(struct cuda *cuda);
void cuda_close_slots(struct cuda *cuda);
/* The calls of engine.h that compute, and keep. */
int cuda_keep(struct engine *engine, const struct kept_images *images);
int cuda_begin(struct engine *engine, const struct batch *batch, const struct step *step);
int cuda_outcome(struct engine *engine, int wait, struct outcome *outcome);
int cuda_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                 uint32_t count, float *probability, struct outcome *outcome);

/* Parts of a slot's input, on either side. */
static inline struct step_values *slot_values(uint8_t *input)
{
    return (struct step_values *)input;
}
static inline uint32_t *slot_labels(uint8_t *input)
{
    return (uint32_t *)(input + LABELS_AT);
}

/* Runs a CUDA call and leaves the function with -1 when it failed. */
#define TRY(call, what)                                                                            \
    do {                                                                                           \
        cudaError_t error_ = (call);                                                               \
        if (error_ != cudaSuccess)                                                                 \
            return cuda_failed(error_, what);                                                      \
    } while (0)

#endif
