/* A double of libcudnn.so.9 over the real one: cuDNN itself checks, ranks and plans, for the device
 * that is described in the file PSWEEP_DOUBLE_DEVICE; only what needs a device is replaced: the
 * handle, the description of the device, and the execution of a convolution (convolve.h). */
#include "convolve.h"
#include "device.h"

#include <cudnn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <dlfcn.h>

typedef cudnnBackendDescriptor_t descriptor;

/* What was set of each live descriptor. */
struct known {
    cudnnBackendDescriptorType_t type;
    std::map<int, std::vector<char>> attribute;
    bool finalised;
};
static std::map<descriptor, known> &all()
{
    static auto &map = *new std::map<descriptor, known>;
    return map;
}
static std::map<descriptor, descriptor> graph_of_config;
static auto &stream_of = *new std::map<cudnnHandle_t, cudaStream_t>; /* of each live handle */

static void *real(const char *name)
{
    static void *library = dlopen(REAL_CUDNN, RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, name) : nullptr;
    if (function == nullptr)
        device_fault("the real cuDNN has no %s: %s", name, dlerror());
    return function;
}
#define REAL(name) reinterpret_cast<decltype(&name)>(real(#name))

static known &find(descriptor d)
{
    auto found = all().find(d);
    if (found == all().end())
        device_fault("a cuDNN descriptor is used that is none");
    return found->second;
}

template <class T>
static T value_of(descriptor d, int name)
{
    auto &attribute = find(d).attribute;
    if (attribute.count(name) == 0 || attribute[name].size() < sizeof(T))
        device_fault("attribute %d of a cuDNN descriptor is not set", name);
    T value;
    memcpy(&value, attribute[name].data(), sizeof value);
    return value;
}

static size_t size_of(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
        return 1;
    default:
        return 4;
    }
}

static const std::string &device_description()
{
    static std::string text;
    const char *path = getenv("PSWEEP_DOUBLE_DEVICE");
    if (!text.empty())
        return text;
    FILE *file = path ? fopen(path, "r") : nullptr;
    if (file == nullptr)
        device_fault("PSWEEP_DOUBLE_DEVICE names no file that describes a device");
    char buffer[8192];
    text.assign(buffer, fread(buffer, 1, sizeof buffer, file));
    fclose(file);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

/* The tensor of an operation, with the pointer that the pack has for it, looked at. */
static tensor load(descriptor operation, int attribute, descriptor pack, const char *name)
{
    auto d = value_of<descriptor>(operation, attribute);
    auto &extents = find(d).attribute[CUDNN_ATTR_TENSOR_DIMENSIONS];
    auto &strides = find(d).attribute[CUDNN_ATTR_TENSOR_STRIDES];
    auto &ids = find(pack).attribute[CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS];
    auto &pointers = find(pack).attribute[CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS];
    tensor t = {};
    memcpy(t.extent, extents.data(), sizeof t.extent);
    memcpy(t.stride, strides.data(), sizeof t.stride);
    int64_t id = value_of<int64_t>(d, CUDNN_ATTR_TENSOR_UNIQUE_ID);
    auto type = value_of<cudnnDataType_t>(d, CUDNN_ATTR_TENSOR_DATA_TYPE);
    t.narrow = type == CUDNN_DATA_BFLOAT16;
    if (!t.narrow && type != CUDNN_DATA_FLOAT)
        device_fault("%s of a convolution is of a type that the double does not know", name);
    for (size_t i = 0; i < ids.size() / 8; i++)
        if (memcmp(ids.data() + 8 * i, &id, 8) == 0)
            memcpy(&t.at, pointers.data() + 8 * i, 8);
    if (t.stride[1] != 1 || size_t(t.stride[0] * t.extent[0]) != values_of(t))
        device_fault("%s of a convolution is not packed with its channels innermost", name);
    if (reinterpret_cast<uintptr_t>(t.at) %
        size_t(value_of<int64_t>(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)))
        device_fault("%s of a convolution is not aligned as was said", name);
    if (!device_holds(t.at, bytes_of(t)))
        device_fault("%s of a convolution does not fit the device's memory", name);
    return t;
}

static bool overlap(const tensor &a, const tensor &b)
{
    return a.at < b.at + bytes_of(b) && b.at < a.at + bytes_of(a);
}

static void check_handle(cudnnHandle_t given)
{
    if (stream_of.count(given) == 0)
        device_fault("a cuDNN handle is used that is none");
}

extern "C" {

/* PSWEEP_DOUBLE_CUDNN: a version that it says it is. */
size_t cudnnGetVersion(void)
{
    const char *version = getenv("PSWEEP_DOUBLE_CUDNN");
    return version ? strtoull(version, nullptr, 10) : REAL(cudnnGetVersion)();
}
const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return REAL(cudnnGetErrorString)(status);
}
void cudnnGetLastErrorString(char *message, size_t size)
{
    REAL(cudnnGetLastErrorString)(message, size);
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *made)
{
    if (device_call_fails(__func__))
        return CUDNN_STATUS_NOT_INITIALIZED;
    *made = reinterpret_cast<cudnnHandle_t>(malloc(1));
    stream_of[*made] = nullptr;
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t given)
{
    check_handle(given);
    stream_of.erase(given);
    free(given);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t given, cudaStream_t to)
{
    check_handle(given);
    stream_of[given] = to;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, descriptor *made)
{
    if (device_call_fails(__func__))
        return CUDNN_STATUS_ALLOC_FAILED;
    cudnnStatus_t status = REAL(cudnnBackendCreateDescriptor)(type, made);
    if (status == CUDNN_STATUS_SUCCESS)
        all()[*made] = {type, {}, false};
    return status;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(descriptor d)
{
    find(d);
    all().erase(d);
    return REAL(cudnnBackendDestroyDescriptor)(d);
}
cudnnStatus_t cudnnBackendFinalize(descriptor d)
{
    find(d).finalised = true;
    return REAL(cudnnBackendFinalize)(d);
}
cudnnStatus_t cudnnBackendSetAttribute(descriptor d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *value)
{
    auto bytes = static_cast<const char *>(value);
    known &k = find(d);
    if (k.finalised)
        device_fault("an attribute of a cuDNN descriptor is set after it was finalised");
    k.attribute[name].assign(bytes, bytes + size_t(count) * size_of(type));
    if (name != CUDNN_ATTR_DEVICEPROP_HANDLE)
        return REAL(cudnnBackendSetAttribute)(d, name, type, count, value);
    const std::string &text = device_description();
    return REAL(cudnnBackendSetAttribute)(d, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                          CUDNN_TYPE_CHAR, int64_t(text.size()), text.data());
}
cudnnStatus_t cudnnBackendGetAttribute(descriptor d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room,
                                       int64_t *count, void *value)
{
    find(d);
    cudnnStatus_t status = REAL(cudnnBackendGetAttribute)(d, name, type, room, count, value);
    if (status == CUDNN_STATUS_SUCCESS && name == CUDNN_ATTR_ENGINEHEUR_RESULTS && value)
        for (int64_t i = 0; i < *count && i < room; i++)
            graph_of_config[static_cast<descriptor *>(value)[i]] =
                value_of<descriptor>(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    return status;
}

} /* extern "C" */

/* Whether the engine of a configuration computes on tensor cores, as cuDNN says. */
static bool on_tensor_cores(descriptor config)
{
    descriptor engine;
    cudnnBackendNumericalNote_t note[32];
    int64_t count = 0;
    if (REAL(cudnnBackendCreateDescriptor)(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) !=
            CUDNN_STATUS_SUCCESS ||
        REAL(cudnnBackendGetAttribute)(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                       &engine) != CUDNN_STATUS_SUCCESS ||
        REAL(cudnnBackendGetAttribute)(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                       CUDNN_TYPE_NUMERICAL_NOTE, 32, &count,
                                       note) != CUDNN_STATUS_SUCCESS)
        device_fault("the real cuDNN does not tell how an engine computes");
    REAL(cudnnBackendDestroyDescriptor)(engine);
    return std::find(note, note + count, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) != note + count;
}

static const struct {
    cudnnBackendDescriptorType_t type;
    int x, w, y;
} operations[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
};

/* Looks at everything now; the loops run when the stream comes to them. */
extern "C" cudnnStatus_t cudnnBackendExecute(cudnnHandle_t given, descriptor plan, descriptor pack)
{
    if (device_call_fails(__func__))
        return CUDNN_STATUS_EXECUTION_FAILED;
    check_handle(given);
    auto config = value_of<descriptor>(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    auto operation = value_of<descriptor>(graph_of_config[config], CUDNN_ATTR_OPERATIONGRAPH_OPS);
    job j = {};
    j.tensor_cores = on_tensor_cores(config);
    j.direction = -1;
    for (int i = 0; i < 3; i++)
        if (find(operation).type == operations[i].type)
            j.direction = i;
    if (j.direction < 0)
        device_fault("an operation is executed that the double does not know");
    j.x = load(operation, operations[j.direction].x, pack, "x");
    j.w = load(operation, operations[j.direction].w, pack, "w");
    j.y = load(operation, operations[j.direction].y, pack, "y");
    if (j.x.extent[1] != j.w.extent[1])
        device_fault("%lld channels of x meet %lld of w: a grouped convolution by accident",
                     (long long)j.x.extent[1], (long long)j.w.extent[1]);
    if (overlap(j.x, j.y) || overlap(j.x, j.w) || overlap(j.w, j.y))
        device_fault("the tensors of a convolution overlap");
    int64_t count;
    REAL(cudnnBackendGetAttribute)
    (plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
     &j.workspace_bytes);
    j.workspace = static_cast<char *>(value_of<void *>(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE));
    if (j.workspace_bytes > 0 && !device_holds(j.workspace, size_t(j.workspace_bytes)))
        device_fault("a workspace of %lld bytes does not fit the device's memory",
                     (long long)j.workspace_bytes);
    if (j.x.narrow != j.w.narrow || j.x.narrow != j.y.narrow)
        device_fault("the tensors of a convolution are of several types");
    device_uses uses = {"a convolution", {}};
    const tensor *tensors[] = {&j.y, &j.x, &j.w}; /* in the order of what is made */
    for (int i = 0; i < 3; i++)
        uses.all.push_back({tensors[i]->at, bytes_of(*tensors[i]), i == j.direction});
    uses.all.push_back({j.workspace, size_t(j.workspace_bytes), true});
    device_enqueue(
        stream_of[given], [j] { convolve(j); }, uses);
    return CUDNN_STATUS_SUCCESS;
}

/* What was not given back. */
__attribute__((destructor)) static void at_end()
{
    if (all().size() + stream_of.size() > 0)
        device_fault("left at the end: %zu cuDNN descriptors, %zu handles", all().size(),
                     stream_of.size());
}
