/* The two calls that compute: what is enqueued for them, in order. */
#include "cuda.h"

#include "message.h"

#include <string.h>

/* Runs a CUDA call and leaves the function with -1 when it failed. */
#define TRY(call, what)                                                                            \
    do {                                                                                           \
        cudaError_t error_ = (call);                                                               \
        if (error_ != cudaSuccess)                                                                 \
            return cuda_failed(error_, what);                                                      \
    } while (0)

static int send(const struct cuda *cuda, void *to, const void *from, size_t bytes)
{
    TRY(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, cuda->stream),
        "to send to the device");
    return 0;
}

static int fetch(const struct cuda *cuda, void *to, const void *from, size_t bytes)
{
    TRY(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, cuda->stream),
        "to fetch from the device");
    return 0;
}

/* The batch from host memory to stage 0's input. Always all of it, so that the copies of a captured
 * step fit every step. */
static int load(const struct cuda *cuda)
{
    const struct net_shape *n = &cuda->net.shape;
    size_t batch = cuda->options.batch, bytes = batch * n->height * n->width * n->channels;
    struct shape input = cuda->stage[0].shape;
    input.channels = cuda->stage[0].in_channels;
    if (send(cuda, cuda->step, cuda->host_step, sizeof *cuda->step) < 0 ||
        send(cuda, cuda->pixels, cuda->host_pixels, bytes) < 0 ||
        send(cuda, cuda->label, cuda->host_label, batch * sizeof *cuda->label) < 0)
        return -1;
    TRY(kernel_scale(cuda->step, cuda->pixels, cuda->scaled, (int)n->channels, &input, cuda->x,
                     cuda->stream),
        "to scale images");
    return 0;
}

static int normalise(const struct cuda *cuda, const struct cuda_stage *s, int training)
{
    float *w = cuda->w;
    if (!training) {
        TRY(kernel_normalise_running(w + s->scale, w + s->offset, w + s->bias, w + s->mean,
                                     w + s->variance, s->shape.channels, s->normal, cuda->stream),
            "to normalise");
        return 0;
    }
    TRY(kernel_moments(cuda->step, s->y, &s->shape, cuda->parts, cuda->stream), "to sum a batch");
    TRY(kernel_normalise(cuda->step, s->y, cuda->parts, w + s->scale, w + s->offset, w + s->bias,
                         w + s->mean, w + s->variance, &s->shape, s->normal, cuda->stream),
        "to normalise");
    return 0;
}

static int forward(const struct cuda *cuda, const uint32_t *label, int training)
{
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        if (plan_run(&cuda->planner, &s->forward) < 0 || normalise(cuda, s, training) < 0)
            return -1;
        TRY(kernel_activate(s->y, s->normal, &s->shape, s->activation, cuda->stream),
            "to activate");
    }
    const float *features = cuda->stage[cuda->stages - 1].activation;
    TRY(kernel_classify(features, cuda->w + cuda->connected_weights, cuda->w + cuda->connected_bias,
                        label, (int)cuda->options.batch, cuda->feature_channels, cuda->classes,
                        cuda->probability, cuda->loss, cuda->correct, cuda->stream),
        "to classify");
    return 0;
}

/* From the probabilities to the gradient of the features. */
static int head_backward(const struct cuda *cuda)
{
    const struct cuda_stage *last = &cuda->stage[cuda->stages - 1];
    int batch = (int)cuda->options.batch, features = cuda->feature_channels;
    TRY(kernel_loss_gradient(cuda->step, cuda->label, batch, cuda->classes, cuda->probability,
                             cuda->stream),
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

static int stage_backward(const struct cuda *cuda, int i)
{
    const struct cuda_stage *s = &cuda->stage[i];
    const float *upstream = cuda->upstream[i % 2];
    TRY(kernel_gradient_sums(s->y, upstream, s->normal, &s->shape, cuda->parts, cuda->stream),
        "to sum gradients");
    TRY(kernel_settle(cuda->step, cuda->parts, cuda->w + s->scale, &s->shape, cuda->g + s->scale,
                      cuda->g + s->offset, s->normal, cuda->stream),
        "to settle gradients");
    TRY(kernel_gradient(cuda->step, s->y, upstream, s->normal, &s->shape, cuda->dy, cuda->stream),
        "the gradient of a convolution");
    if (plan_run(&cuda->planner, &s->weight_gradient) < 0)
        return -1;
    return i > 0 ? plan_run(&cuda->planner, &s->data_gradient) : 0;
}

static int enqueue_step(const struct cuda *cuda)
{
    size_t batch = cuda->options.batch;
    if (load(cuda) < 0 || forward(cuda, cuda->label, 1) < 0 || head_backward(cuda) < 0)
        return -1;
    for (int i = cuda->stages - 1; i >= 0; i--)
        if (stage_backward(cuda, i) < 0)
            return -1;
    TRY(kernel_update(cuda->step, (float)cuda->options.momentum, (float)cuda->options.weight_decay,
                      cuda->g, cuda->v, cuda->w, (int)cuda->moved, (int)cuda->decayed,
                      cuda->stream),
        "to update");
    return fetch(cuda, cuda->host_loss, cuda->loss, batch * sizeof *cuda->loss) < 0
               ? -1
               : fetch(cuda, cuda->host_correct, cuda->correct, batch * sizeof *cuda->correct);
}

/* The same calls as a graph, which the device then goes through without us. */
static int capture_step(struct cuda *cuda)
{
    cudaGraph_t graph = NULL;
    TRY(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
        "to capture a step");
    int result = enqueue_step(cuda);
    cudaError_t error = cudaStreamEndCapture(cuda->stream, &graph);
    if (result == 0 && error == cudaSuccess)
        error = cudaGraphInstantiate(&cuda->graph, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    if (result < 0)
        return -1;
    return error == cudaSuccess ? 0 : cuda_failed(error, "to make a graph of a step");
}

/* Puts the call's images where the device gets them. */
static int begin(struct cuda *cuda, const uint8_t *images, const uint32_t *label, uint32_t count)
{
    const struct net_shape *n = &cuda->net.shape;
    if (count < 1 || count > cuda->options.batch)
        return fail("a call with %u images to an engine for 1 … %u", count, cuda->options.batch);
    for (uint32_t i = 0; label && i < count; i++)
        if (label[i] >= n->classes)
            return fail("label %u in a network of %u classes", label[i], n->classes);
    memcpy(cuda->host_pixels, images, (size_t)count * n->height * n->width * n->channels);
    memset(cuda->host_label, 0, cuda->options.batch * sizeof *label);
    if (label)
        memcpy(cuda->host_label, label, count * sizeof *label);
    cuda->host_step->live = count;
    return 0;
}

static void add_up(const struct cuda *cuda, uint32_t count, struct outcome *outcome)
{
    *outcome = (struct outcome){0, 0};
    for (uint32_t i = 0; i < count; i++) {
        outcome->loss += cuda->host_loss[i];
        outcome->correct += cuda->host_correct[i];
    }
}

int cuda_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
              double rate, struct outcome *outcome)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (!cuda->options.train)
        return fail("an engine opened for prediction cannot train");
    if (begin(cuda, images, label, count) < 0)
        return -1;
    cuda->host_step->rate = (float)rate;
    if (cuda->options.direct) {
        if (enqueue_step(cuda) < 0)
            return -1;
    } else {
        if (cuda->graph == NULL && capture_step(cuda) < 0)
            return -1;
        TRY(cudaGraphLaunch(cuda->graph, cuda->stream), "to launch a step");
    }
    TRY(cudaStreamSynchronize(cuda->stream), "a step");
    add_up(cuda, count, outcome);
    return 0;
}

int cuda_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                 uint32_t count, float *probability, struct outcome *outcome)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (begin(cuda, images, label, count) < 0 || load(cuda) < 0 ||
        forward(cuda, label ? cuda->label : NULL, 0) < 0)
        return -1;
    if (probability && fetch(cuda, probability, cuda->probability,
                             (size_t)count * cuda->net.shape.classes * sizeof *probability) < 0)
        return -1;
    if (label &&
        (fetch(cuda, cuda->host_loss, cuda->loss, count * sizeof *cuda->loss) < 0 ||
         fetch(cuda, cuda->host_correct, cuda->correct, count * sizeof *cuda->correct) < 0))
        return -1;
    TRY(cudaStreamSynchronize(cuda->stream), "a prediction");
    if (label)
        add_up(cuda, count, outcome);
    return 0;
}
