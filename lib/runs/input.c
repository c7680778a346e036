#include "input.h"

#include "label.h"
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

struct input input_of(const char *path)
{
    return (struct input){.path = path,
                          .fd = -1,
                          .name = path ? label_clean(path, strlen(path)) : ecopy("input"),
                          .stem = path ? label_stem(path) : NULL};
}

int input_open(struct input *input, int follow)
{
    const char *path = input->path;
    struct stat status;
    input->follow = follow;
    input->fd = STDIN_FILENO;
    if (path != NULL) {
        /* Only a FIFO would make open() wait, for its first writer: under --follow we must not. */
        input->fd = open(path, O_RDONLY | O_CLOEXEC | (follow ? O_NONBLOCK : 0));
        int error = errno, may_come = 0;
        if (input->fd < 0 && error == ENOENT && follow) {
            char *copy = ecopy(path);
            may_come = access(dirname(copy), X_OK) == 0;
            free(copy);
        }
        if (input->fd < 0)
            return may_come ? 0 : fail("cannot open %s: %s", input->name, strerror(error));
    } else if (follow) {
        (void)fcntl(input->fd, F_SETFL, fcntl(input->fd, F_GETFL) | O_NONBLOCK);
    }
    if (fstat(input->fd, &status) < 0)
        return fail("cannot look at %s: %s", input->name, strerror(errno));
    if (S_ISDIR(status.st_mode) && follow) {
        close(input->fd);
        input->fd = -1;
        return 0;
    }
    if (S_ISDIR(status.st_mode))
        return fail("%s is a folder; files are wanted", input->name);
    input->is_file = S_ISREG(status.st_mode);
    input->is_pipe = S_ISFIFO(status.st_mode);
    if (follow && !input->is_file && !input->is_pipe)
        return fail("%s is neither a file nor a pipe: it cannot be followed", input->name);
    input->state = INPUT_OPEN;
    return 0;
}

void input_shut(struct input *input)
{
    record_close(input->reader);
    input->reader = NULL;
    if (input->path && input->fd >= 0)
        close(input->fd);
    input->fd = -1;
}

void input_close(struct input *input)
{
    input_shut(input);
    free(input->name);
    free(input->stem);
    classes_free(&input->classes);
    free(input->complaint);
    free(input->open);
}

/* The first bytes of the input, which stay there: how many, 0 when there are none (yet), -1 when
 * the input cannot be looked at that way. */
static ssize_t peek(const struct input *input, uint8_t *bytes, size_t size)
{
    if (input->is_file)
        return pread(input->fd, bytes, size, lseek(input->fd, 0, SEEK_CUR));
    int copy[2];
    if (!input->is_pipe || pipe2(copy, O_CLOEXEC) < 0)
        return -1;
    ssize_t got = tee(input->fd, copy[1], size, input->follow ? SPLICE_F_NONBLOCK : 0);
    if (got < 0 && errno == EAGAIN)
        got = 0;
    if (got > 0)
        got = read(copy[0], bytes, (size_t)got);
    close(copy[0]);
    close(copy[1]);
    return got;
}

/* Begins to read, once there is a first record to judge by: whether it has begun. */
static int begin(struct input *input)
{
    /* Records of a progress channel have at most 4096 bytes and are written at once: what is cut
     * off here is none of them. */
    uint8_t first[4096];
    ssize_t size = peek(input, first, sizeof first);
    if (size == 0 && input->follow)
        return 0;
    input->bare = size > 0 && record_is_bare(first, (size_t)size);
    input->reader =
        record_open(input->fd, input->name,
                    (input->bare ? READ_BARE : READ_STREAM) | (input->follow ? READ_FOLLOW : 0));
    return 1;
}

int input_damage(struct input *input)
{
    if (why_status() != DAMAGED)
        return -1;
    input->complaint = ecopy(why());
    if (input->run && input->inside)
        input->run->state = RUN_TORN;
    input->state = INPUT_DAMAGED;
    return 0;
}

void input_complain(struct input *input)
{
    if (input->complaint)
        note("%s", input->complaint);
    else if (input->reader && record_unproven(input->reader) && !input->doubted++)
        note("%s has no seals, as early versions wrote it: nothing proves that it is undamaged",
             input->name);
    free(input->complaint);
    input->complaint = NULL;
}

/* A record of the progress channel: its run goes on, or has said its last word. */
static void hear(struct input *input, const struct record *record)
{
    const msgpack_object *name = record_field(record, "name");
    uint64_t digest = XXH3_64bits(name->via.str.ptr, name->via.str.size);
    size_t i = 0;
    while (i < input->opens && input->open[i] != digest)
        i++;
    if (record->type == RECORD_DONE && i < input->opens) {
        input->open[i] = input->open[--input->opens];
    } else if (record->type != RECORD_DONE && i == input->opens) {
        input->open = egrow(input->open, input->opens + 1, sizeof *input->open);
        input->open[input->opens++] = digest;
    }
}

int input_next(struct input *input, struct record *record)
{
    if (input->state != INPUT_OPEN)
        return RECORD_NONE;
    if (input->reader == NULL && !begin(input))
        return RECORD_WAIT;
    int got = record_next(input->reader, record);
    if (got < 0)
        return input_damage(input) < 0 ? -1 : RECORD_NONE;
    if (got == RECORD_READ && input->bare)
        hear(input, record);
    if (got != RECORD_NONE)
        return got;
    /* All was read, and no record is damaged or cut off. */
    size_t open = input->opens;
    input->state = INPUT_ENDED;
    if (open > 0) {
        fail_as(DAMAGED, "%s ends before %zu run%s had said that %s done: %s, or failed",
                input->name, open, plural(open), open == 1 ? "it was" : "they were",
                open == 1 ? "it still runs" : "they still run");
        input_damage(input);
    }
    return RECORD_NONE;
}

static int take_header(struct input *input, struct history *history, const struct record *record)
{
    char kind[32];
    if (record_text(record, "kind", kind, sizeof kind) < 0)
        return -1;
    history->images = strcmp(kind, "images") == 0 || strcmp(kind, "epochs") == 0;
    if (record_check_kind(input->reader, record, "run scores") < 0)
        return -1;
    input->inside = 1;
    input->run = NULL;
    if (strcmp(kind, "scores") == 0) {
        input->model = history->models;
        history_add_models(history, record);
        classes_free(&input->classes);
        return classes_read(record, &input->classes);
    }
    input->run = history_add_run(history, input->name, input->stem, ++input->runs);
    if (run_take(input->run, record, NAN) < 0)
        return -1;
    run_ask(input->run, history->epochs);
    return 0;
}

int input_take(struct input *input, struct history *history, const struct record *record,
               double now)
{
    if (record->type == RECORD_HEADER)
        return take_header(input, history, record);
    if (record->type == RECORD_SCORE)
        return history_add_score(history, record, &input->classes, input->model);
    if (record->type == RECORD_END)
        input->inside = 0;
    struct run *run = input->run;
    if (input->bare)
        run = history_named_run(history, input->name, input->stem, record);
    return run ? run_take(run, record, now) : 0;
}

int64_t input_read(struct input *input, struct history *history, double now)
{
    struct record record;
    struct stat file;
    int64_t taken = 0;
    int got;
    if (input->state == INPUT_MISSING && input_open(input, 1) < 0)
        return -1;
    /* A followed file that is shorter than what was read of it was begun anew. */
    if (input->state == INPUT_OPEN && input->reader && input->follow && input->is_file &&
        fstat(input->fd, &file) == 0 && (uint64_t)file.st_size < record_bytes(input->reader)) {
        explain("%s was begun anew", input->name);
        record_close(input->reader);
        input->reader = NULL;
        history_forget(history, input->name);
        input->runs = input->inside = 0;
        input->run = NULL;
        input->opens = 0;
        lseek(input->fd, 0, SEEK_SET);
    }
    for (; (got = input_next(input, &record)) == RECORD_READ; taken++)
        if (input_take(input, history, &record, now) < 0)
            return input_damage(input) < 0 ? -1 : taken;
    return got < 0 ? -1 : taken;
}

int input_read_all(struct input *input, int count, struct history *history)
{
    for (int i = 0; i < count; i++) {
        if (input_open(&input[i], 0) < 0 || input_read(&input[i], history, NAN) < 0)
            return -1;
        input_complain(&input[i]);
        input_shut(&input[i]);
    }
    return 0;
}

int input_any_damaged(const struct input *input, int count)
{
    int damaged = 0;
    for (int i = 0; i < count; i++)
        damaged |= input[i].state == INPUT_DAMAGED;
    return damaged;
}

void input_hang_up(struct input *input)
{
    /* Where nothing has come yet, it is not known which of the two it will be. */
    if (input->state != INPUT_OPEN || input->reader == NULL || input->bare)
        return;
    if (!input->inside) {
        input->state = INPUT_ENDED;
        return;
    }
    fail_as(DAMAGED,
            "%s ends after %llu records without an end record: the program before it failed",
            input->name, (unsigned long long)record_count(input->reader));
    input_damage(input);
}

int input_complete(const struct input *input)
{
    if (input->state == INPUT_ENDED || input->state == INPUT_DAMAGED)
        return 1;
    if (input->state == INPUT_MISSING || input->reader == NULL)
        return 0;
    return input->bare ? input->opens == 0 : !input->inside;
}

void input_give_up(struct input *input, const struct history *history)
{
    size_t lost = input->opens;
    if (input_complete(input))
        return;
    for (size_t i = 0; i < history->runs; i++)
        if (history->run[i]->path == input->name && history->run[i]->state == RUN_OPEN)
            history->run[i]->state = RUN_TORN;
    if (lost == 0)
        fail_as(DAMAGED, "%s was closed without any record", input->name);
    else
        fail_as(
            DAMAGED,
            "%s was closed before %zu run%s had said that %s done: the program before it failed",
            input->name, lost, plural(lost), lost == 1 ? "it was" : "they were");
    input_damage(input);
}
