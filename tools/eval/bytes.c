#include "bytes.h"

#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for size bytes more, behind those that there are. */
static uint8_t *room_for(struct bytes *bytes, size_t size)
{
    if (size > bytes->room - bytes->size) {
        bytes->room = 2 * bytes->room + size;
        bytes->at = egrow(bytes->at, bytes->room, 1);
    }
    return bytes->at + bytes->size;
}

void bytes_add(struct bytes *bytes, const void *more, size_t size)
{
    if (size > 0)
        memcpy(room_for(bytes, size), more, size);
    bytes->size += size;
}

void bytes_number(struct bytes *bytes, uint64_t number, size_t size)
{
    uint8_t little[8];
    for (size_t i = 0; i < size; i++)
        little[i] = (uint8_t)(number >> 8 * i);
    bytes_add(bytes, little, size);
}

void bytes_print(struct bytes *bytes, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, arguments);
    vsnprintf((char *)room_for(bytes, size + 1), size + 1, format, again);
    va_end(again);
    va_end(arguments);
    bytes->size += size;
}

void bytes_json(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, "\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            bytes_add(bytes, "\\", 1);
        bytes_add(bytes, text, 1);
    }
    bytes_add(bytes, "\"", 1);
}

void bytes_json_list(struct bytes *bytes, char *const *texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bytes_add(bytes, i > 0 ? ", " : "[", i > 0 ? 2 : 1);
        bytes_json(bytes, texts[i]);
    }
    bytes_add(bytes, "]", 1);
}
