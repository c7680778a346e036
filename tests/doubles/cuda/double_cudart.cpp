/* A double of libcudart.so.13: what the GPU engine calls of it, on a device that is made of memory.
 *
 *   PSWEEP_DOUBLE_ORDER=reverse   threads and blocks go last to first: kernels that race differ
 *   PSWEEP_DOUBLE_FAIL=N          the N-th call fails
 *   PSWEEP_DOUBLE_COUNT=FILE      the number of calls is written there at the end
 *   PSWEEP_DOUBLE_LOG=FILE        the name of each call is written there, a line each
 */
#include "device.h"
#include "kernels_on_host.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sys/mman.h>

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

/* ---- calls that fail on purpose ---- */

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_CONFIGURATION = 9,
    NOT_READY = 600,
    UNKNOWN = 999
};

static long calls;
static int last_error; /* of a call that failed, until it is asked for */

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
#define FAILS_SOMETIMES(error)                                                                     \
    if (device_call_fails(__func__))                                                               \
    return last_error = error

/* ---- memory ---- */

enum { PAGE = 4096 };
static char *const HEAP = reinterpret_cast<char *>(0x600000000000);
static const size_t HEAP_BYTES = size_t(8) << 30;
static size_t heap_used;
static std::map<const char *, size_t> allocation;
static std::map<const char *, size_t> pinned;

static bool in_heap(const void *pointer)
{
    auto p = static_cast<const char *>(pointer);
    return p >= HEAP && p < HEAP + HEAP_BYTES;
}

static bool holds(const std::map<const char *, size_t> &all, const void *pointer, size_t bytes)
{
    auto p = static_cast<const char *>(pointer);
    auto after = all.upper_bound(p);
    if (after == all.begin())
        return false;
    --after;
    return p + bytes <= after->first + after->second;
}

bool device_holds(const void *pointer, size_t bytes)
{
    return holds(allocation, pointer, bytes);
}

/* The host may touch the heap only through the device. */
static void open_heap(bool open)
{
    for (auto &piece : allocation) {
        auto begin = reinterpret_cast<size_t>(piece.first) / PAGE * PAGE;
        auto end = (reinterpret_cast<size_t>(piece.first) + piece.second + PAGE - 1) / PAGE * PAGE;
        mprotect(reinterpret_cast<void *>(begin), end - begin,
                 open ? PROT_READ | PROT_WRITE : PROT_NONE);
    }
}

/* ---- streams and graphs ---- */

typedef std::function<void()> work;

struct graph {
    std::vector<work> nodes;
};
struct stream {
    std::deque<work> queue;
    std::shared_ptr<graph> captured; /* while it is captured */
};
static std::set<stream *> streams;
static std::map<void *, std::shared_ptr<graph>> graphs, executables;

static stream *check_stream(void *pointer)
{
    auto s = static_cast<stream *>(pointer);
    if (streams.count(s) == 0)
        device_fault("a stream that is none, or the default stream, is used");
    return s;
}

void device_enqueue(void *pointer, work item)
{
    stream *s = check_stream(pointer);
    if (s->captured)
        s->captured->nodes.push_back(item);
    else
        s->queue.push_back(item);
}

static bool capturing()
{
    for (stream *s : streams)
        if (s->captured)
            return true;
    return false;
}

static void run_one(stream *s)
{
    work item = s->queue.front();
    s->queue.pop_front();
    item();
}

static void run_queue(stream *s)
{
    open_heap(true);
    while (!s->queue.empty())
        run_one(s);
    open_heap(false);
}

/* A mark in a stream: how often it was put there, and how far the device has come. */
struct event {
    stream *in;
    long recorded, reached;
};
static std::set<event *> events;

static event *check_event(void *pointer)
{
    auto e = static_cast<event *>(pointer);
    if (events.count(e) == 0)
        device_fault("an event that is none is used");
    return e;
}

static void run_to(event *e, long number)
{
    while (e->reached < number)
        run_one(e->in);
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
        return last_error = INVALID_CONFIGURATION;
    /* The arguments are copied at the launch. */
    std::vector<std::vector<char>> copy;
    for (size_t i = 0; i < kernel.count; i++) {
        auto bytes = static_cast<char *>(args[i]);
        copy.emplace_back(bytes, bytes + kernel.size[i]);
        void *pointer = nullptr;
        if (kernel.is_pointer[i])
            memcpy(&pointer, bytes, sizeof pointer);
        if (pointer && !device_holds(pointer, 1))
            device_fault("argument %zu of kernel %s is no memory of the device", i + 1,
                         kernel.name);
    }
    device_enqueue(s, [copy, &kernel, grid, block]() mutable {
        std::vector<void *> arguments;
        for (auto &bytes : copy)
            arguments.push_back(bytes.data());
        run_grid(kernel, grid, block, arguments.data());
    });
    return SUCCESS;
}

int cudaMalloc(void **pointer, size_t bytes)
{
    FAILS_SOMETIMES(OUT_OF_MEMORY);
    if (capturing())
        device_fault("memory is taken while a stream is captured");
    if (heap_used == 0 &&
        mmap(HEAP, HEAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        device_fault("there is no room for a device");
    /* A page that nothing may touch lies behind each piece, as near as an alignment of 16 allows,
     * which is less than a device gives and all that is relied on. */
    size_t room = (bytes + 15) / 16 * 16, pages = (room + PAGE - 1) / PAGE * PAGE;
    if (heap_used + pages + PAGE > HEAP_BYTES)
        return OUT_OF_MEMORY;
    char *begin = HEAP + heap_used + pages - room;
    heap_used += pages + PAGE;
    allocation[begin] = bytes;
    open_heap(true);
    memset(begin, 0xff, room);
    open_heap(false);
    *pointer = begin;
    return SUCCESS;
}

int cudaFree(void *pointer)
{
    for (stream *s : streams)
        run_queue(s);
    if (pointer && allocation.erase(static_cast<char *>(pointer)) == 0)
        device_fault("memory is freed that is not taken");
    return SUCCESS;
}

int cudaHostAlloc(void **pointer, size_t bytes, unsigned)
{
    FAILS_SOMETIMES(OUT_OF_MEMORY);
    *pointer = malloc(bytes);
    pinned[static_cast<char *>(*pointer)] = bytes;
    return SUCCESS;
}

int cudaFreeHost(void *pointer)
{
    if (pinned.erase(static_cast<char *>(pointer)) == 0)
        device_fault("memory of the host is freed that is not taken");
    free(pointer);
    return SUCCESS;
}

/* Memory of the host that is not pinned is read when the copy is asked for; pinned memory when the
 * device comes to it. */
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *s)
{
    FAILS_SOMETIMES(UNKNOWN);
    bool up = kind == 1, down = kind == 2;
    if (!up && !down)
        device_fault("a copy of kind %d", kind);
    if (!device_holds(up ? to : from, bytes) || in_heap(up ? from : to))
        device_fault("a copy %s the device of %zu bytes does not fit its memory",
                     up ? "to" : "from", bytes);
    if (up && !holds(pinned, from, bytes)) {
        if (check_stream(s)->captured)
            device_fault("a copy from memory that is not pinned is captured");
        auto begin = static_cast<const char *>(from);
        std::vector<char> copy(begin, begin + bytes);
        device_enqueue(s, [=] { memcpy(to, copy.data(), bytes); });
    } else {
        device_enqueue(s, [=] { memcpy(to, from, bytes); });
    }
    return SUCCESS;
}

int cudaMemsetAsync(void *to, int value, size_t bytes, void *s)
{
    FAILS_SOMETIMES(UNKNOWN);
    if (!device_holds(to, bytes))
        device_fault("memory to be set does not fit the device's");
    device_enqueue(s, [=] { memset(to, value, bytes); });
    return SUCCESS;
}

int cudaStreamCreateWithFlags(void **s, unsigned)
{
    FAILS_SOMETIMES(UNKNOWN);
    auto made = new stream;
    streams.insert(made);
    *s = made;
    return SUCCESS;
}

int cudaStreamDestroy(void *s)
{
    run_queue(check_stream(s));
    streams.erase(static_cast<stream *>(s));
    delete static_cast<stream *>(s);
    return SUCCESS;
}

int cudaStreamSynchronize(void *s)
{
    FAILS_SOMETIMES(UNKNOWN);
    if (check_stream(s)->captured)
        device_fault("a stream is waited for while it is captured");
    run_queue(check_stream(s));
    return SUCCESS;
}

int cudaEventCreateWithFlags(void **made, unsigned)
{
    FAILS_SOMETIMES(UNKNOWN);
    auto e = new event{nullptr, 0, 0};
    events.insert(e);
    *made = e;
    return SUCCESS;
}

int cudaEventDestroy(void *pointer)
{
    event *e = check_event(pointer);
    events.erase(e);
    delete e;
    return SUCCESS;
}

int cudaEventRecord(void *pointer, void *s)
{
    FAILS_SOMETIMES(UNKNOWN);
    event *e = check_event(pointer);
    e->in = check_stream(s);
    if (e->in->captured)
        device_fault("an event is recorded while its stream is captured");
    long number = ++e->recorded;
    device_enqueue(s, [=] { e->reached = number; });
    return SUCCESS;
}

int cudaStreamWaitEvent(void *s, void *pointer, unsigned)
{
    FAILS_SOMETIMES(UNKNOWN);
    event *e = check_event(pointer);
    long number = e->recorded;
    if (check_stream(s)->captured)
        device_fault("an event is waited for while the stream is captured");
    device_enqueue(s, [=] { run_to(e, number); });
    return SUCCESS;
}

int cudaEventQuery(void *pointer)
{
    FAILS_SOMETIMES(UNKNOWN);
    event *e = check_event(pointer);
    return e->reached < e->recorded ? last_error = NOT_READY : SUCCESS;
}

int cudaEventSynchronize(void *pointer)
{
    FAILS_SOMETIMES(UNKNOWN);
    event *e = check_event(pointer);
    open_heap(true);
    run_to(e, e->recorded);
    open_heap(false);
    return SUCCESS;
}

int cudaStreamBeginCapture(void *s, int)
{
    FAILS_SOMETIMES(UNKNOWN);
    if (check_stream(s)->captured)
        device_fault("a capture begins in a capture");
    check_stream(s)->captured = std::make_shared<graph>();
    return SUCCESS;
}

int cudaStreamEndCapture(void *s, void **made)
{
    auto captured = check_stream(s)->captured;
    if (!captured)
        device_fault("a capture ends that has not begun");
    check_stream(s)->captured = nullptr;
    *made = nullptr;
    FAILS_SOMETIMES(UNKNOWN);
    graphs[captured.get()] = captured;
    *made = captured.get();
    return SUCCESS;
}

int cudaGraphInstantiate(void **made, void *from, unsigned long long)
{
    if (graphs.count(from) == 0)
        device_fault("a graph that is none is instantiated");
    FAILS_SOMETIMES(UNKNOWN);
    auto copy = std::make_shared<graph>(*graphs[from]);
    executables[copy.get()] = copy;
    *made = copy.get();
    return SUCCESS;
}

int cudaGraphDestroy(void *g)
{
    if (g && graphs.erase(g) == 0)
        device_fault("a graph that is none is destroyed");
    return SUCCESS;
}

int cudaGraphExecDestroy(void *g)
{
    if (executables.erase(g) == 0)
        device_fault("a graph that is none is destroyed");
    return SUCCESS;
}

int cudaGraphLaunch(void *g, void *s)
{
    if (executables.count(g) == 0)
        device_fault("a graph that is none is launched");
    FAILS_SOMETIMES(UNKNOWN);
    auto nodes = executables[g]->nodes;
    for (auto &node : nodes)
        device_enqueue(s, node);
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
    if (allocation.size() + pinned.size() + streams.size() + graphs.size() + executables.size() > 0)
        device_fault(
            "left at the end: %zu pieces of memory, %zu of the host, %zu streams, %zu graphs",
            allocation.size(), pinned.size(), streams.size(), graphs.size() + executables.size());
}
