/* What the doubles of the CUDA libraries share: a device that is a part of this process's memory.
 *
 * Memory of the device is out of the host's reach but while the device works, starts as NaN, and
 * work is put off until somebody waits for it: what a program does wrong on a real device and gets
 * away with for a while ends it here, at once, with a sentence. */
#ifndef PSWEEP_DOUBLE_DEVICE_H
#define PSWEEP_DOUBLE_DEVICE_H

#include <cstddef>
#include <functional>

/* Ends the program; it is the caller of the library who is wrong. */
[[noreturn]] void device_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether these bytes lie in one live allocation of the device. */
bool device_holds(const void *pointer, size_t bytes);

/* Puts work behind all that the stream has to do; or, while it is captured, into its graph. */
void device_enqueue(void *stream, std::function<void()> work);

/* Counts a call of a library that can fail; true when it is this one's turn to
 * (PSWEEP_DOUBLE_FAIL=n: the n-th). */
bool device_call_fails(const char *name);

#endif
