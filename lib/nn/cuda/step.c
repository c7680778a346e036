/* What is enqueued for a step and for a test, in order. */
#include "cuda.h"

#include "message.h"

#include <string.h>

/* The batch, which lies on the device, to stage 0's input. Always all of it: what fills up a small
 * one is made here. */
static int load(const struct cuda *cuda, const struct cuda_slot *slot, int views)
{
    struct shape input = cuda->stage[0].shape;
    input.channels = cuda->stage[0].in_channels;
    const uint8_t *images = slot->input + cuda->images_at;
    TRY(kernel_gather(slot_values(slot->input), views ? (const void *)images : NULL,
                      views ? cuda->kept : NULL, views ? cuda->kept_pixels : images, cuda->scaled,
                      (int)cuda->net.shape.channels, &input, cuda->x, cuda->stream),
        "to gather images");
    return 0;
}

static int normalise(const struct cuda *cuda, const struct step_values *step,
                     const struct cuda_stage *s, int training)
{
    float *w = cuda->w;
    if (!training) {
        TRY(kernel_normalise_running(w + s->scale, w + s->offset, w + s->bias, w + s->mean,
                                     w + s->variance, s->shape.channels, s->normal, cuda->stream),
            "to normalise");
        return 0;
    }
    TRY(kernel_moments(step, s->y, &s->shape, cuda->parts, cuda->stream), "to sum a batch");
    TRY(kernel_normalise(step, s->y, cuda->parts, w + s->scale, w + s->offset, w + s->bias,
                         w + s->mean, w + s->variance, &s->shape, s->normal, cuda->stream),
        "to normalise");
    return 0;
}

static int forward(const struct cuda *cuda, const struct cuda_slot *slot, int training)
{
    const struct step_values *step = slot_values(slot->input);
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        if (plan_run(&cuda->planner, &s->forward) < 0 || normalise(cuda, step, s, training) < 0)
            return -1;
        TRY(kernel_activate(s->y, s->normal, &s->shape, s->activation, cuda->stream),
            "to activate");
    }
    const float *features = cuda->stage[cuda->stages - 1].activation;
    int batch = (int)cuda->options.batch;
    TRY(kernel_classify(features, cuda->w + cuda->connected_weights, cuda->w + cuda->connected_bias,
                        slot_labels(slot->input), batch, cuda->feature_channels, cuda->classes,
                        cuda->probability, slot->result.loss, slot->result.correct, cuda->stream),
        "to classify");
    return 0;
}

/* From the probabilities to the gradient of the features. */
static int head_backward(const struct cuda *cuda, const struct cuda_slot *slot)
{
    const struct step_values *step = slot_values(slot->input);
    const uint32_t *label = slot_labels(slot->input);
    const struct cuda_stage *last = &cuda->stage[cuda->stages - 1];
    int batch = (int)cuda->options.batch, features = cuda->feature_channels;
    TRY(kernel_loss_gradient(step, label, batch, cuda->classes, cuda->probability, cuda->stream),
        "the gradient of the loss");
    TRY(kernel_connected_gradient(last->activation, cuda->probability, batch, features,
                                  cuda->classes, cuda->g + cuda->connected_weights,
                                  cuda->g + cuda->connected_bias, cuda->stream),
        "the gradient of the connected layer");
    TRY(kernel_feature_gradient(cuda->w + cuda->connected_weights, cuda->probability, batch,
                                features, cuda->classes, last->shape.height * last->shape.width,
                                cuda->upstream[(cuda->stages - 1) % 2], cuda->stream),
        "the gradient of the features");
    return 0;
}

static int stage_backward(const struct cuda *cuda, const struct step_values *step, int i)
{
    const struct cuda_stage *s = &cuda->stage[i];
    const void *upstream = cuda->upstream[i % 2];
    TRY(kernel_gradient_sums(s->y, upstream, s->normal, &s->shape, cuda->parts, cuda->stream),
        "to sum gradients");
    TRY(kernel_settle(step, cuda->parts, cuda->w + s->scale, &s->shape, cuda->g + s->scale,
                      cuda->g + s->offset, s->normal, cuda->stream),
        "to settle gradients");
    TRY(kernel_gradient(step, s->y, upstream, s->normal, &s->shape, cuda->dy, cuda->stream),
        "the gradient of a convolution");
    if (plan_run(&cuda->planner, &s->weight_gradient) < 0)
        return -1;
    return i > 0 ? plan_run(&cuda->planner, &s->data_gradient) : 0;
}

static int enqueue_step(const struct cuda *cuda, const struct cuda_slot *slot, int views)
{
    const struct step_values *step = slot_values(slot->input);
    if (load(cuda, slot, views) < 0 || forward(cuda, slot, 1) < 0 || head_backward(cuda, slot) < 0)
        return -1;
    for (int i = cuda->stages - 1; i >= 0; i--)
        if (stage_backward(cuda, step, i) < 0)
            return -1;
    TRY(kernel_update(step, (float)cuda->options.momentum, (float)cuda->options.weight_decay,
                      cuda->g, cuda->v, cuda->w, (int)cuda->moved, (int)cuda->decayed,
                      &cuda->narrow, cuda->stream),
        "to update");
    return cuda_fetch_result(cuda, slot);
}

static int enqueue_test(const struct cuda *cuda, const struct cuda_slot *slot, int views)
{
    if (load(cuda, slot, views) < 0 || forward(cuda, slot, 0) < 0)
        return -1;
    return cuda_fetch_result(cuda, slot);
}

/* The same calls as a graph, which the device then goes through without us. */
static int capture_step(const struct cuda *cuda, const struct cuda_slot *slot, int views,
                        cudaGraphExec_t *made)
{
    cudaGraph_t graph = NULL;
    TRY(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
        "to capture a step");
    int result = enqueue_step(cuda, slot, views);
    cudaError_t error = cudaStreamEndCapture(cuda->stream, &graph);
    if (result == 0 && error == cudaSuccess)
        error = cudaGraphInstantiate(made, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    if (result < 0)
        return -1;
    return error == cudaSuccess ? 0 : cuda_failed(error, "to make a graph of a step");
}

static int run_step(const struct cuda *cuda, struct cuda_slot *slot, int views)
{
    if (cuda->options.direct || !cuda->stepped)
        return enqueue_step(cuda, slot, views);
    cudaGraphExec_t *graph = &slot->graph[views];
    if (*graph == NULL && capture_step(cuda, slot, views, graph) < 0)
        return -1;
    TRY(cudaGraphLaunch(*graph, cuda->stream), "to launch a step");
    return 0;
}

int cuda_begin(struct engine *engine, const struct batch *batch, int training, double rate)
{
    struct cuda *cuda = (struct cuda *)engine;
    int views = batch->pixels == NULL;
    struct cuda_slot *slot = cuda_send(cuda, batch, rate);
    if (slot == NULL ||
        (training ? run_step(cuda, slot, views) : enqueue_test(cuda, slot, views)) < 0)
        return -1;
    cuda->stepped |= training;
    return cuda_mark_done(cuda, slot);
}

int cuda_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                 uint32_t count, float *probability, struct outcome *outcome)
{
    struct cuda *cuda = (struct cuda *)engine;
    struct batch batch = {.pixels = images, .label = label, .count = count};
    struct outcome ignored;
    if (cuda->told != cuda->begun)
        return fail("a prediction begins before all outcomes were asked for");
    if (cuda_begin(engine, &batch, 0, 0) < 0 ||
        cuda_outcome(engine, 1, label ? outcome : &ignored) < 0)
        return -1;
    if (probability == NULL)
        return 0;
    TRY(cudaMemcpyAsync(probability, cuda->probability,
                        (size_t)count * cuda->net.shape.classes * sizeof *probability,
                        cudaMemcpyDeviceToHost, cuda->stream),
        "to give probabilities");
    TRY(cudaStreamSynchronize(cuda->stream), "a prediction");
    return 0;
}
