#include "text.h"

#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for more bytes and the zero byte behind them. */
static void reserve(struct text *text, size_t more)
{
    if (more < text->capacity - text->size)
        return;
    text->capacity = 2 * text->capacity + more + 64;
    text->at = egrow(text->at, text->capacity, 1);
}

void text_clear(struct text *text)
{
    text->size = 0;
    text_bytes(text, "", 0);
}

void text_bytes(struct text *text, const void *bytes, size_t size)
{
    reserve(text, size);
    memcpy(text->at + text->size, bytes, size);
    text->size += size;
    text->at[text->size] = '\0';
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size > 0) {
        reserve(text, (size_t)size);
        vsnprintf(text->at + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

void text_wipe(struct text *text)
{
    if (text->at != NULL)
        explicit_bzero(text->at, text->capacity);
    text_free(text);
}

void text_encode(struct text *text, const char *bytes, size_t size, const char *keep)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte != 0 && (strchr(TEXT_LETTERS "-._~", byte) != NULL || strchr(keep, byte) != NULL))
            text_bytes(text, &bytes[i], 1);
        else
            text_format(text, "%%%02X", byte);
    }
}

int text_is_plain(const char *text)
{
    while (*text > ' ' && *text <= '~')
        text++;
    return *text == '\0';
}
