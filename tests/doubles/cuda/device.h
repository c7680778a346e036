/* What the doubles of the CUDA libraries share: a device that is a part of this process's memory.
 *
 * Memory of the device is out of the host's reach but while the device works, starts as NaN, and
 * work is put off until somebody waits for it: what a program does wrong on a real device and gets
 * away with for a while ends it here, at once, with a sentence. */
#ifndef PSWEEP_DOUBLE_DEVICE_H
#define PSWEEP_DOUBLE_DEVICE_H

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/* What a CUDA call returns. */
enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_CONFIGURATION = 9,
    NOT_READY = 600,
    UNKNOWN = 999
};

/* Ends the program; it is the caller of the library who is wrong. */
[[noreturn]] void device_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Counts a call of a library that can fail; true when it is this one's turn to
 * (PSWEEP_DOUBLE_FAIL=n: the n-th). */
bool device_call_fails(const char *name);
/* Whether one has failed so. */
bool device_call_failed();
/* Returns error, and keeps it for cudaGetLastError(). */
int device_error(int error);
#define FAILS_SOMETIMES(error)                                                                     \
    if (device_call_fails(__func__))                                                               \
    return device_error(error)

/* ---- double_memory.cpp ---- */

/* Whether these bytes lie in one live allocation of the device. */
bool device_holds(const void *pointer, size_t bytes);
/* Lets the host into the device's memory; only while the device works. */
void device_open(bool open);
/* What was not given back, or "". */
std::string memory_left();

/* ---- double_streams.cpp ---- */

/* Pinned memory of the host that work reads or writes when it is done. */
struct host_use {
    char *begin;
    size_t bytes;
    bool writes;
};

/* What work is called, and memory of the device that it reads or writes. */
struct device_use {
    const char *begin;
    size_t bytes;
    bool writes;
};
struct device_uses {
    const char *name;
    std::vector<device_use> all;
};

/* Puts work behind all that the stream has to do; or, while it is captured, into the graph. What
 * uses memory that other work writes must come before or behind that (double_tasks.cpp). */
void device_enqueue(void *stream, std::function<void()> work, device_uses uses, host_use use = {});
/* Waits for what the stream has to do; for all that is to be done. what: for the sentence with
 * which it is refused during a capture. */
void device_wait(void *stream, const char *what);
void device_wait_all(const char *what);
/* Refuses what may not be done while a stream is captured. */
void refuse_in_capture(const char *what);
std::string streams_left();

/* ---- double_tasks.cpp ---- */

/* Whether work that is still to be done uses these bytes of the host. */
bool host_in_use(const void *begin, size_t bytes);

#endif
