#include "finding.h"

#include "message.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct reached nothing = {0, 0, NAN, NAN};

static void judge(struct finding *finding, enum finding_state state, const char *reason)
{
    finding->state = state;
    snprintf(finding->reason, sizeof finding->reason, "%s", reason);
}

static int take_point(struct finding *finding, const struct record *record)
{
    uint64_t epoch;
    struct reached *reached = &finding->reached;
    if (record_uint(record, "epoch", UINT64_MAX, &epoch) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &reached->iteration) < 0)
        return -1;
    /* A mini-batch tells of the epoch that it is in. */
    if (record->type == RECORD_PROGRESS && epoch > 0)
        epoch--;
    if (epoch > reached->epoch)
        reached->epoch = epoch;
    if (record->type == RECORD_CHECKPOINT) {
        finding->checkpoints++;
        finding->checkpoint = epoch;
        finding->proven = *reached;
    }
    if (record->type != RECORD_VALIDATION)
        return 0;
    return record_real(record, "loss", &reached->loss) < 0
               ? -1
               : record_real(record, "accuracy", &reached->accuracy);
}

static int take_model(struct finding *finding, const struct record *record)
{
    const msgpack_object *stopped = record_field(record, "stopped");
    finding->has_model = 1;
    finding->stopped = stopped && stopped->type == MSGPACK_OBJECT_BOOLEAN && stopped->via.boolean;
    if (record_field(record, "reason") &&
        record_text(record, "reason", finding->reason, sizeof finding->reason) < 0)
        return -1;
    if (record_uint(record, "epochs", UINT64_MAX, &finding->epochs) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &finding->reached.iteration) < 0)
        return -1;
    return record_uint(record, "epoch", UINT64_MAX, &finding->reached.epoch);
}

static int take(struct finding *finding, const struct reader *reader, const struct record *record)
{
    switch (record->type) {
    case RECORD_HEADER:
        finding->joined = finding->has_header;
        if (finding->joined)
            return fail("%s joins several runs", record_name(reader));
        if (record_check_kind(reader, record, "run") < 0)
            return -1;
        finding->has_header = 1;
        return record_text(record, "engine", finding->engine, sizeof finding->engine);
    case RECORD_PROGRESS:
    case RECORD_VALIDATION:
    case RECORD_CHECKPOINT:
        return take_point(finding, record);
    case RECORD_MODEL:
        return take_model(finding, record);
    case RECORD_END:
        finding->has_end = 1;
        return 0;
    default:
        return 0;
    }
}

/* All was read, without damage. left: whether bytes of an unfinished record follow. */
static void judge_whole(struct finding *finding, const struct reader *reader, int left)
{
    char reason[128];
    if (!finding->has_header) {
        judge(finding, FINDING_EMPTY, "");
        return;
    }
    if (finding->has_end && !left && finding->has_model) {
        finding->state = finding->stopped ? FINDING_STOPPED : FINDING_DONE;
        return;
    }
    if (finding->has_end)
        snprintf(reason, sizeof reason, left ? "bytes follow the end record" : "it has no model");
    else
        snprintf(reason, sizeof reason, "it ends after %llu records without an end record",
                 (unsigned long long)record_count(reader));
    judge(finding, FINDING_TORN, reason);
}

/* A file that grows ends in the middle of something, which is no damage: so it is followed. */
static void read_run(struct finding *finding, int fd, const char *name, int64_t size)
{
    struct record record;
    struct reader *reader = record_open(fd, name, READ_STREAM | READ_FOLLOW);
    int got;
    do
        got = record_next(reader, &record);
    while (got == RECORD_READ && (got = take(finding, reader, &record)) == 0);
    if (got >= 0) {
        judge_whole(finding, reader, size >= 0 && (uint64_t)size > record_bytes(reader));
    } else if (finding->has_header && !finding->joined) {
        finding->reached = finding->proven;
        judge(finding, FINDING_TORN, why());
    } else {
        *finding = (struct finding){.reached = nothing};
        judge(finding, FINDING_UNREADABLE, why());
    }
    record_close(reader);
}

struct finding finding_of(const char *path)
{
    struct stat file;
    struct finding finding = {.reached = nothing, .proven = nothing};
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : STDIN_FILENO;
    if (fd < 0 || fstat(fd, &file) < 0)
        judge(&finding, FINDING_UNREADABLE, strerror(errno));
    else if (path && !S_ISREG(file.st_mode))
        judge(&finding, FINDING_UNREADABLE, "it is not a file");
    else
        read_run(&finding, fd, path ? path : "input", S_ISREG(file.st_mode) ? file.st_size : -1);
    if (path && fd >= 0)
        close(fd);
    return finding;
}

uint64_t finding_reached(const char *path)
{
    struct finding finding = finding_of(path);
    if (finding.state != FINDING_DONE)
        return 0;
    return strcmp(finding.reason, "patience") == 0 ? UINT64_MAX : finding.reached.epoch;
}
