#include "progress.h"

#include "message.h"
#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct progress {
    char *path, *name;
    uint64_t epochs, iterations;
    int fd; /* -1: nobody reads the FIFO at present */
    uint64_t lost;
    struct writer *record;
};

/* A FIFO without a reader answers ENXIO: an expected event, tried again with each record. */
static int try_open(struct progress *progress)
{
    progress->fd =
        open(progress->path, O_WRONLY | O_NONBLOCK | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    return progress->fd >= 0 || errno == ENXIO ? 0 : -1;
}

/* fd:N is opened anew, so that not waiting is our own affair and not that of everyone who shares N.
 */
static char *path_of(const char *path)
{
    char again[32];
    int number, used = 0;
    if (sscanf(path, "fd:%d%n", &number, &used) != 1 || path[used])
        return ecopy(path);
    snprintf(again, sizeof again, "/proc/self/fd/%d", number);
    return ecopy(again);
}

int progress_open(struct progress **progress, const char *path, const char *name, uint64_t epochs,
                  uint64_t iterations)
{
    *progress = NULL;
    if (path == NULL)
        return 0;
    struct progress *made = ealloc(1, sizeof *made);
    made->path = path_of(path);
    made->name = ecopy(name);
    made->epochs = epochs;
    made->iterations = iterations;
    made->record = write_open(-1, "progress");
    if (try_open(made) < 0) {
        int error = errno;
        progress_close(made);
        return fail("cannot write progress to %s: %s", path, strerror(error));
    }
    *progress = made;
    return 0;
}

void progress_close(struct progress *progress)
{
    if (progress == NULL)
        return;
    if (progress->fd >= 0)
        close(progress->fd);
    write_close(progress->record);
    free(progress->path);
    free(progress->name);
    free(progress);
}

/* The fields that every record has; more follow, and at last its seal. */
static void begin(struct progress *progress, const char *type, uint64_t epoch, uint64_t iteration)
{
    struct writer *record = progress->record;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    write_begin(record, type);
    pack_text(record, "name", progress->name);
    pack_uint(record, "epoch", epoch);
    pack_uint(record, "epochs", progress->epochs);
    pack_uint(record, "iteration", iteration);
    pack_uint(record, "iterations", progress->iterations);
    pack_real(record, "time", (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    pack_uint(record, "lost", progress->lost);
}

/* One write of at most PIPE_BUF bytes: whole or not at all, also among many writers. */
static void send_record(struct progress *progress)
{
    if (progress->fd < 0)
        (void)try_open(progress);
    ssize_t put = -1;
    size_t size;
    pack_seal(progress->record);
    const uint8_t *bytes =
        write_end(progress->record) < 0 ? NULL : write_last(progress->record, &size);
    if (progress->fd >= 0 && bytes && size <= PIPE_BUF)
        put = write(progress->fd, bytes, size);
    if (put < 0 && progress->fd >= 0 && errno == EPIPE) {
        close(progress->fd);
        progress->fd = -1;
    }
    progress->lost = put < 0 ? progress->lost + 1 : 0;
}

void progress_expect(struct progress *progress, uint64_t epochs, uint64_t iterations)
{
    if (progress == NULL)
        return;
    progress->epochs = epochs;
    progress->iterations = iterations;
}

void progress_send(struct progress *progress, const char *type, uint64_t epoch, uint64_t iteration,
                   uint64_t images, double loss, double accuracy, double rate)
{
    if (progress == NULL)
        return;
    begin(progress, type, epoch, iteration);
    pack_uint(progress->record, "images", images);
    pack_real(progress->record, "loss", loss);
    pack_real(progress->record, "accuracy", accuracy);
    if (!isnan(rate))
        pack_real(progress->record, "rate", rate);
    send_record(progress);
}

void progress_done(struct progress *progress, uint64_t epoch, uint64_t iteration,
                   const char *status)
{
    if (progress == NULL)
        return;
    begin(progress, "done", epoch, iteration);
    pack_text(progress->record, "status", status);
    send_record(progress);
}
