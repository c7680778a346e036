#include "name.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* The bytes of the UTF-8 sequence at name; 0 when there is none. */
static int sequence(const char *name)
{
    const unsigned char *byte = (const unsigned char *)name;
    if (byte[0] < 0x80)
        return 1;
    int size = byte[0] < 0xc2 ? 0 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
    /* What the second byte may be besides 80 … bf keeps out long forms, surrogates and what is
     * above U+10FFFF. */
    unsigned char low = byte[0] == 0xe0 ? 0xa0 : byte[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = byte[0] == 0xed ? 0x9f : byte[0] == 0xf4 ? 0x8f : 0xbf;
    if (size == 0 || byte[0] > 0xf4 || byte[1] < low || byte[1] > high)
        return 0;
    for (int i = 2; i < size; i++)
        if (byte[i] < 0x80 || byte[i] > 0xbf)
            return 0;
    return size;
}

int name_is_utf8(const char *name)
{
    int size = 1;
    while (*name && (size = sequence(name)) > 0)
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

char *name_show(const char *name)
{
    char *shown = ealloc(4 * strlen(name) + 1, 1), *to = shown;
    while (*name) {
        int size = sequence(name);
        if (size == 0 || (unsigned char)*name < ' ' || *name == 127) {
            to += snprintf(to, 5, "\\x%02x", (unsigned char)*name++);
        } else {
            memcpy(to, name, (size_t)size);
            to += size;
            name += size;
        }
    }
    return shown;
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

void some_names_tell(struct text *text, const struct some_names *names)
{
    size_t told = names->count < SOME_NAMES ? names->count : SOME_NAMES;
    for (size_t i = 0; i < told; i++) {
        char *shown = name_show(names->name[i]);
        text_format(text, "%s%s", i == 0 ? "" : i + 1 == names->count ? " and " : ", ", shown);
        free(shown);
    }
    if (names->count > told)
        text_format(text, " and %zu more", names->count - told);
}
