#include "run.h"

#include "label.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run *run_new(void)
{
    struct run *run = ealloc(1, sizeof *run);
    run->seed = -1;
    run->again = UINT64_MAX;
    run->heard = NAN;
    return run;
}

void run_free(struct run *run)
{
    settings_free(&run->settings);
    free(run->progress.sample);
    free(run->validation.sample);
    free(run->checkpoint);
    free(run->name);
    free(run->given);
    free(run->shown);
    free(run->header);
    free(run->engine);
    free(run->network);
    free(run->reason);
    free(run);
}

/* Mini-batches of an epoch; 0: the header did not tell. */
static uint64_t epoch_iterations(const struct run *run)
{
    return run->batch > 0 ? (run->train + run->batch - 1) / run->batch : 0;
}

void run_ask(struct run *run, uint64_t epochs)
{
    run->epochs = epochs;
    run->iterations = epochs * epoch_iterations(run);
}

/* Images in a mini-batch whose record does not tell: the last one of an epoch has what is left. */
static uint64_t batch_images(const struct run *run, uint64_t iteration)
{
    uint64_t iterations = epoch_iterations(run);
    if (iterations == 0 || iteration % iterations != 0)
        return run->batch;
    return run->train - (iterations - 1) * run->batch;
}

static int64_t whole_setting(const struct run *run, const char *name, int64_t absent)
{
    const struct setting *setting = settings_find(&run->settings, name);
    char *end;
    errno = 0;
    long long number = setting ? strtoll(setting->value, &end, 10) : -1;
    return number >= 0 && errno == 0 && *end == 0 ? number : absent;
}

static int has_setting(const struct run *run, const char *name, const char *value)
{
    const struct setting *setting = settings_find(&run->settings, name);
    return setting && strcmp(setting->value, value) == 0;
}

static void set_depth(struct run *run, int64_t depth)
{
    if (depth >= 0 && asprintf(&run->network, "depth %lld", (long long)depth) < 0)
        die(FAILED, "out of memory: the name of a network");
}

void run_read_options(struct run *run, const msgpack_object *header)
{
    settings_read(&run->settings, header, 0);
    const struct setting *stages = settings_find(&run->settings, "network");
    run->seed = whole_setting(run, "seed", -1);
    run->batch = (uint64_t)whole_setting(run, "batch size", 0);
    run->keeps_best = has_setting(run, "keep", "best");
    run->by_accuracy = has_setting(run, "metric", "accuracy");
    run->by_text = stages != NULL;
    if (stages)
        run->network = ecopy(stages->value);
    else
        set_depth(run, whole_setting(run, "depth", -1));
}

static int take_header(struct run *run, const struct record *record)
{
    const msgpack_object *engine = record_field(record, "engine");
    if (run->header)
        return fail("a run has one header, and this has a second one");
    run->header = memcpy(ealloc(record->size, 1), record->bytes, record->size);
    run->header_size = record->size;
    if (engine && engine->type == MSGPACK_OBJECT_STR)
        run->engine = label_name(engine->via.str.ptr, engine->via.str.size);
    run_read_options(run, &record->map);
    run->train = map_uint(record_field(record, "counts"), "train", 0);
    const struct setting *last = settings_find(&run->settings, "last batch");
    if (last && strcmp(last->value, "drop") == 0 && run->batch > 0)
        run->train -= run->train % run->batch;
    return 0;
}

/* A progress or validation record. A run that was resumed tells some again, and is open again. */
static int take_point(struct run *run, const struct record *record, double now)
{
    const msgpack_object *map = &record->map;
    struct sample sample = {.time = now, .rate = NAN};
    uint64_t before = run->iteration;
    if (record_uint(record, "iteration", UINT64_MAX, &run->iteration) < 0 ||
        record_uint(record, "epoch", UINT64_MAX, &sample.epoch) < 0 ||
        record_real(record, "loss", &sample.loss) < 0 ||
        record_real(record, "accuracy", &sample.accuracy) < 0)
        return -1;
    if ((record_field(record, "time") && record_real(record, "time", &sample.time) < 0) ||
        (record_field(record, "rate") && record_real(record, "rate", &sample.rate) < 0))
        return -1;
    /* A validation tells how many epochs are finished. */
    if (record->type == RECORD_VALIDATION && sample.epoch < run->epoch) {
        sample.inside = 1;
        sample.epoch = run->epoch;
    }
    sample.iteration = (double)run->iteration;
    run->heard = now;
    run->epoch = sample.epoch;
    run->epochs = map_uint(map, "epochs", run->epochs);
    run->iterations = map_uint(map, "iterations", run->iterations);
    run->lost += map_uint(map, "lost", 0);
    run->state = RUN_OPEN;
    if (record->type == RECORD_PROGRESS) {
        if (run->iteration <= before && sample.epoch < run->again)
            run->again = sample.epoch;
        sample.images = (double)map_uint(map, "images", batch_images(run, run->iteration));
        samples_add(&run->progress, sample, isfinite(now));
        samples_drop_from(&run->validation, sample.iteration);
    } else {
        samples_add(&run->validation, sample, isfinite(now));
        samples_drop_from(&run->progress, sample.iteration + 1);
    }
    return 0;
}

static int take_checkpoint(struct run *run, const struct record *record)
{
    struct checkpoint checkpoint = {.records = run->records};
    if (record_uint(record, "epoch", UINT32_MAX, &checkpoint.epoch) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &checkpoint.iteration) < 0)
        return -1;
    run->checkpoint = egrow_by_one(run->checkpoint, run->checkpoints, sizeof checkpoint);
    run->checkpoint[run->checkpoints++] = checkpoint;
    return 0;
}

static int take_model(struct run *run, const struct record *record)
{
    const msgpack_object *map = &record->map, *reason = record_field(record, "reason");
    if (record_uint(record, "epoch", UINT32_MAX, &run->epoch) < 0)
        return -1;
    run->has_model = 1;
    run->stopped = map_true(map, "stopped");
    run->epochs = map_uint(map, "epochs", run->epochs);
    run->iteration = map_uint(map, "iteration", run->iteration);
    if (run->network == NULL)
        set_depth(run, (int64_t)map_uint(record_field(record, "network"), "depth", UINT64_MAX));
    if (reason && reason->type == MSGPACK_OBJECT_STR) {
        free(run->reason);
        run->reason = label_name(reason->via.str.ptr, reason->via.str.size);
    }
    run->state = run->stopped ? RUN_STOPPED : RUN_DONE;
    return 0;
}

int run_take(struct run *run, const struct record *record, double now)
{
    const msgpack_object *status;
    run->records++;
    switch (record->type) {
    case RECORD_HEADER:
        return take_header(run, record);
    case RECORD_PROGRESS:
    case RECORD_VALIDATION:
        return take_point(run, record, now);
    case RECORD_CHECKPOINT:
        return take_checkpoint(run, record);
    case RECORD_MODEL:
        return take_model(run, record);
    case RECORD_DONE: /* of the progress channel, which has no headers */
        if (run->header)
            return 0;
        status = record_field(record, "status");
        run->lost += map_uint(&record->map, "lost", 0);
        run->state = object_is(status, "failed")    ? RUN_FAILED
                     : object_is(status, "stopped") ? RUN_STOPPED
                                                    : RUN_DONE;
        return 0;
    case RECORD_END:
        /* An end without a model: whole, but no model came of it. */
        if (run->state == RUN_OPEN)
            run->state = RUN_STOPPED;
        return 0;
    default:
        return 0;
    }
}

int run_next(struct run *run, struct reader *reader, struct record *record)
{
    int got = record_next(reader, record);
    if (got != RECORD_READ)
        return got;
    if (record->type == RECORD_HEADER && run->header)
        return fail("%s joins several runs: name each file by itself", record_name(reader));
    if (record->type == RECORD_HEADER && record_check_kind(reader, record, "run") < 0)
        return -1;
    return run_take(run, record, NAN) < 0 ? -1 : RECORD_READ;
}

static int is_better(const struct run *run, const struct sample *a, const struct sample *b)
{
    if (b == NULL || !isfinite(a->loss))
        return isfinite(a->loss) != 0;
    if (run->by_accuracy && a->accuracy != b->accuracy)
        return a->accuracy > b->accuracy;
    return a->loss < b->loss;
}

const struct sample *run_kept(const struct run *run, size_t count)
{
    const struct sample *validation = run->validation.sample, *best = NULL;
    for (size_t i = 0; run->keeps_best && i < count; i++)
        if (is_better(run, &validation[i], best))
            best = &validation[i];
    return best || count == 0 ? best : &validation[count - 1];
}

double run_epochs_at(const struct run *run, const struct sample *sample)
{
    double each = (double)epoch_iterations(run);
    if (each == 0)
        each = (double)run->iterations / (double)run->epochs;
    if (!sample->inside)
        return (double)sample->epoch;
    return each > 0 ? sample->iteration / each : (double)sample->epoch - 0.5;
}

uint64_t run_finished_epochs(const struct run *run)
{
    const struct samples *validation = &run->validation, *progress = &run->progress;
    uint64_t epochs = 0;
    if (run->has_model)
        return run->epoch;
    /* A mini-batch tells of the epoch that it is in. */
    if (progress->count > 0 && progress->sample[progress->count - 1].epoch > 0)
        epochs = progress->sample[progress->count - 1].epoch - 1;
    if (validation->count > 0) {
        const struct sample *last = &validation->sample[validation->count - 1];
        uint64_t finished = last->epoch - (last->inside ? 1 : 0);
        epochs = finished > epochs ? finished : epochs;
    }
    if (run->checkpoints > 0 && run->checkpoint[run->checkpoints - 1].epoch > epochs)
        epochs = run->checkpoint[run->checkpoints - 1].epoch;
    return epochs;
}

static void end_as(struct run *run, enum run_state state, const char *reason)
{
    run->state = state;
    free(run->reason);
    run->reason = label_name(reason, strlen(reason));
}

/* Forgets what no checkpoint proves. */
static void go_back(struct run *run)
{
    struct checkpoint proven = {0};
    if (run->checkpoints > 0)
        proven = run->checkpoint[run->checkpoints - 1];
    samples_drop_from(&run->progress, (double)proven.iteration + 1);
    samples_drop_from(&run->validation, (double)proven.iteration + 1);
    run->iteration = proven.iteration;
    run->has_model = 0;
}

/* A file that grows ends in the middle of something, which is no damage: so it is followed. */
static struct run *load(int fd, const char *name, int64_t size)
{
    struct record record;
    struct run *run = run_new();
    struct reader *reader = record_open(fd, name, READ_STREAM | READ_FOLLOW);
    int got, ended = 0;
    char reason[128];
    while ((got = run_next(run, reader, &record)) == RECORD_READ)
        ended = record.type == RECORD_END;
    if (got < 0 && (run->header == NULL || why_status() != DAMAGED)) {
        run_free(run);
        run = run_new();
        end_as(run, RUN_UNREADABLE, why());
    } else if (got < 0) {
        go_back(run);
        end_as(run, RUN_TORN, why());
    } else if (run->header == NULL) {
        run->state = RUN_EMPTY;
    } else if (!ended) {
        snprintf(reason, sizeof reason, "it ends after %llu records without an end record",
                 (unsigned long long)record_count(reader));
        end_as(run, RUN_TORN, reason);
    } else if (size >= 0 && (uint64_t)size > record_bytes(reader)) {
        end_as(run, RUN_TORN, "bytes follow the end record");
    } else if (!run->has_model) {
        end_as(run, RUN_TORN, "it has no model");
    }
    record_close(reader);
    return run;
}

struct run *run_load(const char *path)
{
    struct stat file;
    struct run *run = NULL;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : STDIN_FILENO;
    if (fd < 0 || fstat(fd, &file) < 0)
        end_as(run = run_new(), RUN_UNREADABLE, strerror(errno));
    else if (path && !S_ISREG(file.st_mode))
        end_as(run = run_new(), RUN_UNREADABLE, "it is not a file");
    else
        run = load(fd, path ? path : "input", S_ISREG(file.st_mode) ? file.st_size : -1);
    if (path && fd >= 0)
        close(fd);
    return run;
}
