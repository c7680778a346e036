#include "meter.h"

#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int shown;

/* A terminal that only prints would show every line and the codes that are to take it away. */
static int is_drawable(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void meter(const char *format, ...)
{
    static struct timespec last;
    struct timespec now;
    if (verbosity != 1 || !is_drawable())
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
    if (since < 0.1)
        return;
    last = now;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "\r\033[K%s: ", program);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
    shown = 1;
}

void meter_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = 0;
}
