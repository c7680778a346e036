/* Where a msgpack object ends, found by walking its heads: no memory, bounded depth and counts. */
#include "message.h"
#include "record.h"

enum { MOST_DEPTH = 16, MOST_ELEMENTS = 1 << 20, MOST_BYTES = 1 << 30 };

/* One head: how many bytes it takes itself, how many raw bytes follow it, and how many objects. */
struct head {
    size_t size;
    uint64_t raw, objects;
};

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    while (count--)
        value = value << 8 | *bytes++;
    return value;
}

/* The heads 0xc0 … 0xdf, as in the msgpack specification: width bytes of a length follow the first
 * byte; the length counts what kind says; fixed raw bytes follow besides. */
static const struct {
    uint8_t width;
    char kind; /* 0: plain value, r: raw bytes, a: array, m: map, x: never used */
    uint8_t fixed;
} table[32] = {
    {0, 0, 0},   {0, 'x', 0}, {0, 0, 0},   {0, 0, 0},   {1, 'r', 0}, {2, 'r', 0}, {4, 'r', 0},
    {1, 'r', 1}, {2, 'r', 1}, {4, 'r', 1}, {0, 0, 4},   {0, 0, 8},   {0, 0, 1},   {0, 0, 2},
    {0, 0, 4},   {0, 0, 8},   {0, 0, 1},   {0, 0, 2},   {0, 0, 4},   {0, 0, 8},   {0, 0, 2},
    {0, 0, 3},   {0, 0, 5},   {0, 0, 9},   {0, 0, 17},  {1, 'r', 0}, {2, 'r', 0}, {4, 'r', 0},
    {2, 'a', 0}, {4, 'a', 0}, {2, 'm', 0}, {4, 'm', 0},
};

/* 1 when the head is read, 0 when bytes are missing, -1 when there is no such head. */
static int read_head(const uint8_t *bytes, size_t size, struct head *head)
{
    if (size == 0)
        return 0;
    uint8_t first = bytes[0];
    *head = (struct head){.size = 1};
    if (first < 0x80 || first >= 0xe0)
        return 1;
    if (first < 0xc0) {
        if (first < 0x90)
            head->objects = 2 * (first & 0x0fu);
        else if (first < 0xa0)
            head->objects = first & 0x0fu;
        else
            head->raw = first & 0x1fu;
        return 1;
    }
    size_t width = table[first - 0xc0].width;
    char kind = table[first - 0xc0].kind;
    if (kind == 'x')
        return -1;
    if (size < 1 + width)
        return 0;
    uint64_t length = big_endian(bytes + 1, width);
    head->size = 1 + width;
    head->raw = table[first - 0xc0].fixed + (kind == 'r' ? length : 0);
    head->objects = kind == 'a' ? length : kind == 'm' ? 2 * length : 0;
    return 1;
}

int64_t record_span(const uint8_t *bytes, size_t size)
{
    uint64_t left[MOST_DEPTH + 1] = {1}; /* objects still to come at each depth */
    unsigned depth = 0;
    uint64_t place = 0, elements = 0;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0)
                return (int64_t)place;
            depth--;
        }
        struct head head;
        if (place >= size)
            return 0;
        int got = read_head(bytes + place, size - place, &head);
        if (got < 0)
            return fail_as(DAMAGED, "no msgpack object begins with byte 0x%02x", bytes[place]);
        if (got == 0)
            return 0;
        left[depth]--;
        place += head.size + head.raw;
        elements += head.objects;
        if (elements > MOST_ELEMENTS)
            return fail_as(DAMAGED, "it has more than %d elements", MOST_ELEMENTS);
        if (place > MOST_BYTES)
            return fail_as(DAMAGED, "it is larger than %d bytes", MOST_BYTES);
        if (head.objects > 0) {
            if (depth == MOST_DEPTH)
                return fail_as(DAMAGED, "it is nested deeper than %d", MOST_DEPTH);
            left[++depth] = head.objects;
        }
        if (place > size)
            return 0;
    }
}
