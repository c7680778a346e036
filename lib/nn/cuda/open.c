/* Makes and ends a GPU engine: device, plans, memory (layout.c); parameters in and out. */
#include "cuda.h"

#include "message.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The file that a function is from. */
static const char *file_of(void (*function)(void))
{
    Dl_info info;
    return dladdr((void *)(uintptr_t)function, &info) && info.dli_fname ? info.dli_fname : "?";
}
#define FILE_OF(function) file_of((void (*)(void))(function))

static void cuda_libraries(char *text, size_t size)
{
    int runtime = 0;
    size_t cudnn = cudnnGetVersion();
    cudaRuntimeGetVersion(&runtime);
    snprintf(text, size, "CUDA %d.%d is %s, cuDNN %zu.%zu.%zu is %s", runtime / 1000,
             runtime % 1000 / 10, FILE_OF(cudaRuntimeGetVersion), cudnn / 10000, cudnn / 100 % 100,
             cudnn % 100, FILE_OF(cudnnGetVersion));
}

/* Before that one cuDNN describes no device by its handle (plan.h). */
enum { LEAST_CUDNN = 90800 };

/* A stream, and cuDNN on it. */
static int open_stream(cudaStream_t *stream, cudnnHandle_t *handle)
{
    TRY(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "a stream");
    cudnnStatus_t status = cudnnCreate(handle);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnSetStream(*handle, *stream);
    return status == CUDNN_STATUS_SUCCESS
               ? 0
               : fail("cuDNN does not start: %s", cudnnGetErrorString(status));
}

static int open_libraries(struct cuda *cuda)
{
    struct cudaDeviceProp properties;
    int runtime = 0, driver = 0;
    if (choose_device(&cuda->options, &properties, &driver) < 0)
        return -1;
    cudaRuntimeGetVersion(&runtime);
    size_t cudnn = cudnnGetVersion();
    if (cudnn < LEAST_CUDNN)
        return fail("cuDNN %zu.%zu.%zu (%s) is too old: the GPU engine needs %d.%d or a newer 9; "
                    "name its folder in LD_LIBRARY_PATH",
                    cudnn / 10000, cudnn / 100 % 100, cudnn % 100, FILE_OF(cudnnGetVersion),
                    LEAST_CUDNN / 10000, LEAST_CUDNN / 100 % 100);
    snprintf(cuda->name, sizeof cuda->name, "cuda, %s, %s, CUDA %d.%d, cuDNN %zu.%zu.%zu",
             properties.name, precision_names[cuda->precision], runtime / 1000, runtime % 1000 / 10,
             cudnn / 10000, cudnn / 100 % 100, cudnn % 100);
    snprintf(cuda->detail, sizeof cuda->detail, "%s, driver %d.%d", cuda->name, driver / 1000,
             driver % 1000 / 10);
    if (open_stream(&cuda->stream, &cuda->handle) < 0 ||
        (cuda->options.train && open_stream(&cuda->beside, &cuda->beside_handle) < 0))
        return -1;
    cudaEvent_t *event[] = {&cuda->ready, &cuda->weighed[0], &cuda->weighed[1]};
    for (int i = 0; cuda->options.train && i < 3; i++)
        TRY(cudaEventCreateWithFlags(event[i], cudaEventDisableTiming), "an event");
    return planner_open(&cuda->planner, cuda->handle, NULL, cuda->precision);
}

/* Plans all convolutions; the largest workspace of each stream, which the detail tells. */
static int make_plans(struct cuda *cuda, int64_t workspace[2])
{
    workspace[0] = workspace[1] = 0;
    for (int i = 0; i < cuda->stages; i++) {
        struct cuda_stage *s = &cuda->stage[i];
        struct convolution c = {.direction = FORWARD,
                                .images = s->shape.images,
                                .in_channels = s->in_channels,
                                .channels = s->shape.channels,
                                .height = s->shape.height,
                                .width = s->shape.width,
                                .kernel = s->kernel};
        struct plan *plan[] = {&s->forward, &s->data_gradient, &s->weight_gradient};
        for (int d = FORWARD; d <= (cuda->options.train ? WEIGHT_GRADIENT : FORWARD); d++) {
            c.direction = (enum direction)d;
            if ((d == DATA_GRADIENT && i == 0) || (d == WEIGHT_GRADIENT && s->fixed))
                continue;
            if (plan_make(&cuda->planner, &c, plan[d]) < 0)
                return -1;
            int64_t *most = &workspace[d == WEIGHT_GRADIENT];
            *most = plan[d]->workspace > *most ? plan[d]->workspace : *most;
        }
    }
    size_t used = strlen(cuda->detail);
    snprintf(cuda->detail + used, sizeof cuda->detail - used,
             "; convolutions work in %.1f MB, a plan may want %.0f",
             (double)(workspace[0] + workspace[1]) / 1e6, (double)MOST_WORKSPACE / 1e6);
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
        if (!s->fixed &&
            plan_bind(&s->weight_gradient, x, g, cuda->dy[i % 2], cuda->beside_workspace) < 0)
            return -1;
        if (i > 0 &&
            plan_bind(&s->data_gradient, s[-1].upstream, w, cuda->dy[i % 2], cuda->workspace) < 0)
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

static int take_device_memory(struct cuda *cuda, const int64_t workspace[2])
{
    cuda->apart = getenv("PSWEEP_CUDA_APART") != NULL;
    int64_t bytes = cuda_plan_memory(cuda, NULL, workspace);
    if (bytes < 0 || cuda->apart)
        return bytes < 0 ? -1 : 0;
    cudaError_t error = cudaMalloc(&cuda->arena, (size_t)bytes);
    if (error != cudaSuccess) {
        char what[64];
        snprintf(what, sizeof what, "%lld bytes of memory", (long long)bytes);
        return cuda_failed(error, what);
    }
    cuda_plan_memory(cuda, cuda->arena, workspace);
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
    if (cuda->beside)
        cudaStreamSynchronize(cuda->beside);
    if (cuda->stream)
        cudaStreamSynchronize(cuda->stream);
    cuda_close_slots(cuda);
    for (int i = 0; i < cuda->stages; i++) {
        plan_free(&cuda->stage[i].forward);
        plan_free(&cuda->stage[i].data_gradient);
        plan_free(&cuda->stage[i].weight_gradient);
    }
    planner_close(&cuda->planner);
    const cudnnHandle_t handle[] = {cuda->handle, cuda->beside_handle};
    for (int i = 0; i < 2; i++)
        if (handle[i])
            cudnnDestroy(handle[i]);
    const cudaEvent_t event[] = {cuda->ready, cuda->weighed[0], cuda->weighed[1]};
    for (int i = 0; i < 3; i++)
        if (event[i])
            cudaEventDestroy(event[i]);
    for (size_t i = 0; i < cuda->pieces; i++)
        cudaFree(cuda->piece[i]);
    free(cuda->piece);
    free(cuda->where);
    if (cuda->arena)
        cudaFree(cuda->arena);
    if (cuda->beside)
        cudaStreamDestroy(cuda->beside);
    if (cuda->stream)
        cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static int cuda_open(struct engine **engine, const struct net *net,
                     const struct engine_options *options)
{
    enum precision precision;
    int64_t workspace[2];
    if (choose_precision(options, &precision) < 0)
        return -1;
    struct cuda *cuda = ealloc(1, sizeof *cuda);
    cuda->engine.class = &cuda_class;
    cuda->net = *net;
    cuda->options = *options;
    cuda->precision = precision;
    cuda_lay_out(cuda);
    cuda_size_slots(cuda);
    if (check_size(cuda) < 0 || open_libraries(cuda) < 0 || make_plans(cuda, workspace) < 0 ||
        cuda_open_slots(cuda) < 0 || take_device_memory(cuda, workspace) < 0 ||
        bind_plans(cuda) < 0 || fill_memory(cuda) < 0) {
        cuda_close(&cuda->engine);
        return -1;
    }
    cuda_map_parameters(cuda);
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
    if (cuda->options.train && write_array(cuda, learnt->momentum, cuda->v, cuda->moved) < 0)
        return -1;
    return cuda->u ? write_array(cuda, learnt->second, cuda->u, cuda->moved) : 0;
}

static int cuda_read(struct engine *engine, const struct learnt *learnt)
{
    struct cuda *cuda = (struct cuda *)engine;
    if (read_array(cuda, cuda->w, cuda->parameters, learnt->parameters) < 0)
        return -1;
    if (learnt->momentum && read_array(cuda, cuda->v, cuda->moved, learnt->momentum) < 0)
        return -1;
    return learnt->second ? read_array(cuda, cuda->u, cuda->moved, learnt->second) : 0;
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
const struct engine_plugin psweep_engine_plugin = {PSWEEP_VERSION, &cuda_class, cuda_libraries};
