/* Memory of the device and pinned memory of the host, and copies between them. See
 * double_cudart.cpp. */
#include "device.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include <sys/mman.h>

enum { PAGE = 4096 };
/* Where neither the program nor a sanitizer has anything. */
static char *const HEAP = reinterpret_cast<char *>(0x300000000000);
static const size_t HEAP_BYTES = size_t(64) << 30;

/* Places are never used twice, so that what was freed stays out of reach. */
static size_t heap_used, bytes_taken;
static auto &allocation = *new std::map<const char *, size_t>;
static auto &pinned = *new std::map<const char *, size_t>; /* of the host */

/* The AddressSanitizer's, in the doubles that are built with it. */
extern "C" __attribute__((weak)) void __asan_poison_memory_region(const volatile void *, size_t);
extern "C" __attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *, size_t);

/* The size of the device. */
static size_t device_bytes()
{
    static const char *given = getenv("PSWEEP_DOUBLE_MEMORY");
    return given ? strtoull(given, nullptr, 10) : size_t(8) << 30;
}

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

void device_open(bool open)
{
    for (auto &piece : allocation) {
        auto begin = reinterpret_cast<size_t>(piece.first) / PAGE * PAGE;
        auto end = (reinterpret_cast<size_t>(piece.first) + piece.second + PAGE - 1) / PAGE * PAGE;
        mprotect(reinterpret_cast<void *>(begin), end - begin,
                 open ? PROT_READ | PROT_WRITE : PROT_NONE);
    }
}

std::string memory_left()
{
    if (allocation.empty() && pinned.empty())
        return "";
    return std::to_string(allocation.size()) + " pieces of memory, " +
           std::to_string(pinned.size()) + " of the host; ";
}

extern "C" {

int cudaMalloc(void **pointer, size_t bytes)
{
    refuse_in_capture("memory is taken");
    FAILS_SOMETIMES(OUT_OF_MEMORY);
    if (heap_used == 0 &&
        mmap(HEAP, HEAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        device_fault("there is no room for a device");
    /* A page that nothing may touch lies behind each piece, as near as an alignment of 16 allows,
     * which is less than a device gives and all that is relied on. */
    size_t room = (bytes + 15) / 16 * 16, pages = (room + PAGE - 1) / PAGE * PAGE;
    if (heap_used + pages + PAGE > HEAP_BYTES || bytes_taken + bytes > device_bytes())
        return device_error(OUT_OF_MEMORY);
    char *begin = HEAP + heap_used + pages - room;
    if (__asan_poison_memory_region) {
        __asan_poison_memory_region(HEAP + heap_used, pages + PAGE);
        __asan_unpoison_memory_region(begin, bytes);
    }
    heap_used += pages + PAGE;
    bytes_taken += bytes;
    allocation[begin] = bytes;
    device_open(true);
    memset(begin, 0xff, bytes);
    device_open(false);
    *pointer = begin;
    return SUCCESS;
}

int cudaFree(void *pointer)
{
    device_wait_all("memory is freed");
    auto found = allocation.find(static_cast<char *>(pointer));
    if (pointer == nullptr)
        return SUCCESS;
    if (found == allocation.end())
        device_fault("memory is freed that is not taken");
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(found->first, found->second);
    bytes_taken -= found->second;
    allocation.erase(found);
    return SUCCESS;
}

int cudaMemGetInfo(size_t *rest, size_t *all)
{
    FAILS_SOMETIMES(UNKNOWN);
    *all = device_bytes();
    *rest = *all - bytes_taken;
    return SUCCESS;
}

int cudaHostAlloc(void **pointer, size_t bytes, unsigned flags)
{
    refuse_in_capture("memory of the host is taken");
    if (flags > 7)
        device_fault("memory of the host is asked for with flags %#x", flags);
    FAILS_SOMETIMES(OUT_OF_MEMORY);
    *pointer = malloc(bytes > 0 ? bytes : 1);
    memset(*pointer, 0xff, bytes);
    pinned[static_cast<char *>(*pointer)] = bytes;
    return SUCCESS;
}

/* Nothing says that this waits for the device. */
int cudaFreeHost(void *pointer)
{
    refuse_in_capture("memory of the host is freed");
    auto found = pinned.find(static_cast<char *>(pointer));
    if (found == pinned.end())
        device_fault("memory of the host is freed that is not taken");
    if (host_in_use(pointer, found->second))
        device_fault("memory of the host is freed that a copy still needs");
    pinned.erase(found);
    free(pointer);
    return SUCCESS;
}

/* Pinned memory is read or written when the device comes to it. Other memory of the host is read
 * when the copy is asked for, and written before the call returns; it cannot be captured. */
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *s)
{
    enum { TO_DEVICE = 1, TO_HOST, IN_DEVICE };
    if (kind < TO_DEVICE || kind > IN_DEVICE)
        device_fault("a copy of kind %d", kind);
    if ((kind != TO_HOST && !device_holds(to, bytes)) ||
        (kind != TO_DEVICE && !device_holds(from, bytes)) ||
        (kind != IN_DEVICE && in_heap(kind == TO_DEVICE ? from : to)))
        device_fault("a copy of kind %d of %zu bytes does not fit the device's memory", kind,
                     bytes);
    auto host = static_cast<char *>(kind == TO_DEVICE ? const_cast<void *>(from) : to);
    bool is_pinned = kind == IN_DEVICE || holds(pinned, host, bytes);
    if (!is_pinned)
        refuse_in_capture("memory of the host that is not pinned is copied");
    FAILS_SOMETIMES(UNKNOWN);
    device_uses uses = {"a copy", {}};
    if (kind != TO_HOST)
        uses.all.push_back({static_cast<char *>(to), bytes, true});
    if (kind != TO_DEVICE)
        uses.all.push_back({static_cast<const char *>(from), bytes, false});
    if (is_pinned) {
        host_use use = {host, kind == IN_DEVICE ? 0 : bytes, kind == TO_HOST};
        device_enqueue(
            s, [=] { memcpy(to, from, bytes); }, uses, use);
    } else if (kind == TO_DEVICE) {
        std::vector<char> copy(host, host + bytes);
        device_enqueue(
            s, [=] { memcpy(to, copy.data(), bytes); }, uses);
    } else {
        device_enqueue(
            s, [=] { memcpy(to, from, bytes); }, uses);
        device_wait(s, "memory of the host that is not pinned is copied");
    }
    return SUCCESS;
}

int cudaMemsetAsync(void *to, int value, size_t bytes, void *s)
{
    if (!device_holds(to, bytes))
        device_fault("memory to be set does not fit the device's");
    FAILS_SOMETIMES(UNKNOWN);
    device_enqueue(s, [=] { memset(to, value, bytes); },
                   {"a memset", {{static_cast<char *>(to), bytes, true}}});
    return SUCCESS;
}

} /* extern "C" */
