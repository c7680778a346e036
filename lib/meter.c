#include "meter.h"

#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int shown;

/* How many columns there are to draw in; 0 where stderr is no terminal, or one that only prints: it
 * would show every line, and the codes that are to take it away. */
static size_t columns(void)
{
    enum { USUAL = 80 };
    const char *terminal = getenv("TERM");
    struct winsize window;
    if (!isatty(STDERR_FILENO) || terminal == NULL || strcmp(terminal, "dumb") == 0)
        return 0;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
        return USUAL;
    return window.ws_col;
}

/* Cuts a line behind so many columns: one that is wrapped could not be taken away. Bytes that begin
 * no character take none. */
static void cut(char *line, size_t room)
{
    for (; *line != '\0'; line++)
        if (((unsigned char)*line & 0xc0) != 0x80 && room-- == 0)
            break;
    *line = '\0';
}

void meter(const char *format, ...)
{
    static struct timespec last;
    struct timespec now;
    if (verbosity != 1)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
    if (since < 0.1)
        return;
    last = now;
    size_t room = columns();
    if (room == 0)
        return;
    char line[1024];
    int used = snprintf(line, sizeof line, "%s: ", program);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    message_clean(line);
    cut(line, room - 1);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    shown = 1;
}

void meter_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = 0;
}
