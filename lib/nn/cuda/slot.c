/* Batches between host and device, and the images that the device keeps. */
#include "cuda.h"

#include "message.h"

#include <string.h>

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
        for (int views = 0; views < 2; views++)
            if (s->graph[views])
                cudaGraphExecDestroy(s->graph[views]);
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

static int check(const struct cuda *cuda, const struct batch *batch)
{
    for (size_t i = 0; batch->pixels == NULL && i < batch->count; i++)
        if (batch->view[i].image >= cuda->kept_count)
            return fail("a view of image %u of the %zu that the GPU keeps", batch->view[i].image,
                        cuda->kept_count);
    if (cuda->begun - cuda->told == SLOTS)
        return fail("a batch begins before the outcome of %d was asked for", SLOTS);
    return 0;
}

struct cuda_slot *cuda_send(struct cuda *cuda, const struct batch *batch, double rate)
{
    if (check(cuda, batch) < 0)
        return NULL;
    /* The batch before in this slot is told, so it is done: nobody reads or writes here. */
    struct cuda_slot *slot = &cuda->slot[cuda->begun % SLOTS];
    size_t bytes = batch->count * (batch->pixels ? cuda->image_bytes : sizeof *batch->view);
    uint32_t *label = slot_labels(slot->sent);
    *slot_values(slot->sent) = (struct step_values){(float)rate, (uint32_t)batch->count};
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

int cuda_fetch_result(const struct cuda *cuda, const struct cuda_slot *slot)
{
    TRY(cudaMemcpyAsync(slot->told.loss, slot->result.loss, cuda_result_bytes(cuda),
                        cudaMemcpyDeviceToHost, cuda->stream),
        "to give a result");
    return 0;
}

int cuda_mark_done(struct cuda *cuda, struct cuda_slot *slot)
{
    TRY(cudaEventRecord(slot->done, cuda->stream), "to mark a step");
    cuda->begun++;
    return 0;
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
