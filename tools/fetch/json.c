#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16 };

static const char *blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind four hexadecimal digits of a character below U+0080, which is added; else NULL: keys and
 * tokens have no others. */
static const char *take_code(const char *at, struct text *out)
{
    char digits[5] = "", *end;
    memcpy(digits, at, strnlen(at, 4));
    unsigned long code = strtoul(digits, &end, 16);
    if (strspn(digits, "0123456789abcdefABCDEF") != 4 || code == 0 || code > 127)
        return NULL;
    text_bytes(out, &(char){(char)code}, 1);
    return at + 4;
}

/* at is behind the opening quote; returns behind the closing one, or NULL. */
static const char *take_string(const char *at, struct text *out)
{
    static const char name[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    text_clear(out);
    while (*at != '"') {
        const char *escape = NULL;
        if ((unsigned char)*at < ' ')
            return NULL; /* the end too */
        if (*at != '\\') {
            text_bytes(out, at++, 1);
        } else if (at[1] == 'u') {
            at = take_code(at + 2, out);
            if (at == NULL)
                return NULL;
        } else if (at[1] != '\0' && (escape = strchr(name, at[1])) != NULL) {
            text_bytes(out, &means[escape - name], 1);
            at += 2;
        } else {
            return NULL;
        }
    }
    return at + 1;
}

/* Behind a value of any kind, or NULL. */
static const char *pass_value(const char *at, struct text *scratch, int depth)
{
    if (*at == '"')
        return take_string(at + 1, scratch);
    if (*at != '{' && *at != '[') {
        size_t size = strspn(at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
        return size ? at + size : NULL;
    }
    char close = *at == '{' ? '}' : ']';
    at = blanks(at + 1);
    while (at != NULL && *at != close) {
        at = depth < DEPTH ? pass_value(at, scratch, depth + 1) : NULL;
        if (at != NULL)
            at = blanks(at);
        if (at != NULL && (*at == ',' || *at == ':'))
            at = blanks(at + 1);
        else if (at != NULL && *at != close)
            at = NULL;
    }
    return at ? at + 1 : NULL;
}

int json_text(const char *json, const char *name, struct text *value)
{
    struct text key = {0};
    const char *at = blanks(json);
    int found = -1;
    if (*at == '{')
        at = blanks(at + 1);
    else
        at = NULL;
    while (at != NULL && *at == '"') {
        at = take_string(at + 1, &key);
        if (at == NULL || *(at = blanks(at)) != ':')
            break;
        at = blanks(at + 1);
        int is_it = strcmp(key.at, name) == 0;
        if (is_it && *at != '"') {
            found = *at != '\0' ? 0 : -1;
            break;
        }
        at = pass_value(at, value, 0);
        if (at != NULL && is_it) {
            found = 1;
            break;
        }
        if (at != NULL && *(at = blanks(at)) == ',')
            at = blanks(at + 1);
    }
    if (found < 0 && at != NULL && *at == '}')
        found = 0;
    if (found <= 0)
        text_clear(value);
    text_free(&key);
    return found;
}
