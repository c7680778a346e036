#include "lines.h"

#include "message.h"

#include <errno.h>
#include <string.h>

ssize_t lines_next(struct lines *lines)
{
    size_t length = 0;
    int c = 0;
    while (c != '\n' && (c = getc(lines->file)) != EOF) {
        if (lines->read++ == lines->most)
            return fail("cannot read %s: it has more than %zu MiB", lines->name, lines->most >> 20);
        if (length + 2 > lines->room) {
            lines->room = 2 * lines->room + 126;
            lines->line = egrow(lines->line, lines->room, 1);
        }
        lines->line[length++] = (char)c;
        lines->line[length] = '\0';
    }
    return ferror(lines->file) ? fail("cannot read %s: %s", lines->name, strerror(errno))
                               : (ssize_t)length;
}
