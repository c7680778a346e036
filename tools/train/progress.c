#include "progress.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <msgpack.h>
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
    msgpack_sbuffer record;
    msgpack_packer packer;
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
    msgpack_sbuffer_init(&made->record);
    msgpack_packer_init(&made->packer, &made->record, msgpack_sbuffer_write);
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
    msgpack_sbuffer_destroy(&progress->record);
    free(progress->path);
    free(progress->name);
    free(progress);
}

static void put_text(struct progress *progress, const char *text)
{
    msgpack_pack_str(&progress->packer, strlen(text));
    msgpack_pack_str_body(&progress->packer, text, strlen(text));
}

static void put_uint(struct progress *progress, const char *key, uint64_t value)
{
    put_text(progress, key);
    msgpack_pack_uint64(&progress->packer, value);
}

static void put_real(struct progress *progress, const char *key, double value)
{
    put_text(progress, key);
    msgpack_pack_double(&progress->packer, value);
}

/* The fields that every record has; more follow. */
enum { COMMON_FIELDS = 8 };
static void begin(struct progress *progress, const char *type, uint64_t epoch, uint64_t iteration,
                  uint32_t more)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    msgpack_sbuffer_clear(&progress->record);
    msgpack_pack_map(&progress->packer, COMMON_FIELDS + more);
    put_text(progress, "type");
    put_text(progress, type);
    put_text(progress, "name");
    put_text(progress, progress->name);
    put_uint(progress, "epoch", epoch);
    put_uint(progress, "epochs", progress->epochs);
    put_uint(progress, "iteration", iteration);
    put_uint(progress, "iterations", progress->iterations);
    put_real(progress, "time", (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    put_uint(progress, "lost", progress->lost);
}

/* One write of at most PIPE_BUF bytes: whole or not at all, also among many writers. */
static void send_record(struct progress *progress)
{
    if (progress->fd < 0)
        (void)try_open(progress);
    ssize_t put = -1;
    if (progress->fd >= 0 && progress->record.size <= PIPE_BUF)
        put = write(progress->fd, progress->record.data, progress->record.size);
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

void progress_step(struct progress *progress, uint64_t epoch, uint64_t iteration, uint64_t images,
                   double loss, double accuracy)
{
    if (progress == NULL)
        return;
    begin(progress, "progress", epoch, iteration, 3);
    put_uint(progress, "images", images);
    put_real(progress, "loss", loss);
    put_real(progress, "accuracy", accuracy);
    send_record(progress);
}

void progress_validation(struct progress *progress, uint64_t epoch, uint64_t iteration,
                         uint64_t images, double loss, double accuracy)
{
    if (progress == NULL)
        return;
    begin(progress, "validation", epoch, iteration, 3);
    put_uint(progress, "images", images);
    put_real(progress, "loss", loss);
    put_real(progress, "accuracy", accuracy);
    send_record(progress);
}

void progress_done(struct progress *progress, uint64_t epoch, uint64_t iteration,
                   const char *status)
{
    if (progress == NULL)
        return;
    begin(progress, "done", epoch, iteration, 1);
    put_text(progress, "status");
    put_text(progress, status);
    send_record(progress);
}
