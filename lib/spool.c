#include "spool.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 1 << 18 };

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    free(spool->buffer);
    *spool = SPOOL_NEW;
}

void spool_empty(struct spool *spool)
{
    /* What lies beyond is written over. */
    spool->size = 0;
    spool->held = 0;
}

static int make_file(struct spool *spool)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int used = snprintf(path, sizeof path, "%s/%s.XXXXXX",
                        folder != NULL && *folder != '\0' ? folder : "/tmp", program);
    if (used >= (int)sizeof path)
        return fail("the name in TMPDIR is too long");
    spool->fd = mkostemp(path, O_CLOEXEC);
    if (spool->fd < 0)
        return fail("cannot make the spool file %s: %s", path, strerror(errno));
    unlink(path);
    return 0;
}

static int write_out(struct spool *spool)
{
    uint64_t at = spool->size - spool->held;
    for (size_t done = 0; done < spool->held;) {
        ssize_t put =
            pwrite(spool->fd, spool->buffer + done, spool->held - done, (off_t)(at + done));
        if (put < 0 && errno != EINTR)
            return fail("cannot write the spool file: %s", strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    spool->held = 0;
    return 0;
}

int spool_flush(struct spool *spool)
{
    int done = write_out(spool);
    free(spool->buffer); /* there may be many spools, and of all of them only one grows */
    spool->buffer = NULL;
    return done;
}

int spool_add(struct spool *spool, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    if (spool->fd < 0 && make_file(spool) < 0)
        return -1;
    if (spool->buffer == NULL)
        spool->buffer = ealloc(BUFFER, 1);
    while (size > 0) {
        size_t part = size < BUFFER - spool->held ? size : BUFFER - spool->held;
        memcpy(spool->buffer + spool->held, from, part);
        spool->held += part;
        spool->size += part;
        from += part;
        size -= part;
        if (spool->held == BUFFER && write_out(spool) < 0)
            return -1;
    }
    return 0;
}

int read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR)
            return fail("%s", strerror(errno));
        if (got == 0)
            return fail_as(DAMAGED, "the file became shorter while it was read");
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}
