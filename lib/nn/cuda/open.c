/* Makes and ends a GPU engine: device, plans, memory; parameters in and out. */
#include "cuda.h"

#include "message.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int filled(const struct cuda *cuda, uint32_t channels)
{
    int unit = precision_unit(cuda->precision);
    return ((int)channels + unit - 1) / unit * unit;
}

/* Places begin at multiples of 64 floats, which is more than any reader wants. */
static size_t place(size_t *used, size_t floats)
{
    size_t begin = *used;
    *used += (floats + 63) / 64 * 64;
    return begin;
}

static void make_stages(struct cuda *cuda)
{
    const struct net *net = &cuda->net;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->kind != LAYER_CONVOLUTION)
            continue;
        struct cuda_stage *s = &cuda->stage[cuda->stages++];
        *s = (struct cuda_stage){
            .shape = {.images = (int)cuda->options.batch,
                      .height = (int)l->out_height,
                      .width = (int)l->out_width,
                      .channels = filled(cuda, l->out_channels),
                      .pool = l->pool,
                      .storage = cuda->precision == PRECISION_BF16 ? STORED_BF16 : STORED_FLOAT},
            .in_channels = filled(cuda, l->in_channels),
            .real_in = (int)l->in_channels,
            .real_channels = (int)l->out_channels,
            .tensor = l->tensor,
        };
    }
    cuda->feature_channels = cuda->stage[cuda->stages - 1].shape.channels;
    cuda->classes = (int)net->shape.classes;
}

/* Stages, and places in the parameters. */
static void lay_out(struct cuda *cuda)
{
    size_t used = 0, classes = cuda->net.shape.classes;
    make_stages(cuda);
    size_t features = (size_t)cuda->feature_channels;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->weights = place(&used, (size_t)s->shape.channels * 9 * (size_t)s->in_channels);
    }
    cuda->narrow.count = cuda->precision == PRECISION_BF16 ? (int)used : 0;
    cuda->connected_weights = place(&used, classes * features);
    cuda->decayed = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        size_t channels = (size_t)s->shape.channels;
        s->bias = place(&used, channels);
        s->scale = place(&used, channels);
        s->offset = place(&used, channels);
    }
    cuda->connected_bias = place(&used, classes);
    cuda->moved = used;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->mean = place(&used, (size_t)s->shape.channels);
        s->variance = place(&used, (size_t)s->shape.channels);
    }
    cuda->parameters = used;
}

/* Memory in pieces of 256 bytes, one after the other; without a base it only counts. */
struct arena {
    struct cuda *cuda;
    char *base;
    size_t used;
    int failed;
};

static void *take_apart(struct arena *a, size_t bytes)
{
    struct cuda *cuda = a->cuda;
    void *piece = NULL;
    cudaError_t error = a->failed ? cudaSuccess : cudaMalloc(&piece, bytes > 0 ? bytes : 1);
    if (error != cudaSuccess)
        a->failed = cuda_failed(error, "memory");
    cuda->piece = egrow(cuda->piece, cuda->pieces + 1, sizeof *cuda->piece);
    cuda->piece[cuda->pieces++] = piece;
    return piece;
}

static void *take(struct arena *a, size_t count, size_t size)
{
    if (a->cuda->apart)
        return take_apart(a, count * size);
    void *piece = a->base ? a->base + a->used : NULL;
    a->used += (count * size + 255) / 256 * 256;
    return piece;
}

static size_t values(const struct shape *s)
{
    return (size_t)s->images * (size_t)s->height * (size_t)s->width * (size_t)s->channels;
}

static size_t value_size(const struct shape *s)
{
    return s->storage == STORED_BF16 ? sizeof(struct bf16) : sizeof(float);
}

/* Bytes of what kernel_activate() makes; features are floats. */
static size_t pooled_bytes(const struct shape *s)
{
    size_t pixels = (size_t)s->height * (size_t)s->width;
    if (s->pool == POOL_MEAN)
        return values(s) / pixels * sizeof(float);
    return values(s) / (s->pool == POOL_MAX ? 4 : 1) * value_size(s);
}

/* Lays device memory out: the bytes that an arena needs and, with a base, where everything is in
 * it; apart, it takes the pieces by themselves, -1 with a sentence. */
static int64_t plan_memory(struct cuda *cuda, char *base, size_t workspace)
{
    struct arena a = {.cuda = cuda, .base = base};
    const struct net_shape *n = &cuda->net.shape;
    size_t batch = cuda->options.batch, largest = 0, pooled = 0, channels = 0;
    int train = cuda->options.train;
    cuda->w = take(&a, cuda->parameters, sizeof *cuda->w);
    cuda->g = take(&a, train ? cuda->moved : 0, sizeof *cuda->g);
    cuda->v = take(&a, train ? cuda->moved : 0, sizeof *cuda->v);
    cuda->narrow.w = take(&a, (size_t)cuda->narrow.count, sizeof *cuda->narrow.w);
    cuda->narrow.g = take(&a, train ? (size_t)cuda->narrow.count : 0, sizeof *cuda->narrow.g);
    for (int i = 0; i < SLOTS; i++) {
        cuda->slot[i].input = take(&a, cuda->input_bytes, 1);
        cuda->slot[i].result = cuda_result_in(cuda, take(&a, cuda_result_bytes(cuda), 1));
    }
    cuda->scaled = take(&a, (size_t)n->channels * 256, sizeof *cuda->scaled);
    cuda->x = take(&a, batch * n->height * n->width * (size_t)cuda->stage[0].in_channels,
                   value_size(&cuda->stage[0].shape));
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        s->y = take(&a, values(&s->shape), value_size(&s->shape));
        s->activation = take(&a, pooled_bytes(&s->shape), 1);
        s->normal = take(&a, (size_t)s->shape.channels, sizeof *s->normal);
        largest = values(&s->shape) > largest ? values(&s->shape) : largest;
        pooled = pooled_bytes(&s->shape) > pooled ? pooled_bytes(&s->shape) : pooled;
        channels = (size_t)s->shape.channels > channels ? (size_t)s->shape.channels : channels;
    }
    cuda->dy = take(&a, train ? largest : 0, value_size(&cuda->stage[0].shape));
    for (int i = 0; i < 2; i++)
        cuda->upstream[i] = take(&a, train ? pooled : 0, 1);
    cuda->parts = take(&a, 2 * PARTS * channels, sizeof *cuda->parts);
    cuda->probability = take(&a, batch * n->classes, sizeof *cuda->probability);
    cuda->workspace = take(&a, workspace, 1);
    return a.failed ? -1 : (int64_t)a.used;
}

/* Where on the device each parameter of the network is. A stage's weights are [out][in][3][3] of
 * the network and [out][3][3][in] filled up; its vectors follow in the order of the network's
 * tensors. */
static void map_parameters(struct cuda *cuda)
{
    const struct tensor *tensor = cuda->net.tensor;
    cuda->where = ealloc(cuda->net.parameters, sizeof *cuda->where);
    for (int i = 0; i < cuda->stages; i++) {
        const struct cuda_stage *s = &cuda->stage[i];
        size_t *at = cuda->where + tensor[s->tensor].offset;
        for (int out = 0; out < s->real_channels; out++)
            for (int in = 0; in < s->real_in; in++)
                for (int tap = 0; tap < 9; tap++)
                    *at++ = s->weights + ((size_t)out * 9 + (size_t)tap) * (size_t)s->in_channels +
                            (size_t)in;
        const size_t vector[] = {s->bias, s->scale, s->offset, s->mean, s->variance};
        for (uint32_t v = 0; v < sizeof vector / sizeof *vector; v++)
            for (size_t c = 0; c < (size_t)s->real_channels; c++)
                cuda->where[tensor[s->tensor + 1 + v].offset + c] = vector[v] + c;
    }
    const struct layer *last = &cuda->net.layer[cuda->net.layers - 1];
    size_t *at = cuda->where + tensor[last->tensor].offset;
    for (size_t class = 0; class < last->out_channels; class ++) {
        for (size_t c = 0; c < last->in_channels; c++)
            *at++ = cuda->connected_weights + class * (size_t)cuda->feature_channels + c;
        cuda->where[tensor[last->tensor + 1].offset + class] = cuda->connected_bias + class;
    }
}

/* Chooses the device. A driver that is absent answers with version 0 and no error. */
static int choose_device(const struct engine_options *options, struct cudaDeviceProp *properties,
                         int *driver)
{
    int devices = 0;
    cudaError_t error = cudaDriverGetVersion(driver);
    if (error != cudaSuccess || *driver == 0)
        return fail("there is no NVIDIA driver");
    error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess || devices == 0)
        return fail("there is no GPU: %s", error ? cudaGetErrorString(error) : "none answers");
    if (options->gpu >= (uint64_t)devices)
        return fail("there is no GPU %llu: the machine has %d, counted from 0",
                    (unsigned long long)options->gpu, devices);
    if ((error = cudaSetDevice((int)options->gpu)) != cudaSuccess ||
        (error = cudaGetDeviceProperties(properties, (int)options->gpu)) != cudaSuccess)
        return cuda_failed(error, "to be used");
    return 0;
}

static int choose_precision(const struct engine_options *options, enum precision *precision)
{
    const char *name = options->precision ? options->precision : "tf32";
    for (int p = 0; p < PRECISIONS; p++) {
        *precision = (enum precision)p;
        if (strcmp(name, precision_names[p]) == 0)
            return 0;
    }
    return fail("there is no precision '%s': it is tf32, fp32 or bf16", name);
}

static int open_libraries(struct cuda *cuda)
{
    struct cudaDeviceProp properties;
    int runtime = 0, driver = 0;
    if (choose_device(&cuda->options, &properties, &driver) < 0)
        return -1;
    cudaRuntimeGetVersion(&runtime);
    size_t cudnn = cudnnGetVersion();
    snprintf(cuda->name, sizeof cuda->name, "cuda, %s, %s, CUDA %d.%d, cuDNN %zu.%zu.%zu",
             properties.name, precision_names[cuda->precision], runtime / 1000, runtime % 1000 / 10,
             cudnn / 10000, cudnn / 100 % 100, cudnn % 100);
    snprintf(cuda->detail, sizeof cuda->detail, "%s, driver %d.%d", cuda->name, driver / 1000,
             driver % 1000 / 10);
    cudaError_t error = cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking);
    if (error != cudaSuccess)
        return cuda_failed(error, "a stream");
    cudnnStatus_t status = cudnnCreate(&cuda->handle);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnSetStream(cuda->handle, cuda->stream);
    if (status != CUDNN_STATUS_SUCCESS)
        return fail("cuDNN does not start: %s", cudnnGetErrorString(status));
    return planner_open(&cuda->planner, cuda->handle, NULL, cuda->precision);
}

/* Plans all convolutions; the largest workspace. */
static int make_plans(struct cuda *cuda, int64_t *workspace)
{
    *workspace = 0;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        struct convolution c = {FORWARD,           s->shape.images, s->in_channels,
                                s->shape.channels, s->shape.height, s->shape.width};
        struct plan *plan[] = {&s->forward, &s->data_gradient, &s->weight_gradient};
        for (int d = FORWARD; d <= (cuda->options.train ? WEIGHT_GRADIENT : FORWARD); d++) {
            c.direction = (enum direction)d;
            if (d == DATA_GRADIENT && i == 0)
                continue;
            if (plan_make(&cuda->planner, &c, plan[d]) < 0)
                return -1;
            if (plan[d]->workspace > *workspace)
                *workspace = plan[d]->workspace;
        }
    }
    return 0;
}

static int bind_plans(struct cuda *cuda)
{
    int narrow = cuda->narrow.count > 0;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        void *x = i > 0 ? cuda->stage[i - 1].activation : cuda->x;
        void *w = narrow ? (void *)(cuda->narrow.w + s->weights) : cuda->w + s->weights;
        void *g = narrow ? (void *)(cuda->narrow.g + s->weights) : cuda->g + s->weights;
        if (plan_bind(&s->forward, x, w, s->y, cuda->workspace) < 0)
            return -1;
        if (!cuda->options.train)
            continue;
        if (plan_bind(&s->weight_gradient, x, g, cuda->dy, cuda->workspace) < 0)
            return -1;
        if (i > 0 && plan_bind(&s->data_gradient, cuda->upstream[(i - 1) % 2], w, cuda->dy,
                               cuda->workspace) < 0)
            return -1;
    }
    return 0;
}

/* The largest tensor's values are counted in an int by the kernels. */
static int check_size(const struct cuda *cuda)
{
    double classes = cuda->classes, features = cuda->feature_channels;
    if ((double)cuda->moved > INT_MAX - 256 || classes * (features + 1) > INT_MAX - 256 ||
        classes * cuda->options.batch > INT_MAX - 256)
        return fail("a network of %zu parameters is too large for the GPU engine",
                    cuda->net.parameters);
    for (int i = 0; i < cuda->stages; i++) {
        const struct shape *s = &cuda->stage[i].shape;
        int most =
            s->channels > cuda->stage[i].in_channels ? s->channels : cuda->stage[i].in_channels;
        if ((double)s->images * s->height * s->width * most > INT_MAX - 256)
            return fail("a batch of %llu images is too large for the GPU engine",
                        (unsigned long long)cuda->options.batch);
    }
    return 0;
}

static int take_device_memory(struct cuda *cuda, size_t workspace)
{
    cuda->apart = getenv("PSWEEP_CUDA_APART") != NULL;
    int64_t bytes = plan_memory(cuda, NULL, workspace);
    if (bytes < 0 || cuda->apart)
        return bytes < 0 ? -1 : 0;
    cudaError_t error = cudaMalloc(&cuda->arena, (size_t)bytes);
    if (error != cudaSuccess) {
        char what[64];
        snprintf(what, sizeof what, "%lld bytes of memory", (long long)bytes);
        return cuda_failed(error, what);
    }
    plan_memory(cuda, cuda->arena, workspace);
    return 0;
}

/* The values of pixels; everything that is not written before it is read starts as 0. */
static int fill_memory(struct cuda *cuda)
{
    const struct engine_options *o = &cuda->options;
    size_t values = (size_t)cuda->net.shape.channels * 256;
    float *scaled = ealloc(values, sizeof *scaled);
    for (size_t i = 0; i < values; i++)
        scaled[i] = (float)(((double)(i % 256) - o->mean[i / 256]) / o->deviation[i / 256]);
    cudaError_t error = cudaMemcpyAsync(cuda->scaled, scaled, values * sizeof *scaled,
                                        cudaMemcpyHostToDevice, cuda->stream);
    if (error == cudaSuccess && o->train)
        error = cudaMemsetAsync(cuda->g, 0, cuda->moved * sizeof *cuda->g, cuda->stream);
    if (error == cudaSuccess && o->train && cuda->narrow.count > 0)
        error = cudaMemsetAsync(cuda->narrow.g, 0,
                                (size_t)cuda->narrow.count * sizeof *cuda->narrow.g, cuda->stream);
    if (error == cudaSuccess)
        error = cudaStreamSynchronize(cuda->stream);
    free(scaled);
    return error == cudaSuccess ? 0 : cuda_failed(error, "to be prepared");
}

static void cuda_close(struct engine *engine)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (cuda->copies)
        cudaStreamSynchronize(cuda->copies);
    if (cuda->stream)
        cudaStreamSynchronize(cuda->stream);
    cuda_close_slots(cuda);
    for (int i = 0; i < cuda->stages; i++) {
        plan_free(&cuda->stage[i].forward);
        plan_free(&cuda->stage[i].data_gradient);
        plan_free(&cuda->stage[i].weight_gradient);
    }
    planner_close(&cuda->planner);
    if (cuda->handle)
        cudnnDestroy(cuda->handle);
    for (size_t i = 0; i < cuda->pieces; i++)
        cudaFree(cuda->piece[i]);
    free(cuda->piece);
    free(cuda->where);
    if (cuda->arena)
        cudaFree(cuda->arena);
    if (cuda->stream)
        cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static int cuda_open(struct engine **engine, const struct net *net,
                     const struct engine_options *options)
{
    enum precision precision;
    int64_t workspace;
    if (choose_precision(options, &precision) < 0)
        return -1;
    struct cuda *cuda = ealloc(1, sizeof *cuda);
    cuda->engine.class = &cuda_class;
    cuda->net = *net;
    cuda->options = *options;
    cuda->precision = precision;
    lay_out(cuda);
    cuda_size_slots(cuda);
    if (check_size(cuda) < 0 || open_libraries(cuda) < 0 || make_plans(cuda, &workspace) < 0 ||
        cuda_open_slots(cuda) < 0 || take_device_memory(cuda, (size_t)workspace) < 0 ||
        bind_plans(cuda) < 0 || fill_memory(cuda) < 0) {
        cuda_close(&cuda->engine);
        return -1;
    }
    map_parameters(cuda);
    *engine = &cuda->engine;
    return 0;
}

static const char *cuda_name(const struct engine *engine)
{
    return ((const struct cuda *)engine)->name;
}

static const char *cuda_detail(const struct engine *engine)
{
    return ((const struct cuda *)engine)->detail;
}

/* Copies an array of parameters to the device, where it has count floats; values is in the
 * network's layout, NULL for zeros. What the network has not is 0. */
static int write_array(struct cuda *cuda, const float *values, float *to, size_t count)
{
    float *packed = ealloc(count, sizeof *packed); /* zeros */
    for (size_t i = 0; values && i < cuda->net.parameters; i++)
        if (cuda->where[i] < count)
            packed[cuda->where[i]] = values[i];
    cudaError_t error =
        cudaMemcpyAsync(to, packed, count * sizeof *packed, cudaMemcpyHostToDevice, cuda->stream);
    if (error == cudaSuccess)
        error = cudaStreamSynchronize(cuda->stream);
    free(packed);
    return error == cudaSuccess ? 0 : cuda_failed(error, "to take parameters");
}

/* And back; what the array has not is 0. */
static int read_array(struct cuda *cuda, const float *from, size_t count, float *values)
{
    float *packed = ealloc(count, sizeof *packed);
    cudaError_t error =
        cudaMemcpyAsync(packed, from, count * sizeof *packed, cudaMemcpyDeviceToHost, cuda->stream);
    if (error == cudaSuccess)
        error = cudaStreamSynchronize(cuda->stream);
    for (size_t i = 0; error == cudaSuccess && i < cuda->net.parameters; i++)
        values[i] = cuda->where[i] < count ? packed[cuda->where[i]] : 0;
    free(packed);
    return error == cudaSuccess ? 0 : cuda_failed(error, "to give parameters");
}

static int cuda_write(struct engine *engine, const struct learnt *learnt)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (write_array(cuda, learnt->parameters, cuda->w, cuda->parameters) < 0)
        return -1;
    if (cuda->narrow.count > 0)
        TRY(kernel_narrow(cuda->w, &cuda->narrow, cuda->stream), "to narrow weights");
    return cuda->options.train ? write_array(cuda, learnt->momentum, cuda->v, cuda->moved) : 0;
}

static int cuda_read(struct engine *engine, const struct learnt *learnt)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (read_array(cuda, cuda->w, cuda->parameters, learnt->parameters) < 0)
        return -1;
    return learnt->momentum ? read_array(cuda, cuda->v, cuda->moved, learnt->momentum) : 0;
}

static int cuda_gradient(struct engine *engine, float *gradient)
{
    struct cuda *cuda = (struct cuda *)engine;
    return read_array(cuda, cuda->g, cuda->moved, gradient);
}

const struct engine_class cuda_class = {
    .device = "cuda",
    .open = cuda_open,
    .close = cuda_close,
    .name = cuda_name,
    .detail = cuda_detail,
    .write = cuda_write,
    .read = cuda_read,
    .keep = cuda_keep,
    .begin = cuda_begin,
    .outcome = cuda_outcome,
    .predict = cuda_predict,
    .gradient = cuda_gradient,
};

/* What the programs look for (engine.h). */
const struct engine_plugin psweep_engine_plugin = {PSWEEP_VERSION, &cuda_class};
