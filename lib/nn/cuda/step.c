/* Batches between host and device, what is enqueued for each, and the images that the device keeps.
 */
#include "cuda.h"

#include "message.h"
#include "nn/maths.h"

#include <string.h>

int cuda_failed(cudaError_t error, const char *what)
{
    (void)cudaGetLastError(); /* or a later launch would be told of this failure */
    return fail("the GPU refuses %s: %s", what, cudaGetErrorString(error));
}

static size_t padded(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

void cuda_size_slots(struct cuda *cuda)
{
    const struct net_shape *n = &cuda->net.shape;
    size_t batch = cuda->options.batch;
    cuda->image_bytes = (size_t)n->height * n->width * n->channels;
    size_t each =
        cuda->image_bytes > sizeof(struct kept_view) ? cuda->image_bytes : sizeof(struct kept_view);
    cuda->images_at = LABELS_AT + padded(batch * sizeof(uint32_t));
    cuda->input_bytes = cuda->images_at + batch * each;
}

size_t cuda_result_bytes(const struct cuda *cuda)
{
    return cuda->options.batch * (sizeof(float) + sizeof(uint32_t));
}

struct cuda_result cuda_result_in(const struct cuda *cuda, void *memory)
{
    float *loss = memory;
    void *behind = loss ? loss + cuda->options.batch : NULL;
    return (struct cuda_result){loss, behind};
}

int cuda_open_slots(struct cuda *cuda)
{
    TRY(cudaStreamCreateWithFlags(&cuda->copies, cudaStreamNonBlocking), "a stream");
    for (int i = 0; i < SLOTS; i++) {
        struct cuda_slot *s = &cuda->slot[i];
        TRY(cudaHostAlloc((void **)&s->sent, cuda->input_bytes, cudaHostAllocDefault),
            "memory of the host");
        void *told;
        TRY(cudaHostAlloc(&told, cuda_result_bytes(cuda), cudaHostAllocDefault),
            "memory of the host");
        s->told = cuda_result_in(cuda, told);
        TRY(cudaEventCreateWithFlags(&s->arrived, cudaEventDisableTiming), "an event");
        TRY(cudaEventCreateWithFlags(&s->done, cudaEventDisableTiming), "an event");
    }
    return 0;
}

void cuda_close_slots(struct cuda *cuda)
{
    for (int i = 0; i < SLOTS; i++) {
        struct cuda_slot *s = &cuda->slot[i];
        for (int g = 0; g < 4; g++)
            if (s->graph[g / 2][g % 2])
                cudaGraphExecDestroy(s->graph[g / 2][g % 2]);
        if (s->arrived)
            cudaEventDestroy(s->arrived);
        if (s->done)
            cudaEventDestroy(s->done);
        if (s->sent)
            cudaFreeHost(s->sent);
        if (s->told.loss)
            cudaFreeHost(s->told.loss);
    }
    if (cuda->copies)
        cudaStreamDestroy(cuda->copies);
    if (cuda->kept)
        cudaFree(cuda->kept);
}

/* step: NULL for a test. */
static struct step_values values_of(const struct cuda *cuda, const struct step *step, size_t count)
{
    const struct engine_options *o = &cuda->options;
    struct step_values values = {.live = (uint32_t)count};
    if (step == NULL)
        return values;
    values.rate = (float)step->rate;
    double vectors = o->vector_rate != 0 ? o->vector_rate : 1;
    values.vector_rate = (float)(step->rate * vectors);
    values.offset_rate = (float)(step->rate * (o->offset_rate != 0 ? o->offset_rate : vectors));
    values.number = (uint32_t)step->number;
    if (o->optimizer == OPTIMIZER_ADAM) {
        values.momentum_correction = (float)(1 / (1 - maths_power(o->momentum, step->number)));
        values.second_correction = (float)(1 / (1 - maths_power(o->second, step->number)));
    }
    return values;
}

/* The slot for the next batch, filled and on its way to the device; cuda->stream waits for it. NULL
 * with a sentence. */
static struct cuda_slot *send(struct cuda *cuda, const struct batch *batch, const struct step *step)
{
    for (size_t i = 0; batch->pixels == NULL && i < batch->count; i++)
        if (batch->view[i].image >= cuda->kept_count) {
            fail("a view of image %u of the %zu that the GPU keeps", batch->view[i].image,
                 cuda->kept_count);
            return NULL;
        }
    if (cuda->begun - cuda->told == SLOTS) {
        fail("a batch begins before the outcome of %d was asked for", SLOTS);
        return NULL;
    }
    /* The batch before in this slot is told, so it is done: nobody reads or writes here. */
    struct cuda_slot *slot = &cuda->slot[cuda->begun % SLOTS];
    size_t bytes = batch->count * (batch->pixels ? cuda->image_bytes : sizeof *batch->view);
    uint32_t *label = slot_labels(slot->sent);
    *slot_values(slot->sent) = values_of(cuda, step, batch->count);
    memset(label, 0, cuda->options.batch * sizeof *label);
    if (batch->label)
        memcpy(label, batch->label, batch->count * sizeof *label);
    memcpy(slot->sent + cuda->images_at, batch->pixels ? (const void *)batch->pixels : batch->view,
           bytes);
    slot->count = (uint32_t)batch->count;
    cudaError_t error = cudaMemcpyAsync(slot->input, slot->sent, cuda->images_at + bytes,
                                        cudaMemcpyHostToDevice, cuda->copies);
    if (error == cudaSuccess)
        error = cudaEventRecord(slot->arrived, cuda->copies);
    if (error == cudaSuccess)
        error = cudaStreamWaitEvent(cuda->stream, slot->arrived, 0);
    if (error != cudaSuccess) {
        cuda_failed(error, "to take a batch");
        return NULL;
    }
    return slot;
}

/* In the order of the images. */
static void add_up(const struct cuda_slot *slot, struct outcome *outcome)
{
    *outcome = (struct outcome){.count = slot->count};
    for (uint32_t i = 0; i < slot->count; i++) {
        outcome->loss += slot->told.loss[i];
        outcome->correct += slot->told.correct[i];
    }
}

int cuda_outcome(struct engine *engine, int wait, struct outcome *outcome)
{
    struct cuda *cuda = (struct cuda *)engine;
    struct cuda_slot *slot = &cuda->slot[cuda->told % SLOTS];
    if (cuda->told == cuda->begun)
        return 0;
    int full = cuda->begun - cuda->told == SLOTS;
    cudaError_t error =
        wait || full ? cudaEventSynchronize(slot->done) : cudaEventQuery(slot->done);
    if (error == cudaErrorNotReady) {
        (void)cudaGetLastError(); /* no failure, but a later launch would be told of it */
        return 0;
    }
    if (error != cudaSuccess)
        return cuda_failed(error, "a step");
    add_up(slot, outcome);
    cuda->told++;
    return 1;
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
        if (plan_run(cuda->handle, &s->forward) < 0 || normalise(cuda, step, s, training) < 0)
            return -1;
        const void *added = s->back > 0 ? s[-s->back].activation : NULL;
        TRY(kernel_activate(s->y, s->normal, added, &s->shape, s->activation, s->chosen,
                            cuda->stream),
            "to activate");
    }
    int batch = (int)cuda->options.batch;
    const struct cuda_stage *last = &cuda->stage[cuda->stages - 1];
    float *features = last->activation;
    if (training && cuda->dropout.below > 0)
        TRY(kernel_drop(step, &cuda->dropout, batch, cuda->feature_channels, features,
                        cuda->stream),
            "to drop features");
    TRY(kernel_classify(step, features, cuda->w + cuda->connected_weights,
                        cuda->w + cuda->connected_bias, slot_labels(slot->input), batch,
                        cuda->feature_channels, cuda->classes,
                        training ? cuda->options.label_smoothing : 0, cuda->probability,
                        slot->result.loss, slot->result.correct,
                        last->shape.pool == POOL_MEAN ? last->shape.height * last->shape.width : 1,
                        training ? last->upstream : NULL, cuda->stream),
        "to classify");
    return 0;
}

/* Gradients of weights are computed beside the rest of the way back, which does not need them:
 * begin_beside() has them wait for what was enqueued so far, and end_beside() has what comes wait
 * for them. */
static int begin_beside(const struct cuda *cuda)
{
    TRY(cudaEventRecord(cuda->ready, cuda->stream), "to mark a gradient");
    TRY(cudaStreamWaitEvent(cuda->beside, cuda->ready, 0), "to wait for a gradient");
    return 0;
}
static int end_beside(const struct cuda *cuda)
{
    TRY(cudaEventRecord(cuda->weighed[0], cuda->beside), "to mark gradients of weights");
    TRY(cudaStreamWaitEvent(cuda->stream, cuda->weighed[0], 0), "to wait for gradients of weights");
    return 0;
}

/* What is left of the connected layer: the gradient of the features is there. */
static int head_backward(const struct cuda *cuda, const struct step_values *step)
{
    const struct cuda_stage *last = &cuda->stage[cuda->stages - 1];
    int batch = (int)cuda->options.batch, features = cuda->feature_channels;
    if (begin_beside(cuda) < 0)
        return -1;
    TRY(kernel_connected_gradient(last->activation, cuda->probability, batch, features,
                                  cuda->classes, cuda->g + cuda->connected_weights,
                                  cuda->g + cuda->connected_bias, cuda->beside),
        "the gradient of the connected layer");
    if (cuda->dropout.below > 0)
        TRY(kernel_drop(step, &cuda->dropout, batch, features, last->upstream, cuda->stream),
            "to drop gradients of features");
    return 0;
}

/* To the gradient of the activation that its convolution made, that of the sum it went into. */
static int add_sum(const struct cuda *cuda, const struct cuda_stage *s)
{
    const struct cuda_stage *sum = &cuda->stage[s->sum];
    if (s->sum > 0)
        TRY(kernel_add_gradient(sum->upstream, &sum->shape, sum->chosen, s->upstream, cuda->stream),
            "to add gradients");
    return 0;
}

static int stage_backward(const struct cuda *cuda, const struct step_values *step, int i)
{
    const struct cuda_stage *s = &cuda->stage[i];
    TRY(kernel_gradient_sums(s->y, s->upstream, s->normal, &s->shape, s->chosen, cuda->parts,
                             cuda->stream),
        "to sum gradients");
    TRY(kernel_settle(step, cuda->parts, cuda->w + s->scale, &s->shape, cuda->g + s->scale,
                      cuda->g + s->offset, s->normal, cuda->stream),
        "to settle gradients");
    if (s->fixed) /* and the first, so nobody asks for the gradient of what its convolution made */
        return 0;
    if (i + 2 < cuda->stages) /* whose weights have their gradient from the same dy */
        TRY(cudaStreamWaitEvent(cuda->stream, cuda->weighed[i % 2], 0), "to wait for a gradient");
    TRY(kernel_gradient(step, s->y, s->upstream, s->normal, &s->shape, s->chosen, cuda->dy[i % 2],
                        cuda->stream),
        "the gradient of a convolution");
    if (begin_beside(cuda) < 0 || plan_run(cuda->beside_handle, &s->weight_gradient) < 0)
        return -1;
    TRY(cudaEventRecord(cuda->weighed[i % 2], cuda->beside), "to mark a gradient of weights");
    if (i == 0)
        return 0;
    return plan_run(cuda->handle, &s->data_gradient) < 0 ? -1 : add_sum(cuda, s - 1);
}

static int update(const struct cuda *cuda, const struct step_values *step)
{
    const struct step_rule *rule = &cuda->rule;
    if (cuda->clip) {
        TRY(kernel_squares(rule, cuda->g, &cuda->narrow, cuda->squares, cuda->stream),
            "to square gradients");
        TRY(kernel_clip(cuda->squares, cuda->options.clip_norm, cuda->clip, cuda->stream),
            "to clip gradients");
    }
    TRY(kernel_update(step, rule, cuda->clip, cuda->g, cuda->v, cuda->u, cuda->w, &cuda->narrow,
                      cuda->stream),
        "to update");
    return 0;
}

/* The batch, which lies on the device, through the network; in training, with the step. */
static int enqueue(const struct cuda *cuda, const struct cuda_slot *slot, int views, int training)
{
    const struct step_values *step = slot_values(slot->input);
    struct shape input = cuda->stage[0].shape;
    input.channels = cuda->stage[0].in_channels;
    const uint8_t *images = slot->input + cuda->images_at;
    /* Always all of stage 0's input: what fills up a small batch is made here. */
    TRY(kernel_gather(step, views ? (const void *)images : NULL, views ? cuda->kept : NULL,
                      views ? cuda->kept_pixels : images, cuda->scaled,
                      (int)cuda->net.shape.channels, &input, cuda->x, cuda->stream),
        "to gather images");
    if (forward(cuda, slot, training) < 0 || (training && head_backward(cuda, step) < 0))
        return -1;
    for (int i = cuda->stages - 1; training && i >= 0; i--)
        if (stage_backward(cuda, step, i) < 0)
            return -1;
    if (training && (end_beside(cuda) < 0 || update(cuda, step) < 0))
        return -1;
    TRY(cudaMemcpyAsync(slot->told.loss, slot->result.loss, cuda_result_bytes(cuda),
                        cudaMemcpyDeviceToHost, cuda->stream),
        "to give a result");
    return 0;
}

/* The same calls as a graph, which the device then goes through without us. */
static int capture(const struct cuda *cuda, const struct cuda_slot *slot, int views, int training,
                   cudaGraphExec_t *made)
{
    cudaGraph_t graph = NULL;
    TRY(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
        "to capture a step");
    int result = enqueue(cuda, slot, views, training);
    cudaError_t error = cudaStreamEndCapture(cuda->stream, &graph);
    if (result == 0 && error == cudaSuccess)
        error = cudaGraphInstantiate(made, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    if (result < 0)
        return -1;
    return error == cudaSuccess ? 0 : cuda_failed(error, "to make a graph of a step");
}

/* How many images are live lies in the slot's input, so a graph is of a smaller batch, too. */
static int run(struct cuda *cuda, struct cuda_slot *slot, int views, int training)
{
    cudaGraphExec_t *graph = &slot->graph[training][views];
    if (cuda->options.direct || !cuda->loaded[training]) {
        cuda->loaded[training] = 1;
        return enqueue(cuda, slot, views, training);
    }
    if (*graph == NULL && capture(cuda, slot, views, training, graph) < 0)
        return -1;
    TRY(cudaGraphLaunch(*graph, cuda->stream), "to launch a step");
    return 0;
}

int cuda_begin(struct engine *engine, const struct batch *batch, const struct step *step)
{
    struct cuda *cuda = (struct cuda *)engine;
    int views = batch->pixels == NULL, training = step != NULL;
    struct cuda_slot *slot = send(cuda, batch, step);
    if (slot == NULL || run(cuda, slot, views, training) < 0)
        return -1;
    TRY(cudaEventRecord(slot->done, cuda->stream), "to mark a step");
    cuda->begun++;
    return 0;
}

int cuda_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                 uint32_t count, float *probability, struct outcome *outcome)
{
    struct cuda *cuda = (struct cuda *)engine;
    struct batch batch = {.pixels = images, .label = label, .count = count};
    struct outcome ignored;
    if (cuda->told != cuda->begun)
        return fail("a prediction begins before all outcomes were asked for");
    if (cuda_begin(engine, &batch, NULL) < 0 ||
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

/* Whether so many bytes leave the first steps what they take yet: kernels are loaded and graphs
 * made only then, and a run would end there for want of memory that pixels do not need. */
static int has_room(size_t bytes)
{
    enum { FIRST_STEPS = 256 << 20 };
    size_t rest, all;
    TRY(cudaMemGetInfo(&rest, &all), "to tell its memory");
    if (bytes <= rest && rest - bytes >= FIRST_STEPS)
        return 1;
    fail("all images take %zu bytes, the GPU has %zu left and needs some for itself", bytes, rest);
    return 0;
}

int cuda_keep(struct engine *engine, const struct kept_images *images)
{
    struct cuda *cuda = (struct cuda *)engine;
    size_t table = padded(images->count * sizeof *images->image);
    if (cuda->kept || images->count == 0 || images->count > UINT32_MAX)
        return fail("an engine keeps images once, 1 … %u of them", UINT32_MAX);
    int room = has_room(table + images->bytes);
    if (room <= 0)
        return room;
    cudaError_t error = cudaMalloc(&cuda->kept, table + images->bytes);
    if (error == cudaErrorMemoryAllocation) {
        cuda->kept = NULL;
        cuda_failed(error, "memory for all images");
        return 0;
    }
    if (error == cudaSuccess)
        error = cudaMemcpyAsync(cuda->kept, images->image, images->count * sizeof *images->image,
                                cudaMemcpyHostToDevice, cuda->stream);
    if (error == cudaSuccess)
        error = cudaMemcpyAsync((uint8_t *)cuda->kept + table, images->pixels, images->bytes,
                                cudaMemcpyHostToDevice, cuda->stream);
    if (error == cudaSuccess)
        error = cudaStreamSynchronize(cuda->stream);
    if (error != cudaSuccess)
        return cuda_failed(error, "to keep images");
    cuda->kept_count = images->count;
    cuda->kept_pixels = (uint8_t *)cuda->kept + table;
    return 1;
}
