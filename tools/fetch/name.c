#include "name.h"

#include "message.h"
#include "text.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* The character at name: how many bytes it has, or 0 when there is none. */
static size_t character(const char *name, uint32_t *code)
{
    return utf8_decode(name, strnlen(name, 4), code);
}

int name_is_utf8(const char *name)
{
    uint32_t code;
    size_t size = 1;
    while (*name && (size = character(name, &code)) > 0)
        name += size;
    return size > 0;
}

char *name_compose(const char *name, size_t size)
{
    utf8proc_uint8_t *composed = NULL;
    size_t ascii = 0;
    while (ascii < size && (unsigned char)name[ascii] < 0x80)
        ascii++;
    if (ascii < size && utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)size,
                                     &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE) >= 0)
        return (char *)composed;
    free(composed);
    char *copy = ealloc(size + 1, 1);
    memcpy(copy, name, size);
    return copy;
}

const char *name_show(const char *name)
{
    enum { ROOM = 6000, LONGEST = 4 * 4 /* that a character becomes */ };
    static _Thread_local char shown[ROOM];
    char *to = shown;
    while (*name && to < shown + ROOM - LONGEST) {
        uint32_t code;
        size_t size = character(name, &code);
        int raw = size > 0 && !utf8_control(code);
        for (size_t left = size > 0 ? size : 1; left > 0; left--, name++)
            if (raw)
                *to++ = *name;
            else
                to += snprintf(to, 5, "\\x%02x", (unsigned char)*name);
    }
    *to = '\0';
    return shown;
}

int name_order(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void some_names_add(struct some_names *names, const char *name)
{
    if (names->count < SOME_NAMES)
        names->name[names->count] = ecopy(name);
    names->count++;
}

void some_names_free(struct some_names *names)
{
    for (size_t i = 0; i < names->count && i < SOME_NAMES; i++)
        free(names->name[i]);
    *names = (struct some_names){0};
}

const char *some_names_told(const struct some_names *names)
{
    static _Thread_local struct text text;
    size_t told = names->count < SOME_NAMES ? names->count : SOME_NAMES;
    text_clear(&text);
    for (size_t i = 0; i < told; i++) {
        const char *before = i == 0 ? "" : i + 1 == names->count ? " and " : ", ";
        text_format(&text, "%s%s", before, name_show(names->name[i]));
    }
    if (names->count > told)
        text_format(&text, " and %zu more", names->count - told);
    return text.at;
}
