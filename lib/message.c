#include "message.h"

#include "utf8.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *program = "psweep";
int verbosity = 1;

/* A sentence names the longest path (PATH_MAX is 4096) and has its reason behind it. */
enum { SENTENCE = 6000 };

static _Thread_local char sentence[SENTENCE] = "nothing failed";
static _Thread_local enum status sentence_status = FAILED;
_Thread_local jmp_buf *instead_of_exit;

void messages_from(const char *name)
{
    program = name;
    if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
        return;
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0 && nowhere != STDERR_FILENO) { /* others may be closed, too */
        dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
}

/* Formats into a scratch buffer first: an argument may be why() itself. */
static int keep(enum status status, const char *format, va_list arguments)
{
    char scratch[sizeof sentence];
    vsnprintf(scratch, sizeof scratch, format, arguments);
    memcpy(sentence, scratch, sizeof sentence);
    sentence_status = status;
    return -1;
}

int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(FAILED, format, arguments);
    va_end(arguments);
    return -1;
}

int fail_as(enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(status, format, arguments);
    va_end(arguments);
    return -1;
}

const char *why(void)
{
    return sentence;
}

enum status why_status(void)
{
    return sentence_status;
}

size_t message_clean(char *text)
{
    for (char *c = text; (c = strpbrk(c, "\n\t"));)
        *c = ' ';
    return utf8_clean(text, strlen(text));
}

/* One write per line: programs of one pipeline share stderr, and their lines must not mix. */
static void print_line(const char *format, va_list arguments)
{
    char line[SENTENCE + 256];
    int used = snprintf(line, sizeof line - 1, "%s: ", program);
    vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, arguments);
    size_t size = message_clean(line);
    line[size++] = '\n';
    fwrite(line, 1, size, stderr);
    fflush(stderr);
}

void die(enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (instead_of_exit) {
        keep(status, format, arguments);
        longjmp(*instead_of_exit, 1);
    }
    print_line(format, arguments);
    va_end(arguments);
    exit(status);
}

void die_why(void)
{
    die(sentence_status, "%s", sentence);
}

void note(const char *format, ...)
{
    if (verbosity < 1)
        return;
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void explain(const char *format, ...)
{
    if (verbosity < 2)
        return;
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

const char *plural(unsigned long long count)
{
    return count == 1 ? "" : "s";
}

const char *loss_text(double loss, int decimals)
{
    static _Thread_local char text[32];
    if (loss > -1e6 && loss < 1e6)
        snprintf(text, sizeof text, "%.*f", decimals, loss);
    else
        snprintf(text, sizeof text, "%.3g", loss);
    return text;
}

static void *must(void *memory, size_t count, size_t size)
{
    if (memory == NULL)
        die(FAILED, "out of memory: %zu element%s of %zu byte%s", count, plural(count), size,
            plural(size));
    return memory;
}

void *ealloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size), count, size);
}

void *egrow(void *memory, size_t count, size_t size)
{
    return must(reallocarray(memory, count ? count : 1, size), count, size);
}

void *egrow_by_one(void *memory, size_t count, size_t size)
{
    int is_full = (count & (count - 1)) == 0; /* room doubles: 1, 2, 4 … */
    return is_full ? egrow(memory, 2 * count, size) : memory;
}

char *ecopy(const char *text)
{
    return must(strdup(text), strlen(text) + 1, 1);
}

char *eformat(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must(size < 0 ? NULL : text, 1, 1);
}
