/* Kernels on the host: blocks one after the other, the threads of a block one after the other, or
 * by turns where they wait for each other. */
#include "device.h"
#include "kernels_on_host.h"

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
    ucontext_t context;
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
    f->stack.resize(64 << 10);
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack.data();
    f->context.uc_stack.ss_size = f->stack.size();
    f->context.uc_link = nullptr;
    makecontext(&f->context, fibre_main, 0);
    setcontext(&f->context);
}

static bool reversed()
{
    static const char *order = getenv("PSWEEP_DOUBLE_ORDER");
    return order && strcmp(order, "reverse") == 0;
}

static void place_thread(size_t number)
{
    threadIdx = {unsigned(number % blockDim.x), unsigned(number / blockDim.x % blockDim.y),
                 unsigned(number / blockDim.x / blockDim.y)};
}

static void run_waiting_block(size_t threads)
{
    while (fibres.size() < threads)
        fibres.push_back(new fibre{{}, {}, fibre::NEW, {}});
    for (size_t t = 0; t < threads; t++)
        if (fibres[t]->state != fibre::NEW)
            fibres[t]->state = fibre::READY;
    for (size_t done = 0; done < threads;) {
        size_t waiting = 0;
        for (size_t i = 0; i < threads; i++) {
            running = reversed() ? threads - 1 - i : i;
            if (fibres[running]->state == fibre::DONE)
                continue;
            place_thread(running);
            resume(fibres[running]);
            done += fibres[running]->state == fibre::DONE;
            waiting += fibres[running]->state == fibre::WAITS;
        }
        if (waiting > 0 && waiting != threads)
            device_fault("kernel %s: only %zu of %zu threads wait for their block", present->name,
                         waiting, threads);
    }
}

/* The __shared__ variables of all kernels. */
extern "C" __attribute__((weak)) char __start_block_shared[], __stop_block_shared[];

/* A block finds no value there: floats are NaN. */
static void spoil_shared()
{
    for (char *p = __start_block_shared; p < __stop_block_shared; p++)
        *p = char(0xff);
}

static void run_block(size_t threads)
{
    spoil_shared();
    if (present->waits) {
        run_waiting_block(threads);
        return;
    }
    for (size_t i = 0; i < threads; i++) {
        place_thread(reversed() ? threads - 1 - i : i);
        present->call(present_arguments);
    }
}

void run_grid(const host_kernel &kernel, coordinates grid, coordinates block, void **args)
{
    present = &kernel;
    present_arguments = args;
    gridDim = grid;
    blockDim = block;
    size_t blocks = size_t(grid.x) * grid.y * grid.z;
    for (size_t i = 0; i < blocks; i++) {
        size_t number = reversed() ? blocks - 1 - i : i;
        blockIdx = {unsigned(number % grid.x), unsigned(number / grid.x % grid.y),
                    unsigned(number / grid.x / grid.y)};
        run_block(size_t(block.x) * block.y * block.z);
    }
}
