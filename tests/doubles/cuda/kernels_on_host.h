/* Enough of the CUDA language to compile the .cu files for the host, where double_kernels.cpp runs
 * it one thread after the other. Forced in front of them. */
#ifndef PSWEEP_KERNELS_ON_HOST_H
#define PSWEEP_KERNELS_ON_HOST_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include <dlfcn.h>

#define KERNELS_ON_HOST 1
#define __global__
#define __device__
/* In a section of their own, where run_grid() finds them. */
#define __shared__ static __attribute__((section("block_shared")))

typedef int cudaError_t;
typedef void *cudaStream_t;

struct coordinates {
    unsigned x, y, z;
};
typedef coordinates dim3;
extern coordinates threadIdx, blockIdx, blockDim, gridDim;

/* Waits until all threads of the block are here. */
void __syncthreads();

/* A kernel as the double calls it: args are pointers to the arguments. */
struct host_kernel {
    const char *name;
    void (*call)(void **args);
    size_t count;
    const size_t *size;              /* of each argument */
    const bool *is_pointer, *writes; /* … of each; to what it points */
    bool waits;                      /* it calls __syncthreads() */
};
void register_kernel(const host_kernel &kernel);
/* The kernel of that name, or nullptr; and a launch of it. */
const host_kernel *find_kernel(const std::string &name);
void run_grid(const host_kernel &kernel, coordinates grid, coordinates block, void **args);

template <auto kernel, class... A>
struct registered_kernel;
template <class... A, void (*kernel)(A...)>
struct registered_kernel<kernel, A...> {
    template <size_t... I>
    static void apply(void **args, std::index_sequence<I...>)
    {
        kernel(*static_cast<typename std::remove_cv<A>::type *>(args[I])...);
    }
    static void call(void **args)
    {
        apply(args, std::index_sequence_for<A...>());
    }
};
/* Under the name that the linker knows it by, for nvcc's code tells that of its own. */
template <auto kernel, class... A>
bool register_as(void (*function)(A...), bool waits)
{
    static const size_t size[] = {sizeof(A)...};
    static const bool is_pointer[] = {std::is_pointer<A>::value...};
    static const bool writes[] = {!std::is_const<typename std::remove_pointer<A>::type>::value...};
    Dl_info info = {};
    if (dladdr(reinterpret_cast<void *>(function), &info) == 0 || info.dli_sname == nullptr)
        abort();
    register_kernel({info.dli_sname, registered_kernel<kernel, A...>::call, sizeof...(A), size,
                     is_pointer, writes, waits});
    return true;
}
#define JOINED(a, b)   a##b
#define UNIQUE(number) JOINED(registered_, number)
/* ...: a kernel, which may have a comma among its types. */
#define HOST_KERNEL(...)                                                                           \
    static bool UNIQUE(__COUNTER__) = register_as<__VA_ARGS__>(__VA_ARGS__, false);
#define HOST_KERNEL_WAITS(...)                                                                     \
    static bool UNIQUE(__COUNTER__) = register_as<__VA_ARGS__>(__VA_ARGS__, true);

#endif
