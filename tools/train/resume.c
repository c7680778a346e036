#include "resume.h"

#include "header.h"
#include "message.h"
#include "runs/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The checkpoint to go on from, and the file that it is in. */
struct origin {
    const char *path; /* NULL: there is none */
    struct checkpoint checkpoint;
};

/* The file is read twice, and reading it must not be overtaken by writing it. */
static int open_file(const char *path)
{
    struct stat file, output;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0) {
        fail("cannot resume %s: %s", path, strerror(errno));
    } else if (!S_ISREG(file.st_mode)) {
        fail("cannot resume %s: it is not a file", path);
    } else if (fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == file.st_dev &&
               output.st_ino == file.st_ino) {
        fail_as(USAGE, "cannot resume %s: it is the output too; send that to another file", path);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A value for people, cut off where it is longer than the room for it. */
static void print(const msgpack_object *object, char *text, size_t size)
{
    switch (object ? object->type : MSGPACK_OBJECT_NIL) {
    case MSGPACK_OBJECT_NIL:
        snprintf(text, size, "unset");
        return;
    case MSGPACK_OBJECT_BOOLEAN:
        snprintf(text, size, object->via.boolean ? "true" : "false");
        return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        snprintf(text, size, "%" PRIu64, object->via.u64);
        return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        snprintf(text, size, "%" PRId64, object->via.i64);
        return;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        snprintf(text, size, "%.15g", object->via.f64);
        return;
    case MSGPACK_OBJECT_STR: {
        uint32_t length = object->via.str.size, room = (uint32_t)size - sizeof "\"...\"";
        snprintf(text, size, "\"%.*s%s\"", (int)(length < room ? length : room),
                 object->via.str.ptr, length > room ? "..." : "");
        return;
    }
    case MSGPACK_OBJECT_ARRAY:
        snprintf(text, size, "a list of %u", object->via.array.size);
        return;
    default:
        snprintf(text, size, "something else");
    }
}

/* Fields of a header that are looked at by themselves, or not at all. */
static int stands_apart(const char *key)
{
    return strcmp(key, "tool") == 0 || strcmp(key, "options") == 0 ||
           strcmp(key, "upstream") == 0 || strcmp(key, "digest") == 0;
}

/* The key of the first field of map ours that theirs has not, or has with another value; a field
 * that is nil may be missing. 0: there is none. */
static int first_difference(const msgpack_object *ours, const msgpack_object *theirs, char key[64])
{
    for (uint32_t i = 0; i < ours->via.map.size; i++) {
        const msgpack_object_kv *pair = &ours->via.map.ptr[i];
        if (pair->key.type != MSGPACK_OBJECT_STR)
            continue; /* nobody writes such, and it has no name to be told by */
        snprintf(key, 64, "%.*s", (int)pair->key.via.str.size, pair->key.via.str.ptr);
        const msgpack_object *other = map_field(theirs, key);
        int same =
            other ? msgpack_object_equal(pair->val, *other) : pair->val.type == MSGPACK_OBJECT_NIL;
        if (!same && !stands_apart(key))
            return 1;
    }
    return 0;
}

/* Says how two values of a field differ, of two lists or maps where they first do; always -1. */
static int tell_difference(const char *path, const char *key, const msgpack_object *ours,
                           const msgpack_object *theirs)
{
    char mine[128], other[128], part[64], place[80] = "its";
    if (ours && theirs && ours->type == MSGPACK_OBJECT_ARRAY &&
        theirs->type == MSGPACK_OBJECT_ARRAY) {
        const msgpack_object_array *own = &ours->via.array, *list = &theirs->via.array;
        uint32_t i = 0;
        while (i < own->size && i < list->size && msgpack_object_equal(own->ptr[i], list->ptr[i]))
            i++;
        snprintf(place, sizeof place, "number %u of its", i + 1);
        ours = i < own->size ? &own->ptr[i] : NULL;
        theirs = i < list->size ? &list->ptr[i] : NULL;
    }
    if (ours && theirs && ours->type == MSGPACK_OBJECT_MAP && theirs->type == MSGPACK_OBJECT_MAP &&
        (first_difference(ours, theirs, part) || first_difference(theirs, ours, part))) {
        snprintf(place, sizeof place, "%s in its", part);
        ours = map_field(ours, part);
        theirs = map_field(theirs, part);
    }
    print(ours, mine, sizeof mine);
    print(theirs, other, sizeof other);
    return fail(
        "cannot resume %s: %s %s is %s, but %s in this run%s", path, place, key, other, mine,
        strcmp(key, "--horizon") == 0 ? "; with that --horizon it can go on behind the end of "
                                        "its schedule"
                                      : "");
}

/* The first option in which the headers of a program differ, into key; one that others go by comes
 * before these. 0: there is none. */
static int first_option(const msgpack_object *ours, const msgpack_object *theirs, char key[64])
{
    static const char *const deciding[] = {"network", "optimizer", "weight-decay"};
    for (size_t i = 0; i < sizeof deciding / sizeof *deciding; i++) {
        const msgpack_object *own = map_field(ours, deciding[i]),
                             *other = map_field(theirs, deciding[i]);
        if (own && other ? msgpack_object_equal(*own, *other) : own == other)
            continue;
        strcpy(key, deciding[i]);
        return 1;
    }
    return first_difference(ours, theirs, key) || first_difference(theirs, ours, key);
}

static int is_map(const msgpack_object *object)
{
    return object != NULL && object->type == MSGPACK_OBJECT_MAP;
}

/* The header of the program before, where there was one. */
static const msgpack_object *before(const msgpack_object *header)
{
    const msgpack_object *list = map_field(header, "upstream");
    return list && list->type == MSGPACK_OBJECT_ARRAY && list->via.array.size == 1 &&
                   is_map(list->via.array.ptr)
               ? list->via.array.ptr
               : NULL;
}

/* Says in what option of a program before pstrain two headers differ; always -1. */
static int refuse_images(const char *path, const msgpack_object *ours, const msgpack_object *theirs)
{
    char key[64], option[128];
    while ((ours = before(ours)) && (theirs = before(theirs))) {
        const msgpack_object *own = map_field(ours, "options"),
                             *other = map_field(theirs, "options"), *tool = map_field(ours, "tool");
        if (!is_map(own) || !is_map(other) || !tool || tool->type != MSGPACK_OBJECT_STR)
            break;
        if (!first_option(own, other, key))
            continue;
        int length = (int)(tool->via.str.size < 40 ? tool->via.str.size : 40);
        const char *space = memchr(tool->via.str.ptr, ' ', (size_t)length);
        snprintf(option, sizeof option, "--%s (%.*s)", key,
                 space ? (int)(space - tool->via.str.ptr) : length, tool->via.str.ptr);
        return tell_difference(path, option, map_field(own, key), map_field(other, key));
    }
    return fail("cannot resume %s: it was trained on other images, or they were fetched or "
                "augmented with other options",
                path);
}

/* Says in what two headers differ; always -1. */
static int refuse(const char *path, const struct record *ours, const struct record *theirs)
{
    char key[64], option[80];
    const msgpack_object *map = record_field(ours, "options"),
                         *their_map = record_field(theirs, "options");
    if (!is_map(their_map))
        return fail("cannot resume %s: its header has different fields from this run's", path);
    if (first_option(map, their_map, key)) {
        snprintf(option, sizeof option, "--%s", key);
        return tell_difference(path, option, map_field(map, key), map_field(their_map, key));
    }
    map = &ours->map;
    their_map = &theirs->map;
    if (first_difference(map, their_map, key) || first_difference(their_map, map, key))
        return tell_difference(path, key, map_field(map, key), map_field(their_map, key));
    return refuse_images(path, map, their_map);
}

/* Whether the file's header is ours, or that of another version of the programs which says that it
 * gives the same bits. */
static int check_header(const struct training *training, const char *path,
                        const struct record *theirs)
{
    struct record ours;
    size_t size;
    const uint8_t *bytes = write_last(training->writer, &size);
    uint64_t own, other;
    char tool[64] = "";
    if (theirs->size == size && memcmp(theirs->bytes, bytes, size) == 0)
        return 0;
    if (training_identity(bytes, size, &own) < 0 ||
        training_identity(theirs->bytes, theirs->size, &other) < 0)
        return -1;
    if (own == other) {
        (void)record_text(theirs, "tool", tool, sizeof tool);
        note("%s was begun by other versions of the programs (%s), which give the same bits", path,
             tool);
        return 0;
    }
    msgpack_zone *zone = msgpack_zone_new(8192);
    int result = zone && record_parse(bytes, size, zone, &ours) == 0
                     ? refuse(path, &ours, theirs)
                     : fail("cannot resume %s: its header differs from this run's", path);
    msgpack_zone_free(zone);
    return result;
}

/* A run that died so early that its header was not written whole: the file holds a beginning of
 * one, or nothing. Up to the program's version it has to be that of ours. */
static int is_torn_header(const struct training *training, int fd)
{
    enum { VERSIONS = 4096 }; /* by so much may those of other versions be longer */
    size_t size;
    const uint8_t *bytes = write_last(training->writer, &size);
    const uint8_t *tool = memmem(bytes, size, "tool", 4);
    size_t same = tool ? (size_t)(tool - bytes) : size, room = size + VERSIONS;
    uint8_t *there = ealloc(room, 1);
    ssize_t got = pread(fd, there, room, 0);
    if (got >= 0 && (size_t)got < same)
        same = (size_t)got;
    int torn = got >= 0 && (size_t)got < room && memcmp(there, bytes, same) == 0 &&
               record_span(there, (size_t)got) == 0;
    free(there);
    return torn;
}

/* The first reading: looks for the checkpoint that is furthest on among those that this run comes
 * by. Each is proven by its seal, and what came before by its digest; what stands behind it is
 * trained again, so damage there does not matter. */
static int find(const struct training *training, const char *path, struct origin *origin)
{
    struct record record;
    uint64_t in_epoch = training_epoch_iterations(training);
    int got, is_ours = 0, fd = open_file(path);
    if (fd < 0)
        return -1;
    if (is_torn_header(training, fd)) {
        close(fd);
        return 0;
    }
    struct run *run = run_new();
    struct reader *reader = record_open(fd, path, READ_STREAM);
    while ((got = run_next(run, reader, &record)) == RECORD_READ)
        if (record.type == RECORD_HEADER) {
            if ((got = check_header(training, path, &record)) < 0)
                break;
            is_ours = 1;
        }
    for (size_t i = 0; i < run->checkpoints; i++) {
        const struct checkpoint *it = &run->checkpoint[i], *best = &origin->checkpoint;
        int fits = it->iteration >= it->epoch * in_epoch &&
                   it->iteration <= (it->epoch + 1) * in_epoch &&
                   it->iteration <= training->epochs * in_epoch;
        if (fits && (it->iteration > best->iteration ||
                     (it->iteration == best->iteration && it->epoch > best->epoch)))
            *origin = (struct origin){path, *it};
    }
    run_free(run);
    record_close(reader);
    close(fd);
    if (got == RECORD_NONE || (is_ours && why_status() == DAMAGED))
        return 0;
    return -1;
}

/* A checkpoint ends in three numbers, which are made anew: they are digests of what stands before
 * them, the header too, and that may name another version. */
static int pass_on_checkpoint(struct writer *writer, const struct record *record)
{
    static const char *const key[] = {"records", "digest", "seal"};
    const msgpack_object_map *map = &record->map.via.map;
    int ends_so = map->size >= 3;
    for (uint32_t i = 0; ends_so && i < 3; i++)
        ends_so = object_is(&map->ptr[map->size - 3 + i].key, key[i]);
    /* A short text has one byte before it, as writers pack it. */
    const char *end = ends_so ? map->ptr[map->size - 3].key.via.str.ptr - 1 : NULL;
    if (!ends_so || (uint8_t)*end != (0xa0 | strlen(key[0])))
        return fail_as(DAMAGED, "a checkpoint does not end in its records, digest and seal");
    struct position position = write_position(writer);
    write_begin_with(writer, record->bytes, (size_t)((const uint8_t *)end - record->bytes));
    pack_position(writer, position);
    pack_seal(writer);
    return write_end(writer);
}

static int take_validation(struct training *training, const struct record *record)
{
    struct validation validation;
    if (record_uint(record, "epoch", UINT32_MAX, &validation.epoch) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &validation.iteration) < 0 ||
        record_real(record, "loss", &validation.loss) < 0 ||
        record_real(record, "accuracy", &validation.accuracy) < 0)
        return -1;
    validations_add(&training->validations, &validation, training->options->by_accuracy);
    return 0;
}

/* The second reading: passes the records on. The checkpoint itself stays behind where this run
 * would have written none: that of a signal, or the last one of a shorter run. */
static int copy(struct training *training, struct reader *reader, struct run *run,
                const struct origin *origin)
{
    const struct checkpoint *from = &origin->checkpoint;
    struct record record;
    int due = 0;
    for (uint64_t i = 1; i <= from->records; i++) {
        int got = run_next(run, reader, &record), last = i == from->records;
        if (got != RECORD_READ)
            return got < 0 ? -1 : fail("%s changed while it was read", origin->path);
        if (record.type == RECORD_VALIDATION && take_validation(training, &record) < 0)
            return -1;
        if (last && state_read(&training->state, &record, training_best_is_past(training)) < 0)
            return -1;
        /* Whether the rule has ended the run there, the validations up to it have told. */
        due = last && (training_is_out_of_patience(training) ||
                       (from->iteration == from->epoch * training_epoch_iterations(training) &&
                        training_saves_at(training, from->epoch)));
        if (i == 1 || (last && !due))
            continue;
        /* Early versions did not tell the images of a mini-batch, which follow from its iteration.
         */
        if (record.type == RECORD_CHECKPOINT) {
            got = pass_on_checkpoint(training->writer, &record);
        } else if (record.type == RECORD_PROGRESS && !record_field(&record, "images")) {
            const struct sample *batch = &run->progress.sample[run->progress.count - 1];
            got = training_write_progress(training->writer, run->iteration, batch->epoch,
                                          training_images(training, run->iteration) -
                                              training_images(training, run->iteration - 1),
                                          batch->loss, batch->accuracy, NAN);
        } else {
            got = write_record(training->writer, record.bytes, record.size);
        }
        if (got < 0)
            return -1;
    }
    if (due)
        training->saved = from->iteration;
    return write_flush(training->writer);
}

int resume(struct training *training, const struct option_list *paths)
{
    struct origin origin = {0};
    const struct checkpoint *from = &origin.checkpoint;
    for (size_t i = 0; i < paths->count; i++)
        if (find(training, paths->text[i], &origin) < 0)
            return -1;
    if (origin.path == NULL) {
        note("%s%s has no checkpoint to go on from: training begins anew",
             paths->count > 1 ? "none of the files to resume, such as " : "", paths->text[0]);
        return training_go_on(training, 0, 0);
    }
    note("going on from iteration %llu, in epoch %llu, of %s", (unsigned long long)from->iteration,
         (unsigned long long)(from->epoch + 1), origin.path);
    if (training_go_on(training, from->epoch, from->iteration) < 0)
        return -1;
    int fd = open_file(origin.path);
    if (fd < 0)
        return -1;
    struct reader *reader = record_open(fd, origin.path, READ_STREAM);
    struct run *run = run_new();
    int result = copy(training, reader, run, &origin);
    run_free(run);
    record_close(reader);
    close(fd);
    return result;
}
