#include "history.h"

#include "label.h"
#include "message.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 4096 };

struct feed *feed_open(const char *path)
{
    struct feed *feed = ealloc(1, sizeof *feed);
    feed->path = path ? label_clean(path, strlen(path)) : ecopy("input");
    feed->stem = path ? label_stem(path) : NULL;
    return feed;
}

void feed_free(struct feed *feed)
{
    free(feed->path);
    free(feed->stem);
    classes_free(&feed->classes);
    free(feed);
}

static struct run *new_run(struct history *history, struct feed *feed)
{
    struct run *run = ealloc(1, sizeof *run);
    run->stem = feed->stem;
    run->path = feed->path;
    run->ordinal = ++feed->runs;
    run->depth = run->seed = -1;
    run->heard = NAN;
    history->run = egrow(history->run, history->runs + 1, sizeof *history->run);
    history->named = 0;
    return history->run[history->runs++] = run;
}

/* A whole number that may be absent: absent in place of it. */
static int64_t optional(const msgpack_object *field, int64_t absent)
{
    if (field == NULL || field->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        field->via.u64 > INT64_MAX)
        return absent;
    return (int64_t)field->via.u64;
}

static char *text_field(const struct record *record, const char *key)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL || field->type != MSGPACK_OBJECT_STR || field->via.str.size > MOST_NAME)
        return NULL;
    return label_clean(field->via.str.ptr, field->via.str.size);
}

static int64_t whole_setting(const struct run *run, const char *name, int64_t absent)
{
    const struct setting *setting = settings_find(&run->settings, name);
    char *end;
    errno = 0;
    long long number = setting ? strtoll(setting->value, &end, 10) : -1;
    return number >= 0 && errno == 0 && *end == 0 ? number : absent;
}

/* Of the models that a header of scores has upstream, what tells them apart. */
static void take_models(struct history *history, struct feed *feed, const struct record *record)
{
    const msgpack_object *upstream = record_field(record, "upstream");
    feed->model = history->models;
    if (upstream == NULL || upstream->type != MSGPACK_OBJECT_ARRAY)
        return;
    for (uint32_t i = 0; i < upstream->via.array.size; i++) {
        const msgpack_object *header = &upstream->via.array.ptr[i];
        const msgpack_object *kind =
            header->type == MSGPACK_OBJECT_MAP ? map_field(header, "kind") : NULL;
        if (kind == NULL || kind->type != MSGPACK_OBJECT_STR || kind->via.str.size != 3 ||
            memcmp(kind->via.str.ptr, "run", 3) != 0)
            continue;
        struct run *model = ealloc(1, sizeof *model);
        settings_read(&model->settings, header);
        history->model = egrow(history->model, history->models + 1, sizeof *history->model);
        history->model[history->models++] = model;
    }
}

static int take_header(struct history *history, struct feed *feed, const struct reader *reader,
                       const struct record *record)
{
    char kind[32];
    if (record_text(record, "kind", kind, sizeof kind) < 0)
        return -1;
    feed->images = strcmp(kind, "images") == 0 || strcmp(kind, "epochs") == 0;
    if (record_check_kind(reader, record, "run scores") < 0)
        return -1;
    feed->run = NULL;
    feed->inside = 1;
    if (strcmp(kind, "scores") == 0) {
        take_models(history, feed, record);
        classes_free(&feed->classes);
        return classes_read(record, &feed->classes);
    }
    struct run *run = feed->run = new_run(history, feed);
    settings_read(&run->settings, &record->map);
    run->depth = whole_setting(run, "depth", -1);
    run->seed = whole_setting(run, "seed", -1);
    run->batch = (uint64_t)whole_setting(run, "batch size", 0);
    const msgpack_object *counts = record_field(record, "counts");
    run->train = counts ? (uint64_t)optional(map_field(counts, "train"), 0) : 0;
    run_ask(run, history->epochs);
    return 0;
}

/* The run that a record of the progress channel names. */
static struct run *named_run(struct history *history, struct feed *feed,
                             const struct record *record)
{
    char *given = text_field(record, "name");
    if (given == NULL)
        given = ecopy("run");
    for (size_t i = 0; i < history->runs; i++)
        if (history->run[i]->path == feed->path && strcmp(history->run[i]->given, given) == 0) {
            free(given);
            return history->run[i];
        }
    struct run *run = new_run(history, feed);
    run->given = given;
    /* Trainers report in any order; their panels stand in that of their names. */
    size_t place = history->runs - 1;
    for (; place > 0 && history->run[place - 1]->path == feed->path &&
           strverscmp(history->run[place - 1]->given, given) > 0;
         place--)
        history->run[place] = history->run[place - 1];
    return history->run[place] = run;
}

static int take_point(struct run *run, const struct record *record, double now)
{
    uint64_t iteration;
    struct point point = {.time = now};
    if (record_uint(record, "iteration", UINT64_MAX, &iteration) < 0 ||
        record_uint(record, "epoch", UINT64_MAX, &point.epoch) < 0 ||
        record_real(record, "loss", &point.loss) < 0 ||
        record_real(record, "accuracy", &point.accuracy) < 0)
        return -1;
    if (record_field(record, "time") && record_real(record, "time", &point.time) < 0)
        return -1;
    point.iteration = (double)iteration;
    run->heard = now;
    run->epoch = point.epoch;
    run->epochs = (uint64_t)optional(record_field(record, "epochs"), (int64_t)run->epochs);
    run->iterations =
        (uint64_t)optional(record_field(record, "iterations"), (int64_t)run->iterations);
    run->lost += (uint64_t)optional(record_field(record, "lost"), 0);
    /* A resumed run goes back in its epochs, and is open again. */
    if (run->epoch_told >= point.epoch)
        run->epoch_told = point.epoch - (point.epoch > 0);
    run->state = RUN_OPEN;
    if (record->type == RECORD_PROGRESS) {
        point.images = (double)optional(record_field(record, "images"),
                                        (int64_t)run_batch_images(run, iteration));
        points_add(&run->progress, point, isfinite(now));
        points_drop_from(&run->validation, point.iteration);
    } else {
        points_add(&run->validation, point, isfinite(now));
        points_drop_from(&run->progress, point.iteration + 1);
    }
    return 0;
}

static int take_model(struct run *run, const struct record *record)
{
    const msgpack_object *stopped = record_field(record, "stopped");
    const msgpack_object *network = record_field(record, "network");
    if (record_uint(record, "epoch", UINT64_MAX, &run->epoch) < 0)
        return -1;
    run->epochs = (uint64_t)optional(record_field(record, "epochs"), (int64_t)run->epochs);
    if (network != NULL)
        run->depth = optional(map_field(network, "depth"), run->depth);
    int early = stopped && stopped->type == MSGPACK_OBJECT_BOOLEAN && stopped->via.boolean;
    run->state = early ? RUN_STOPPED : RUN_DONE;
    return 0;
}

static void take_done(struct run *run, const struct record *record)
{
    char *status = text_field(record, "status");
    run->state = status && strcmp(status, "failed") == 0    ? RUN_FAILED
                 : status && strcmp(status, "stopped") == 0 ? RUN_STOPPED
                                                            : RUN_DONE;
    run->lost += (uint64_t)optional(record_field(record, "lost"), 0);
    free(status);
}

/* The confusion matrix of a score record into score->confusion; it must be classes × classes, or
 * nil where there are too many classes for one. */
static int take_confusion(struct score *score, const struct record *record)
{
    const msgpack_object *rows = record_field(record, "confusion");
    uint32_t n = score->classes;
    if (rows != NULL && rows->type == MSGPACK_OBJECT_NIL)
        return 0;
    if (rows == NULL || rows->type != MSGPACK_OBJECT_ARRAY || rows->via.array.size != n)
        return fail_as(DAMAGED, "the score of %s has no confusion matrix of %u rows", score->name,
                       n);
    score->confusion = ealloc((size_t)n * n, sizeof *score->confusion);
    for (uint32_t i = 0; i < n; i++) {
        const msgpack_object *row = &rows->via.array.ptr[i];
        if (row->type != MSGPACK_OBJECT_ARRAY || row->via.array.size != n)
            return fail_as(DAMAGED, "row %u of the confusion matrix of %s does not have %u columns",
                           i + 1, score->name, n);
        for (uint32_t j = 0; j < n; j++) {
            int64_t count = optional(&row->via.array.ptr[j], -1);
            if (count < 0)
                return fail_as(DAMAGED,
                               "the confusion matrix of %s holds a value that is not a count",
                               score->name);
            score->confusion[(size_t)i * n + j] = (uint64_t)count;
        }
    }
    return 0;
}

static int take_score(struct history *history, const struct feed *feed, const struct record *record)
{
    struct score *score = ealloc(1, sizeof *score);
    history->score = egrow(history->score, history->scores + 1, sizeof *history->score);
    history->score[history->scores++] = score;
    char *file = text_field(record, "name");
    score->name = file ? label_stem(file) : ecopy("model");
    free(file);
    score->split = text_field(record, "split");
    if (score->split == NULL)
        score->split = ecopy("");
    int64_t place = optional(record_field(record, "run"), 0);
    if (place >= 1 && (uint64_t)place <= history->models - feed->model)
        score->model = history->model[feed->model + (size_t)place - 1];
    score->depth = optional(record_field(record, "depth"), -1);
    score->epoch = optional(record_field(record, "epoch"), -1);
    score->classes = feed->classes.count;
    score->class_name = ealloc(score->classes, sizeof *score->class_name);
    for (uint32_t i = 0; i < score->classes; i++)
        score->class_name[i] = label_name(feed->classes.name[i], strlen(feed->classes.name[i]));
    if (record_uint(record, "images", UINT64_MAX, &score->images) < 0 ||
        record_real(record, "loss", &score->loss) < 0 ||
        record_real(record, "accuracy", &score->accuracy) < 0)
        return -1;
    return take_confusion(score, record);
}

int history_take(struct history *history, struct feed *feed, const struct reader *reader,
                 const struct record *record, double now)
{
    struct run *run = feed->run;
    if (feed->bare && (record->type == RECORD_PROGRESS || record->type == RECORD_VALIDATION ||
                       record->type == RECORD_DONE))
        run = named_run(history, feed, record);
    switch (record->type) {
    case RECORD_HEADER:
        return take_header(history, feed, reader, record);
    case RECORD_PROGRESS:
    case RECORD_VALIDATION:
        return run ? take_point(run, record, now) : 0;
    case RECORD_MODEL:
        return run ? take_model(run, record) : 0;
    case RECORD_DONE:
        if (run)
            take_done(run, record);
        return 0;
    case RECORD_SCORE:
        return take_score(history, feed, record);
    case RECORD_END:
        feed->inside = 0;
        /* An end without a model: whole, but no model came of it. */
        if (run && run->state == RUN_OPEN)
            run->state = RUN_STOPPED;
        return 0;
    default:
        return 0;
    }
}

void history_lose(struct feed *feed)
{
    if (feed->run && feed->inside)
        feed->run->state = RUN_LOST;
}

void history_forget(struct history *history, struct feed *feed)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->runs; i++) {
        if (history->run[i]->path == feed->path)
            run_free(history->run[i]);
        else
            history->run[kept++] = history->run[i];
    }
    history->runs = kept;
    history->named = 0;
    feed->runs = feed->inside = 0;
    feed->run = NULL;
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->runs; i++)
        run_free(history->run[i]);
    for (size_t i = 0; i < history->scores; i++) {
        struct score *score = history->score[i];
        for (uint32_t j = 0; j < score->classes; j++)
            free(score->class_name[j]);
        free(score->class_name);
        free(score->confusion);
        free(score->name);
        free(score->title);
        free(score->split);
        free(score);
    }
    for (size_t i = 0; i < history->models; i++)
        run_free(history->model[i]);
    free(history->model);
    free(history->run);
    free(history->score);
}
