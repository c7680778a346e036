#include "label.h"

#include "message.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

char *label_clean(const char *bytes, size_t size)
{
    char *clean = memcpy(ealloc(size + 1, 1), bytes, size);
    utf8_clean(clean, size);
    return clean;
}

/* Whether a character of UTF-8 may begin there. */
static int is_start(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

char *label_name(const char *bytes, size_t size)
{
    size_t head = LABEL_MOST / 2, tail = size - LABEL_MOST / 2;
    if (size <= LABEL_MOST)
        return label_clean(bytes, size);
    while (head > 0 && !is_start(bytes[head]))
        head--;
    while (tail < size && !is_start(bytes[tail]))
        tail++;
    char cut[LABEL_MOST + sizeof "…"];
    int used =
        snprintf(cut, sizeof cut, "%.*s…%.*s", (int)head, bytes, (int)(size - tail), bytes + tail);
    return label_clean(cut, (size_t)used);
}

char *label_stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash && slash[1] ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return label_clean(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static int columns_of(uint32_t code)
{
    /* -1 stands for a character that the locale does not know; terminals give it one column. */
    int width = code < 0x7f ? 1 : wcwidth((wchar_t)code);
    return width < 0 ? 1 : width;
}

int label_next(const char **text, uint32_t *code, int *columns)
{
    size_t length = utf8_decode(*text, strnlen(*text, 4), code);
    if (length == 0)
        return 0;
    *text += length;
    *columns = columns_of(*code);
    return 1;
}

int label_wide(uint32_t code)
{
    return columns_of(code) == 2;
}

int label_columns(const char *text)
{
    int total = 0, columns;
    for (uint32_t code; label_next(&text, &code, &columns);)
        total += columns;
    return total;
}

int label_encode(uint32_t code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)((0xf00 >> length & 0xff) | code);
    return length;
}
