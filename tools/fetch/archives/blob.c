#include "archives/blob.h"

#include "message.h"
#include "archives/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 18 };

struct supply {
    struct remote *remote; /* or NULL, and it is a file: */
    int fd;
    uint64_t at, size;
    uint8_t *block;
    char *name;
};

static int open_file(struct supply *supply, const char *name)
{
    struct stat status;
    supply->fd = open(name, O_RDONLY | O_CLOEXEC);
    supply->name = ecopy(name);
    if (supply->fd < 0 || fstat(supply->fd, &status) < 0)
        return fail("cannot read %s: %s", name, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail("cannot read %s: it is not a file", name);
    supply->size = (uint64_t)status.st_size;
    supply->block = ealloc(BLOCK, 1);
    return 0;
}

int supply_open(struct supply **out, const char *name, const struct source_options *options)
{
    struct supply *supply = ealloc(1, sizeof *supply);
    supply->fd = -1;
    int done =
        remote_is_url(name) ? remote_open(&supply->remote, name, options) : open_file(supply, name);
    *out = supply;
    if (done < 0) {
        supply_close(supply);
        *out = NULL;
    }
    return done;
}

void supply_close(struct supply *supply)
{
    if (supply == NULL)
        return;
    remote_close(supply->remote);
    if (supply->fd >= 0)
        close(supply->fd);
    free(supply->block);
    free(supply->name);
    free(supply);
}

ssize_t supply_read(struct supply *supply, const void **block)
{
    if (supply->remote != NULL)
        return remote_read(supply->remote, block);
    ssize_t got;
    do
        got = pread(supply->fd, supply->block, BLOCK, (off_t)supply->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail("cannot read %s: %s", supply->name, strerror(errno));
    supply->at += (uint64_t)got;
    *block = supply->block;
    return got;
}

int64_t supply_skip(struct supply *supply, int64_t size)
{
    uint64_t left = supply->size - supply->at;
    if (supply->remote != NULL || supply->at >= supply->size || size < 0)
        return 0;
    uint64_t step = (uint64_t)size < left ? (uint64_t)size : left;
    supply->at += step;
    return (int64_t)step;
}

int supply_file(const struct supply *supply)
{
    return supply->fd;
}

void supply_rest(struct supply *supply)
{
    free(supply->block);
    supply->block = NULL;
}

int supply_check(struct supply *supply, int failed)
{
    return supply->remote != NULL ? remote_check(supply->remote, failed) : 0;
}
