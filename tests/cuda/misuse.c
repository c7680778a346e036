/* What the doubles of the CUDA libraries refuse, and what they find: a test of tests/doubles/cuda.
 *
 *     misuse         with the doubles in LD_LIBRARY_PATH
 *
 * Each case is a small program that uses the CUDA runtime, in a process of its own. A wrong one
 * must end with the double's sentence; or give wrong results, for one of several orders in which
 * the device may work; a right one must give right results in all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cuda_runtime_api.h>

enum { BYTES = 64, ORDERS = 8 };

static cudaStream_t one, two;
static cudaEvent_t event, other;
static char *device, *more;   /* [BYTES] of the device */
static char *pinned, *second; /* [BYTES] of the host, pinned */
static char pageable[BYTES];
static cudaGraph_t graph;
static cudaGraphExec_t executable;

static void prepare(void)
{
    cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&two, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    cudaEventCreateWithFlags(&other, cudaEventDisableTiming);
    cudaMalloc((void **)&device, BYTES);
    cudaMalloc((void **)&more, BYTES);
    cudaHostAlloc((void **)&pinned, BYTES, cudaHostAllocDefault);
    cudaHostAlloc((void **)&second, BYTES, cudaHostAllocDefault);
}

static void send(char *to, const char *from, cudaStream_t stream)
{
    cudaMemcpyAsync(to, from, BYTES, cudaMemcpyHostToDevice, stream);
}
static void fetch(char *to, const char *from, cudaStream_t stream)
{
    cudaMemcpyAsync(to, from, BYTES, cudaMemcpyDeviceToHost, stream);
}
static void begin(void)
{
    cudaStreamBeginCapture(one, cudaStreamCaptureModeThreadLocal);
}
static void end(void)
{
    cudaStreamEndCapture(one, &graph);
    cudaGraphInstantiate(&executable, graph, 0);
}
static int all(const char *bytes, int value)
{
    for (int i = 0; i < BYTES; i++)
        if (bytes[i] != value)
            return 0;
    return 1;
}

/* ---- refused ---- */

static int captured_send(void)
{
    begin();
    send(device, pageable, one);
    return 0;
}
static int captured_fetch(void)
{
    begin();
    fetch(pageable, device, one);
    return 0;
}
static int captured_malloc(void)
{
    void *piece;
    begin();
    cudaMalloc(&piece, 1);
    return 0;
}
static int captured_free(void)
{
    begin();
    cudaFree(device);
    return 0;
}
static int captured_host_alloc(void)
{
    void *piece;
    begin();
    cudaHostAlloc(&piece, 1, cudaHostAllocDefault);
    return 0;
}
static int captured_free_host(void)
{
    begin();
    cudaFreeHost(pinned);
    return 0;
}
static int captured_wait(void)
{
    begin();
    cudaStreamSynchronize(two);
    return 0;
}
static int captured_wait_for_device(void)
{
    begin();
    cudaDeviceSynchronize();
    return 0;
}
static int captured_query(void)
{
    begin();
    cudaEventQuery(event);
    return 0;
}
static int captured_wait_for_event(void)
{
    begin();
    cudaEventSynchronize(event);
    return 0;
}
static int captured_launch(void)
{
    begin();
    end();
    begin();
    cudaGraphLaunch(executable, one);
    return 0;
}
static int stream_of_outside(void)
{
    begin();
    cudaMemsetAsync(device, 1, BYTES, two);
    return 0;
}
static int event_of_outside(void)
{
    cudaEventRecord(event, two);
    begin();
    cudaStreamWaitEvent(one, event, 0);
    return 0;
}
static int record_of_outside(void)
{
    begin();
    cudaEventRecord(event, two);
    return 0;
}
static int not_joined(void)
{
    begin();
    cudaEventRecord(event, one);
    cudaStreamWaitEvent(two, event, 0);
    cudaMemsetAsync(device, 1, BYTES, two);
    end();
    return 0;
}
static int event_of_capture(void)
{
    begin();
    cudaEventRecord(event, one);
    end();
    cudaStreamWaitEvent(two, event, 0);
    return 0;
}
static int query_of_capture(void)
{
    begin();
    cudaEventRecord(event, one);
    end();
    cudaEventQuery(event);
    return 0;
}
static int capture_in_capture(void)
{
    begin();
    begin();
    return 0;
}
static int end_without_begin(void)
{
    end();
    return 0;
}
static int end_elsewhere(void)
{
    begin();
    cudaStreamEndCapture(two, &graph);
    return 0;
}
static int destroyed_in_capture(void)
{
    begin();
    cudaStreamDestroy(one);
    return 0;
}
static int default_stream(void)
{
    cudaMemsetAsync(device, 1, BYTES, NULL);
    return 0;
}
static int destroyed_stream(void)
{
    cudaStreamDestroy(two);
    cudaMemsetAsync(device, 1, BYTES, two);
    return 0;
}
static int destroyed_event(void)
{
    cudaEventDestroy(event);
    cudaEventRecord(event, one);
    return 0;
}
static int graph_destroyed_too_early(void)
{
    begin();
    cudaMemsetAsync(device, 1, BYTES, one);
    end();
    cudaGraphLaunch(executable, one);
    cudaGraphExecDestroy(executable);
    return 0;
}
static int host_freed_too_early(void)
{
    send(device, pinned, one);
    cudaFreeHost(pinned);
    return 0;
}
static int freed_twice(void)
{
    cudaFree(device);
    cudaFree(device);
    return 0;
}
static int host_not_taken(void)
{
    cudaFreeHost(pageable);
    return 0;
}
static int past_the_end(void)
{
    send(device + 1, pinned, one);
    return 0;
}
static int past_the_end_of_set(void)
{
    cudaMemsetAsync(device, 0, BYTES + 1, one);
    return 0;
}
static int after_free(void)
{
    cudaFree(device);
    fetch(pinned, device, one);
    return 0;
}
static int wrong_way(void)
{
    fetch(device, pinned, one);
    return 0;
}
static int device_read_by_host(void)
{
    return device[0];
}
static int nothing_given_back(void)
{
    exit(0);
}

/* ---- computed wrong ---- */

/* The second copy may come before the first. */
static int without_event(void)
{
    memset(pinned, 1, BYTES);
    send(device, pinned, one);
    fetch(second, device, two);
    cudaDeviceSynchronize();
    return all(second, 1);
}
static int source_reused(void)
{
    memset(pinned, 1, BYTES);
    send(device, pinned, one);
    memset(pinned, 2, BYTES);
    fetch(second, device, one);
    cudaStreamSynchronize(one);
    return all(second, 1);
}
/* It works where the device is late. */
static int source_filled_late(void)
{
    memset(pinned, 1, BYTES);
    send(device, pinned, one);
    memset(pinned, 2, BYTES);
    fetch(second, device, one);
    cudaStreamSynchronize(one);
    return all(second, 2);
}
static int target_read_early(void)
{
    memset(second, 1, BYTES);
    cudaMemsetAsync(device, 1, BYTES, one);
    fetch(second, device, one);
    return all(second, 1);
}
static int graph_without_edge(void)
{
    begin();
    cudaEventRecord(event, one);
    cudaStreamWaitEvent(two, event, 0);
    cudaMemsetAsync(device, 1, BYTES, two);
    cudaEventRecord(event, two);
    fetch(second, device, one);
    cudaStreamWaitEvent(one, event, 0);
    end();
    cudaGraphLaunch(executable, one);
    cudaStreamSynchronize(one);
    return all(second, 1);
}
/* An event orders what came before its record, not after. */
static int event_recorded_too_early(void)
{
    cudaEventRecord(event, one);
    cudaMemsetAsync(device, 1, BYTES, one);
    cudaStreamWaitEvent(two, event, 0);
    fetch(second, device, two);
    cudaStreamSynchronize(two);
    return all(second, 1);
}
static int memory_not_written(void)
{
    fetch(second, device, one);
    cudaStreamSynchronize(one);
    return all(second, 0);
}

/* ---- right ---- */

static int with_event(void)
{
    memset(pinned, 1, BYTES);
    send(device, pinned, one);
    cudaEventRecord(event, one);
    cudaStreamWaitEvent(two, event, 0);
    fetch(second, device, two);
    cudaEventRecord(other, two);
    cudaEventSynchronize(other);
    return all(second, 1);
}
/* Asking often enough has an end, and an event that was never recorded is over. */
static int asked_for(void)
{
    int fresh = cudaEventQuery(event) == cudaSuccess;
    cudaMemsetAsync(device, 1, BYTES, one);
    fetch(second, device, one);
    cudaEventRecord(event, one);
    while (cudaEventQuery(event) == cudaErrorNotReady)
        ;
    return fresh && all(second, 1);
}
static int pageable_memory(void)
{
    memset(pageable, 1, BYTES);
    send(device, pageable, one);
    memset(pageable, 2, BYTES);
    fetch(pageable, device, one); /* is there when the call returns */
    return all(pageable, 1);
}
static int forked_and_joined(void)
{
    int right = 1;
    begin();
    cudaEventRecord(event, one);
    cudaStreamWaitEvent(two, event, 0);
    send(device, pinned, two);
    send(more, pinned, one);
    cudaEventRecord(other, two);
    cudaStreamWaitEvent(one, other, 0);
    fetch(second, device, one);
    end();
    for (int i = 0; i < 3; i++) {
        memset(pinned, i, BYTES);
        cudaGraphLaunch(executable, one);
        cudaStreamSynchronize(one);
        right = right && all(second, i);
    }
    return right;
}
/* Pinned memory that is there and back again: each copy sees what the one before left. */
static int there_and_back(void)
{
    memset(pinned, 1, BYTES);
    send(device, pinned, one);
    cudaMemsetAsync(more, 2, BYTES, one);
    fetch(pinned, more, one);
    send(more, pinned, one);
    cudaMemcpyAsync(more + 1, device, 1, cudaMemcpyDeviceToDevice, one);
    fetch(second, more, one);
    cudaStreamSynchronize(one);
    return second[0] == 2 && second[1] == 1 && second[2] == 2;
}
/* Of a device of 1000 bytes, 128 are taken. */
static int too_much(void)
{
    void *piece = NULL;
    size_t rest, whole;
    cudaMemGetInfo(&rest, &whole);
    return rest == 872 && whole == 1000 && cudaMalloc(&piece, 873) == cudaErrorMemoryAllocation &&
           cudaGetLastError() == cudaErrorMemoryAllocation &&
           cudaMalloc(&piece, 872) == cudaSuccess && cudaFree(piece) == cudaSuccess &&
           cudaMalloc(&piece, 872) == cudaSuccess;
}
static int all_given_back(void)
{
    cudaFree(device);
    cudaFree(more);
    cudaFreeHost(pinned);
    cudaFreeHost(second);
    cudaEventDestroy(event);
    cudaEventDestroy(other);
    cudaStreamDestroy(one);
    cudaStreamDestroy(two);
    exit(1); /* right, when the double has nothing to say */
}

#define RIGHT   "right"
#define WRONG   "wrong"
#define CRASHES "crashes"
#define RACES   "memory is used by two at once"
static const struct {
    const char *name;
    int (*does)(void);    /* 1: its results are right */
    const char *expected; /* of what the double says, or one of the above */
} cases[] = {
#define CASE(name, expected)                                                                       \
    {                                                                                              \
#name, name, expected                                                                      \
    }
    CASE(captured_send, "not pinned is copied while a stream is captured"),
    CASE(captured_fetch, "not pinned is copied while a stream is captured"),
    CASE(captured_malloc, "memory is taken while a stream is captured"),
    CASE(captured_free, "memory is freed while a stream is captured"),
    CASE(captured_host_alloc, "memory of the host is taken while a stream is captured"),
    CASE(captured_free_host, "memory of the host is freed while a stream is captured"),
    CASE(captured_wait, "a stream is waited for while a stream is captured"),
    CASE(captured_wait_for_device, "the device is waited for while a stream is captured"),
    CASE(captured_query, "an event is asked while a stream is captured"),
    CASE(captured_wait_for_event, "an event is waited for while a stream is captured"),
    CASE(captured_launch, "a graph is launched while a stream is captured"),
    CASE(stream_of_outside, "not part of the capture"),
    CASE(record_of_outside, "not part of the capture"),
    CASE(event_of_outside, "an event of outside is waited for while"),
    CASE(not_joined, "not all streams that are part of it were joined"),
    CASE(event_of_capture, "recorded in a capture that is over"),
    CASE(query_of_capture, "an event is asked that was recorded in a capture"),
    CASE(capture_in_capture, "a capture begins while a stream is captured"),
    CASE(end_without_begin, "a capture ends that has not begun"),
    CASE(end_elsewhere, "a capture ends that has not begun at this stream"),
    CASE(destroyed_in_capture, "a stream is destroyed that is captured"),
    CASE(default_stream, "or the default stream, is used"),
    CASE(destroyed_stream, "a stream that is none"),
    CASE(destroyed_event, "an event that is none is used"),
    CASE(graph_destroyed_too_early, "a graph is destroyed that is still to be gone through"),
    CASE(host_freed_too_early, "memory of the host is freed that a copy still needs"),
    CASE(freed_twice, "memory is freed that is not taken"),
    CASE(host_not_taken, "memory of the host is freed that is not taken"),
    CASE(past_the_end, "does not fit the device's memory"),
    CASE(past_the_end_of_set, "memory to be set does not fit"),
    CASE(after_free, "does not fit the device's memory"),
    CASE(wrong_way, "does not fit the device's memory"),
    CASE(device_read_by_host, CRASHES),
    CASE(nothing_given_back,
         "left at the end: 2 pieces of memory, 2 of the host; 2 streams, 2 events, 0 graphs"),
    CASE(without_event, RACES),
    CASE(source_reused, WRONG),
    CASE(source_filled_late, WRONG),
    CASE(target_read_early, WRONG),
    CASE(graph_without_edge, RACES),
    CASE(event_recorded_too_early, RACES),
    CASE(memory_not_written, WRONG),
    CASE(with_event, RIGHT),
    CASE(asked_for, RIGHT),
    CASE(pageable_memory, RIGHT),
    CASE(forked_and_joined, RIGHT),
    CASE(there_and_back, RIGHT),
    CASE(too_much, RIGHT),
    CASE(all_given_back, RIGHT),
};

/* Runs a case in a process, with an order: how it ended, and what it said in said[size]. */
static int run(int number, int order, char *said, size_t size)
{
    int ends[2], status = 0;
    char seed[16];
    if (pipe(ends) < 0)
        return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        snprintf(seed, sizeof seed, "%d", order);
        setenv("PSWEEP_DOUBLE_SEED", seed, 1);
        setenv("PSWEEP_DOUBLE_MEMORY", "1000", 1);
        prepare();
        _exit(cases[number].does());
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; (got = read(ends[0], said + used, size - 1 - used)) > 0;)
        used += (size_t)got;
    said[used] = 0;
    close(ends[0]);
    waitpid(child, &status, 0);
    return status;
}

/* 1 when the case went as it should. */
static int judge(int number)
{
    const char *expected = cases[number].expected;
    int right = 0, refused = 0;
    char said[1000];
    if (strcmp(expected, CRASHES) == 0)
        return WIFSIGNALED(run(number, 0, said, sizeof said));
    for (int order = 0; order < ORDERS; order++) {
        int status = run(number, order, said, sizeof said);
        right += WIFEXITED(status) && WEXITSTATUS(status) == 1;
        refused += WIFEXITED(status) && WEXITSTATUS(status) == 99 && strstr(said, expected);
    }
    if (strcmp(expected, RIGHT) == 0)
        return right == ORDERS;
    /* Where everything is done at once nothing is too early. */
    if (strcmp(expected, WRONG) == 0)
        return right < ORDERS;
    return refused > 0 && (right == 0 || strcmp(expected, RACES) == 0);
}

int main(void)
{
    int wrong = 0;
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++)
        if (!judge(i)) {
            char said[1000];
            int status = run(i, 0, said, sizeof said);
            printf("%s: should be \"%s\"; ended with status %#x, saying: %s\n", cases[i].name,
                   cases[i].expected, (unsigned)status, said);
            wrong++;
        }
    printf("%zu cases, %d not as they should be\n", sizeof cases / sizeof *cases, wrong);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
