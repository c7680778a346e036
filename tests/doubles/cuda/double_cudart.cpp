/* A double of libcudart.so.13: what the GPU engine calls of it, on a device that is made of memory.
 *
 *   PSWEEP_DOUBLE_ORDER=reverse   threads and blocks go last to first: kernels that race differ
 *   PSWEEP_DOUBLE_SEED=N          when and in which order streams work (double_tasks.cpp)
 *   PSWEEP_DOUBLE_MEMORY=BYTES    the device's; 8 GB otherwise
 *   PSWEEP_DOUBLE_FAIL=N          the N-th call fails
 *   PSWEEP_DOUBLE_COUNT=FILE      the number of calls is written there at the end
 *   PSWEEP_DOUBLE_LOG=FILE        the name of each call is written there, a line each
 *
 * This file: kernels and the device; double_memory.cpp: memory; double_streams.cpp and
 * double_tasks.cpp: what is done when; double_kernels.cpp: a kernel's blocks and threads.
 */
#include "device.h"
#include "kernels_on_host.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

void device_fault(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("cuda double: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(99);
}

static long calls;
static int last_error; /* of a call that failed, until it is asked for */

int device_error(int error)
{
    return last_error = error;
}

bool device_call_fails(const char *name)
{
    static const char *wanted = getenv("PSWEEP_DOUBLE_FAIL"), *path = getenv("PSWEEP_DOUBLE_LOG");
    static FILE *log = path ? fopen(path, "w") : nullptr; /* flushed and closed at the end */
    calls++;
    if (log)
        fprintf(log, "%s\n", name);
    if (wanted == nullptr || atol(wanted) != calls)
        return false;
    fprintf(stderr, "cuda double: call %ld, %s, fails\n", calls, name);
    return true;
}

bool device_call_failed()
{
    static const char *wanted = getenv("PSWEEP_DOUBLE_FAIL");
    return wanted && calls >= atol(wanted);
}

static std::map<const void *, std::string> kernel_name;
struct configuration {
    coordinates grid, block;
    size_t shared;
    void *stream;
};
static std::vector<configuration> pushed;

extern "C" {

/* What nvcc's own code calls. */
void **__cudaRegisterFatBinary(void *)
{
    static void *handle;
    return &handle;
}
void __cudaRegisterFatBinaryEnd(void **)
{
}
void __cudaUnregisterFatBinary(void **)
{
}
char __cudaInitModule(void **)
{
    return 1;
}
void __cudaRegisterFunction(void **, const char *function, char *, const char *name, int, void *,
                            void *, void *, void *, int *)
{
    kernel_name[function] = name;
}
unsigned __cudaPushCallConfiguration(coordinates grid, coordinates block, size_t shared, void *s)
{
    pushed.push_back({grid, block, shared, s});
    return 0;
}
int __cudaPopCallConfiguration(coordinates *grid, coordinates *block, size_t *shared, void *s)
{
    configuration c = pushed.back();
    pushed.pop_back();
    *grid = c.grid;
    *block = c.block;
    *shared = c.shared;
    *static_cast<void **>(s) = c.stream;
    return 0;
}
int __cudaGetKernel(void **kernel, const void *function)
{
    *kernel = const_cast<void *>(function);
    return 0;
}

int __cudaLaunchKernel(void *function, coordinates grid, coordinates block, void **args,
                       size_t shared, void *s)
{
    FAILS_SOMETIMES(UNKNOWN);
    auto name = kernel_name.find(function);
    const host_kernel *known = name == kernel_name.end() ? nullptr : find_kernel(name->second);
    if (known == nullptr)
        device_fault("a kernel is launched that is not known here");
    const host_kernel &kernel = *known;
    size_t threads = size_t(block.x) * block.y * block.z;
    if (threads == 0 || threads > 1024 || block.z > 64 || grid.x == 0 || grid.y == 0 ||
        grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535 || shared > 48 << 10)
        return device_error(INVALID_CONFIGURATION);
    /* The arguments are copied at the launch. */
    std::vector<std::vector<char>> copy;
    device_uses uses = {kernel.name, {}};
    for (size_t i = 0; i < kernel.count; i++) {
        auto bytes = static_cast<char *>(args[i]);
        copy.emplace_back(bytes, bytes + kernel.size[i]);
        void *pointer = nullptr;
        if (kernel.is_pointer[i])
            memcpy(&pointer, bytes, sizeof pointer);
        if (pointer && !device_holds(pointer, 1))
            device_fault("argument %zu of kernel %s is no memory of the device", i + 1,
                         kernel.name);
        if (pointer)
            uses.all.push_back({static_cast<char *>(pointer), 1, kernel.writes[i]});
    }
    auto run = [copy, &kernel, grid, block]() mutable {
        std::vector<void *> arguments;
        for (auto &bytes : copy)
            arguments.push_back(bytes.data());
        run_grid(kernel, grid, block, arguments.data());
    };
    device_enqueue(s, run, uses);
    return SUCCESS;
}

int cudaGetLastError()
{
    int error = last_error;
    last_error = SUCCESS;
    return error;
}

const char *cudaGetErrorString(int error)
{
    return error == SUCCESS                 ? "no error"
           : error == OUT_OF_MEMORY         ? "out of memory"
           : error == INVALID_CONFIGURATION ? "invalid configuration argument"
           : error == NOT_READY             ? "device not ready"
                                            : "unknown error";
}

int cudaDriverGetVersion(int *version)
{
    FAILS_SOMETIMES(UNKNOWN);
    *version = 13000;
    return SUCCESS;
}

int cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return SUCCESS;
}

int cudaGetDeviceCount(int *count)
{
    FAILS_SOMETIMES(UNKNOWN);
    *count = 1;
    return SUCCESS;
}

int cudaSetDevice(int device)
{
    FAILS_SOMETIMES(UNKNOWN);
    return device == 0 ? SUCCESS : INVALID_VALUE;
}

/* The name stands first in the properties. */
int cudaGetDeviceProperties(void *properties, int)
{
    FAILS_SOMETIMES(UNKNOWN);
    snprintf(static_cast<char *>(properties), 256, "double");
    return SUCCESS;
}

} /* extern "C" */

/* What was not given back. */
__attribute__((destructor)) static void at_end()
{
    if (const char *file = getenv("PSWEEP_DOUBLE_COUNT")) {
        if (FILE *out = fopen(file, "w")) {
            fprintf(out, "%ld\n", calls);
            fclose(out);
        }
    }
    std::string left = memory_left() + streams_left();
    if (!left.empty())
        device_fault("left at the end: %s", left.substr(0, left.size() - 2).c_str());
}
