#include "source.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* The state of a path that cannot be opened under --follow: a file that may still come. */
static int may_come(const char *path)
{
    char *copy = ecopy(path);
    int there = access(dirname(copy), X_OK) == 0;
    free(copy);
    return there;
}

struct source source_of(const char *path)
{
    return (struct source){.path = path, .fd = -1, .feed = feed_open(path)};
}

int source_open(struct source *source, int follow)
{
    const char *path = source->path;
    const struct feed *feed = source->feed;
    source->follow = follow;
    source->fd = STDIN_FILENO;
    if (path != NULL) {
        /* Only a FIFO would make open() wait, for its first writer: under --follow we must not. */
        source->fd = open(path, O_RDONLY | O_CLOEXEC | (follow ? O_NONBLOCK : 0));
        if (source->fd < 0 && errno == ENOENT && follow && may_come(path))
            return 0;
        if (source->fd < 0)
            return fail("cannot open %s: %s", feed->path, strerror(errno));
    }
    struct stat status;
    if (path == NULL && follow)
        (void)fcntl(source->fd, F_SETFL, fcntl(source->fd, F_GETFL) | O_NONBLOCK);
    if (fstat(source->fd, &status) < 0)
        return fail("cannot look at %s: %s", feed->path, strerror(errno));
    if (S_ISDIR(status.st_mode) && follow)
        source->is_folder = 1;
    else if (S_ISDIR(status.st_mode))
        return fail("%s is a folder; files are wanted", feed->path);
    source->is_file = S_ISREG(status.st_mode);
    source->is_pipe = S_ISFIFO(status.st_mode);
    if (follow && !source->is_file && !source->is_pipe && !source->is_folder)
        return fail("%s is neither a file nor a pipe: it cannot be followed", feed->path);
    source->state = SOURCE_OPEN;
    return 0;
}

const char *source_label(const struct source *source, int count, int place)
{
    const struct feed *feed = source[place].feed;
    if (feed->stem == NULL)
        return feed->path;
    for (int i = 0; i < count; i++)
        if (i != place && source[i].feed->stem && strcmp(source[i].feed->stem, feed->stem) == 0)
            return feed->path;
    return feed->stem;
}

void source_shut(struct source *source)
{
    record_close(source->reader);
    source->reader = NULL;
    if (source->path && source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

void source_close(struct source *source)
{
    source_shut(source);
    feed_free(source->feed);
    free(source->complaint);
    free(source->open);
}

/* The first bytes of the input, which stay there: how many, 0 when there are none (yet), -1 when
 * the input cannot be looked at that way. */
static ssize_t peek(const struct source *source, uint8_t *bytes, size_t size)
{
    if (source->is_file)
        return pread(source->fd, bytes, size, lseek(source->fd, 0, SEEK_CUR));
    int copy[2];
    if (!source->is_pipe || pipe2(copy, O_CLOEXEC) < 0)
        return -1;
    ssize_t got = tee(source->fd, copy[1], size, source->follow ? SPLICE_F_NONBLOCK : 0);
    if (got < 0 && errno == EAGAIN)
        got = 0;
    if (got > 0)
        got = read(copy[0], bytes, (size_t)got);
    close(copy[0]);
    close(copy[1]);
    return got;
}

/* Begins to read, once there is a first record to judge by: whether it has begun. */
static int begin(struct source *source)
{
    /* Records of a progress channel have at most 4096 bytes and are written at once: what is cut
     * off here is none of them. */
    uint8_t first[4096];
    ssize_t size = peek(source, first, sizeof first);
    if (size == 0 && source->follow)
        return 0;
    source->feed->bare = size > 0 && record_is_bare(first, (size_t)size);
    source->reader = record_open(source->fd, source->feed->path,
                                 (source->feed->bare ? READ_BARE : READ_STREAM) |
                                     (source->follow ? READ_FOLLOW : 0));
    return 1;
}

/* A followed file that is shorter than what was read of it was begun anew. */
static int begun_anew(const struct source *source)
{
    struct stat status;
    return source->follow && source->is_file && fstat(source->fd, &status) == 0 &&
           (uint64_t)status.st_size < record_bytes(source->reader);
}

static void begin_again(struct source *source, struct history *history)
{
    explain("%s was begun anew", source->feed->path);
    record_close(source->reader);
    source->reader = NULL;
    history_forget(history, source->feed);
    source->opens = 0;
    lseek(source->fd, 0, SEEK_SET);
}

int source_damage(struct source *source)
{
    if (why_status() != DAMAGED)
        return -1;
    source->complaint = ecopy(why());
    history_lose(source->feed);
    source->state = SOURCE_DAMAGED;
    return 0;
}

void source_complain(struct source *source)
{
    if (source->complaint)
        note("%s", source->complaint);
    else if (source->reader && record_unproven(source->reader) && !source->doubted++)
        note("%s has no seals, as early versions wrote it: nothing proves that it is undamaged",
             source->feed->path);
    free(source->complaint);
    source->complaint = NULL;
}

/* A record of the progress channel: its run goes on, or has said its last word. */
static void hear(struct source *source, const struct record *record)
{
    const msgpack_object *name = record_field(record, "name");
    uint64_t digest = XXH3_64bits(name->via.str.ptr, name->via.str.size);
    size_t i = 0;
    while (i < source->opens && source->open[i] != digest)
        i++;
    if (record->type == RECORD_DONE && i < source->opens) {
        source->open[i] = source->open[--source->opens];
    } else if (record->type != RECORD_DONE && i == source->opens) {
        source->open = egrow(source->open, source->opens + 1, sizeof *source->open);
        source->open[source->opens++] = digest;
    }
}

/* All was read, and no record is damaged or cut off. */
static void come_to_end(struct source *source)
{
    size_t open = source->opens;
    source->state = SOURCE_ENDED;
    if (open == 0)
        return;
    fail_as(DAMAGED, "%s ends before %zu run%s had said that %s done: %s, or failed",
            source->feed->path, open, plural(open), open == 1 ? "it was" : "they were",
            open == 1 ? "it still runs" : "they still run");
    source_damage(source);
}

int source_next(struct source *source, struct record *record)
{
    if (source->state != SOURCE_OPEN)
        return RECORD_NONE;
    if (source->reader == NULL)
        begin(source);
    int got = record_next(source->reader, record);
    if (got < 0)
        return source_damage(source) < 0 ? -1 : RECORD_NONE;
    if (got == RECORD_READ && source->feed->bare)
        hear(source, record);
    if (got == RECORD_NONE)
        come_to_end(source);
    return got;
}

int64_t source_read(struct source *source, struct history *history, double now)
{
    int64_t taken = 0;
    if (source->state == SOURCE_MISSING && source_open(source, 1) < 0)
        return -1;
    if (source->state != SOURCE_OPEN || source->is_folder)
        return 0;
    if (source->reader && begun_anew(source))
        begin_again(source, history);
    if (source->reader == NULL && !begin(source))
        return 0;
    for (;;) {
        struct record record;
        int got = record_next(source->reader, &record);
        if (got == RECORD_READ &&
            history_take(history, source->feed, source->reader, &record, now) < 0)
            got = -1;
        if (got < 0)
            return source_damage(source) < 0 ? -1 : taken;
        if (got == RECORD_READ && source->feed->bare)
            hear(source, &record);
        if (got == RECORD_NONE)
            come_to_end(source);
        if (got != RECORD_READ)
            return taken;
        taken++;
    }
}

int source_read_all(struct source *source, int count, struct history *history)
{
    for (int i = 0; i < count; i++) {
        if (source_open(&source[i], 0) < 0 || source_read(&source[i], history, NAN) < 0)
            return -1;
        source_complain(&source[i]);
        source_shut(&source[i]);
    }
    return 0;
}

int source_any_damaged(const struct source *source, int count)
{
    int damaged = 0;
    for (int i = 0; i < count; i++)
        damaged |= source[i].state == SOURCE_DAMAGED;
    return damaged;
}

void source_hang_up(struct source *source)
{
    /* Where nothing has come yet, it is not known which of the two it will be. */
    if (source->state != SOURCE_OPEN || source->reader == NULL || source->feed->bare)
        return;
    if (!source->feed->inside) {
        source->state = SOURCE_ENDED;
        return;
    }
    unsigned long long records = record_count(source->reader);
    fail_as(DAMAGED,
            "%s ends after %llu records without an end record: the program before it failed",
            source->feed->path, records);
    source_damage(source);
}

int source_complete(const struct source *source)
{
    if (source->state == SOURCE_ENDED || source->state == SOURCE_DAMAGED)
        return 1;
    if (source->is_folder)
        return source->idle;
    if (source->state == SOURCE_MISSING || source->reader == NULL)
        return 0;
    return source->feed->bare ? source->opens == 0 : !source->feed->inside;
}

void source_give_up(struct source *source, const struct history *history)
{
    size_t lost = source->opens;
    if (source_complete(source))
        return;
    for (size_t i = 0; i < history->runs; i++)
        if (history->run[i]->path == source->feed->path && history->run[i]->state == RUN_OPEN)
            history->run[i]->state = RUN_LOST;
    if (lost == 0)
        fail_as(DAMAGED, "%s was closed without any record", source->feed->path);
    else
        fail_as(
            DAMAGED,
            "%s was closed before %zu run%s had said that %s done: the program before it failed",
            source->feed->path, lost, plural(lost), lost == 1 ? "it was" : "they were");
    source_damage(source);
}
