#include "utf8.h"

#include <string.h>

size_t utf8_decode(const void *text, size_t size, uint32_t *code)
{
    const uint8_t *bytes = text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (size == 0)
        return 0;
    size_t length = bytes[0] < 0x80             ? 1
                    : (bytes[0] & 0xe0) == 0xc0 ? 2
                    : (bytes[0] & 0xf0) == 0xe0 ? 3
                    : (bytes[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    if (length == 0 || length > size)
        return 0;
    *code = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (bytes[i] & 0x3fu);
    }
    if (*code < least[length] || (*code >= 0xd800 && *code < 0xe000) || *code > 0x10ffff)
        return 0;
    return length;
}

size_t utf8_clean(char *text, size_t size)
{
    char *end = text;
    const char *past = text + size;
    for (const char *from = text; from < past;) {
        uint32_t code;
        size_t length = utf8_decode(from, (size_t)(past - from), &code);
        if (length > 0 && !utf8_control(code)) {
            memmove(end, from, length);
            end += length;
        } else {
            *end++ = '?';
        }
        from += length ? length : 1;
    }
    *end = 0;
    return (size_t)(end - text);
}

int utf8_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}
