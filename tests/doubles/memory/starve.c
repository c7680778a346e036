/* The memory of a machine that has no more: loaded before the C library, it makes one allocation
 * fail.
 *
 *     STARVE=N STARVE_COUNT=FILE LD_PRELOAD=starve.so COMMAND
 *
 * The N-th call that would take memory fails, and with STARVE_ON set all that follow too; with 0
 * none does. FILE then holds how many there were. What counts are calls by the program's own code,
 * by libpsweep, and by the two libraries whose memory they answer for, msgpack-c and xxHash. Cairo,
 * fontconfig and OpenSSL end a program by themselves where they get none, so that theirs tell
 * nothing about ours.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fts.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_PARTS = 32 };
static struct part {
    uintptr_t begin, end;
} part[MOST_PARTS]; /* of the address space: code that counts */
static size_t parts;
static atomic_ulong count;
static unsigned long fails;
static int goes_on;

/* The program itself has no name. */
static int look(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (info->dlpi_name[0] && !strstr(info->dlpi_name, "msgpack") &&
        !strstr(info->dlpi_name, "xxhash") && !strstr(info->dlpi_name, "/libpsweep.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum && parts < MOST_PARTS; i++)
        if (info->dlpi_phdr[i].p_flags & PF_X) {
            uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            part[parts++] = (struct part){begin, begin + info->dlpi_phdr[i].p_memsz};
        }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("STARVE");
    fails = number ? strtoul(number, NULL, 10) : 0;
    goes_on = getenv("STARVE_ON") != NULL;
    dl_iterate_phdr(look, NULL);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("STARVE_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "%lu\n", (unsigned long)count);
    fclose(file);
}

/* Whether the call that returns there is to fail. */
static int starves(const void *caller)
{
    for (size_t i = 0; i < parts; i++)
        if ((uintptr_t)caller >= part[i].begin && (uintptr_t)caller < part[i].end) {
            unsigned long number = ++count;
            int now = fails > 0 && (number == fails || (goes_on && number > fails));
            errno = now ? ENOMEM : errno;
            return now;
        }
    return 0;
}

/* A function of the C library with these arguments, and what it returns when it fails. */
#define REAL(type, name, parameters, arguments, failure)                                           \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return starves(__builtin_return_address(0)) ? (failure) : real arguments;                  \
    }

/* These two are called before dlsym() can be, which may itself call calloc(). */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *malloc(size_t size)
{
    return starves(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}
void *calloc(size_t number, size_t size)
{
    return starves(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}
void *realloc(void *memory, size_t size)
{
    return starves(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}
REAL(void *, reallocarray, (void *memory, size_t number, size_t size), (memory, number, size), NULL)
REAL(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
REAL(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
     (at, size, prot, flags, fd, offset), MAP_FAILED)
REAL(char *, strdup, (const char *text), (text), NULL)
REAL(char *, strndup, (const char *text, size_t size), (text, size), NULL)
REAL(char *, realpath, (const char *path, char *to), (path, to), NULL)
REAL(ssize_t, getline, (char **line, size_t *size, FILE *file), (line, size, file), -1)
REAL(ssize_t, __getdelim, (char **line, size_t *size, int end, FILE *file), (line, size, end, file),
     -1)
REAL(int, scandirat,
     (int folder, const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
      int (*order)(const struct dirent **, const struct dirent **)),
     (folder, path, list, choose, order), -1)
REAL(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
REAL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
REAL(FILE *, popen, (const char *command, const char *mode), (command, mode), NULL)
REAL(FILE *, open_memstream, (char **text, size_t *size), (text, size), NULL)
REAL(FTS *, fts_open, (char *const *roots, int how, int (*order)(const FTSENT **, const FTSENT **)),
     (roots, how, order), NULL)
REAL(FTSENT *, fts_read, (FTS * tree), (tree), NULL)
REAL(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *how, void *(*run)(void *), void *with),
     (thread, how, run, with), EAGAIN)
int vasprintf(char **text, const char *format, va_list arguments)
{
    static int (*real)(char **, const char *, va_list);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "vasprintf");
    return starves(__builtin_return_address(0)) ? -1 : real(text, format, arguments);
}
int asprintf(char **text, const char *format, ...)
{
    if (starves(__builtin_return_address(0)))
        return -1;
    va_list arguments;
    va_start(arguments, format);
    int made = vasprintf(text, format, arguments);
    va_end(arguments);
    return made;
}
