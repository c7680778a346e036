/* Kernels on the host: blocks one after the other, the threads of a block one after the other, or
 * by turns where they wait for each other. */
#include "device.h"
#include "kernels_on_host.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <ucontext.h>

coordinates threadIdx, blockIdx, blockDim, gridDim;

/* Registered before main(), in no order. */
static std::map<std::string, host_kernel> &kernels()
{
    static std::map<std::string, host_kernel> all;
    return all;
}
void register_kernel(const host_kernel &kernel)
{
    kernels()[kernel.name] = kernel;
}
const host_kernel *find_kernel(const std::string &name)
{
    auto found = kernels().find(name);
    return found == kernels().end() ? nullptr : &found->second;
}

/* A thread of a block that waits for the others runs on a stack of its own. Contexts only make
 * these stacks; from then on jumps change between them, which ask the system for nothing, and of
 * which AddressSanitizer knows nothing. */
typedef void *jump[5];
struct fibre {
    jump place;
    enum { NEW, READY, WAITS, DONE } state;
    std::vector<char> stack;
};
static std::vector<fibre *> fibres;
static size_t running;
static jump scheduler;
static const host_kernel *present;
static void **present_arguments;

static __attribute__((noinline)) void leave(int state)
{
    fibre *f = fibres[running];
    f->state = decltype(f->state)(state);
    if (__builtin_setjmp(f->place) == 0)
        __builtin_longjmp(scheduler, 1);
}

void __syncthreads()
{
    if (!present->waits)
        device_fault("kernel %s waits for its block, but is not registered so", present->name);
    leave(fibre::WAITS);
}

/* One thread of a block after the other, for ever. */
static void fibre_main()
{
    for (;;) {
        present->call(present_arguments);
        leave(fibre::DONE);
    }
}

/* Runs a fibre until it waits or is done. */
static __attribute__((noinline)) void resume(fibre *f)
{
    if (__builtin_setjmp(scheduler) != 0)
        return;
    if (f->state != fibre::NEW)
        __builtin_longjmp(f->place, 1);
    /* Of a size that is no power of two, or all stacks would share the same few lines of the cache.
     */
    f->stack.resize((64 << 10) + 11 * 64);
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = f->stack.data();
    context.uc_stack.ss_size = f->stack.size();
    context.uc_link = nullptr;
    makecontext(&context, fibre_main, 0);
    setcontext(&context);
}

static bool reversed()
{
    static const char *order = getenv("PSWEEP_DOUBLE_ORDER");
    return order && strcmp(order, "reverse") == 0;
}

/* The threads of a block, or the blocks of a grid, in the order in which they run. */
static void list_places(std::vector<coordinates> &places, coordinates size)
{
    places.clear();
    for (unsigned z = 0; z < size.z; z++)
        for (unsigned y = 0; y < size.y; y++)
            for (unsigned x = 0; x < size.x; x++)
                places.push_back({x, y, z});
    if (reversed())
        std::reverse(places.begin(), places.end());
}
static std::vector<coordinates> threads, blocks;

static void run_waiting_block()
{
    const size_t count = threads.size();
    while (fibres.size() < count)
        fibres.push_back(new fibre{{}, fibre::NEW, {}});
    for (size_t t = 0; t < count; t++)
        if (fibres[t]->state != fibre::NEW)
            fibres[t]->state = fibre::READY;
    for (size_t done = 0; done < count;) {
        size_t waiting = 0;
        for (running = 0; running < count; running++) {
            fibre *f = fibres[running];
            if (f->state == fibre::DONE)
                continue;
            threadIdx = threads[running];
            resume(f);
            done += f->state == fibre::DONE;
            waiting += f->state == fibre::WAITS;
        }
        if (waiting > 0 && waiting != count)
            device_fault("kernel %s: only %zu of %zu threads wait for their block", present->name,
                         waiting, count);
    }
}

/* The __shared__ variables of all kernels. */
extern "C" __attribute__((weak)) char __start_block_shared[], __stop_block_shared[];

/* A block finds no value there: floats are NaN. By a loop, for AddressSanitizer lets no memset() go
 * over what it has put between them. */
static void spoil_shared()
{
    for (char *p = __start_block_shared; p + 4 <= __stop_block_shared; p += 4)
        *reinterpret_cast<uint32_t *>(p) = ~uint32_t(0);
}

static void run_block()
{
    spoil_shared();
    if (present->waits) {
        run_waiting_block();
        return;
    }
    for (auto &place : threads) {
        threadIdx = place;
        present->call(present_arguments);
    }
}

void run_grid(const host_kernel &kernel, coordinates grid, coordinates block, void **args)
{
    present = &kernel;
    present_arguments = args;
    gridDim = grid;
    blockDim = block;
    list_places(threads, block);
    list_places(blocks, grid);
    for (auto &place : blocks) {
        blockIdx = place;
        run_block();
    }
}
