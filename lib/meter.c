#include "meter.h"

#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int shown;

void meter(const char *format, ...)
{
    static struct timespec last;
    struct timespec now;
    if (verbosity != 1 || !isatty(STDERR_FILENO))
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
