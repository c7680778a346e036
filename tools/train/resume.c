#include "resume.h"

#include "message.h"
#include "nn/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The checkpoint to go on from: how many records it ends, header included; 0: there is none. */
struct place {
    uint64_t records, epoch, iteration;
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

static int print(const msgpack_object *object, char *text, size_t size)
{
    return object == NULL ? snprintf(text, size, "unset")
                          : msgpack_object_print_buffer(text, size, *object);
}

/* The first field of map ours that theirs has not, or has with another value; NULL: none. */
static const msgpack_object_kv *first_difference(const msgpack_object *ours,
                                                 const msgpack_object *theirs)
{
    for (uint32_t i = 0; i < ours->via.map.size; i++) {
        const msgpack_object_kv *pair = &ours->via.map.ptr[i];
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)pair->key.via.str.size, pair->key.via.str.ptr);
        const msgpack_object *other = map_field(theirs, key);
        if (other == NULL || !msgpack_object_equal(pair->val, *other))
            return pair;
    }
    return NULL;
}

/* Says in what two headers differ; always -1. */
static int refuse(const char *path, const struct record *ours, const struct record *theirs)
{
    char mine[128], other[128], key[64], none[] = "";
    const msgpack_object *map = &ours->map, *their_map = &theirs->map;
    const msgpack_object_kv *pair = first_difference(map, their_map);
    const char *dashes = none;
    if (pair && pair->val.type == MSGPACK_OBJECT_MAP && map_field(map, "options") == &pair->val) {
        their_map = map_field(their_map, "options");
        pair = their_map ? first_difference(&pair->val, their_map) : pair;
        dashes = "--";
    }
    if (pair == NULL)
        return fail("cannot resume %s: its header has other fields than this run's", path);
    snprintf(key, sizeof key, "%.*s", (int)pair->key.via.str.size, pair->key.via.str.ptr);
    if (strcmp(key, "upstream") == 0)
        return fail("cannot resume %s: it was trained on other images, or they were fetched or "
                    "augmented with other options",
                    path);
    print(&pair->val, mine, sizeof mine);
    print(map_field(their_map, key), other, sizeof other);
    return fail("cannot resume %s: its %s%s is %s, that of this run is %s", path, dashes, key,
                other, mine);
}

/* Whether the file's header is ours. */
static int check_header(const struct run *run, const char *path, const struct record *theirs)
{
    struct record ours;
    size_t size;
    const uint8_t *bytes = write_last(run->writer, &size);
    if (theirs->size == size && memcmp(theirs->bytes, bytes, size) == 0)
        return 0;
    msgpack_zone *zone = msgpack_zone_new(8192);
    int result = zone && record_parse(bytes, size, zone, &ours) == 0
                     ? refuse(path, &ours, theirs)
                     : fail("cannot resume %s: its header differs from this run's", path);
    msgpack_zone_free(zone);
    return result;
}

/* A run that died so early that its header was not written whole: the file holds a beginning of
 * our header, or nothing. */
static int is_torn_header(const struct run *run, int fd)
{
    size_t size;
    const uint8_t *bytes = write_last(run->writer, &size);
    uint8_t *there = ealloc(size, 1);
    ssize_t got = pread(fd, there, size, 0);
    int torn = got >= 0 && (size_t)got < size && memcmp(there, bytes, (size_t)got) == 0;
    free(there);
    return torn;
}

/* A checkpoint at the end of an epoch that this run is to have. */
static int consider(const struct run *run, const struct reader *reader, const struct record *record,
                    struct place *place)
{
    uint64_t epoch, iteration;
    if (record_uint(record, "epoch", UINT32_MAX, &epoch) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &iteration) < 0)
        return -1;
    if (iteration == epoch * run_epoch_iterations(run) && epoch <= run->epochs)
        *place = (struct place){record_count(reader), epoch, iteration};
    return 0;
}

/* The first reading. A checkpoint is proven by the digest of the next one, or of the end; the last
 * in a file that merely ends too early is taken on trust, the last before a damage is not. What
 * stands behind the one chosen is trained again. */
static int find(const struct run *run, int fd, const char *path, struct place *place)
{
    struct record record;
    struct place proven = {0};
    if (is_torn_header(run, fd))
        return 0;
    struct reader *reader = record_open(fd, path, READ_STREAM);
    int got = record_header(reader, "run", &record) < 0 ? -1 : check_header(run, path, &record);
    if (got < 0) {
        record_close(reader);
        return -1;
    }
    while ((got = record_next(reader, &record)) == RECORD_READ) {
        if (record.type == RECORD_HEADER)
            got = fail("cannot resume %s: it joins several runs", path);
        if (record.type == RECORD_CHECKPOINT || record.type == RECORD_END)
            proven = *place;
        if (record.type == RECORD_CHECKPOINT)
            got = consider(run, reader, &record, place);
        if (got < 0)
            break;
    }
    if (got < 0 && why_status() == DAMAGED && !record_cut_short(reader)) {
        note("%s", why());
        *place = proven;
    }
    record_close(reader);
    return got < 0 && why_status() != DAMAGED ? -1 : 0;
}

/* The parameters and momentum of the checkpoint, into the engine. */
static int take(struct run *run, const struct record *record)
{
    size_t count = run->net->parameters;
    float *parameters = ealloc(count, sizeof *parameters),
          *momentum = ealloc(count, sizeof *momentum);
    int result = model_read_tensors(record, "tensors", run->net, parameters, 0);
    if (result == 0)
        result = model_read_tensors(record, "momentum", run->net, momentum, 1);
    if (result == 0)
        result = engine_write(run->engine, parameters, momentum);
    free(parameters);
    free(momentum);
    return result;
}

/* The second reading: passes the records on. A last checkpoint that only a shorter run writes stays
 * behind. */
static int copy(struct run *run, int fd, const char *path, const struct place *place)
{
    struct record record;
    int result = lseek(fd, 0, SEEK_SET) < 0 ? fail("cannot read %s: %s", path, strerror(errno)) : 0;
    struct reader *reader = record_open(fd, path, READ_STREAM);
    for (uint64_t i = 1; result == 0 && i <= place->records; i++) {
        int got = record_next(reader, &record);
        if (got != RECORD_READ)
            result = got < 0 ? -1 : fail("%s changed while it was read", path);
        else if (i == place->records)
            result = take(run, &record);
        int passes = i > 1 && (i < place->records || run_saves_at(run, place->epoch));
        if (result == 0 && passes)
            result = write_record(run->writer, record.bytes, record.size);
        if (result == 0 && i == place->records && passes)
            run->saved = place->iteration;
    }
    record_close(reader);
    return result < 0 ? -1 : write_flush(run->writer);
}

int resume(struct run *run, const char *path)
{
    struct place place = {0};
    int fd = open_file(path);
    if (fd < 0)
        return -1;
    int result = find(run, fd, path, &place);
    if (result == 0 && place.records > 0)
        result = copy(run, fd, path, &place);
    close(fd);
    if (result < 0)
        return -1;
    if (place.records == 0)
        note("%s has no checkpoint to go on from: training begins anew", path);
    else
        note("going on from the end of epoch %llu in %s", (unsigned long long)place.epoch, path);
    run->epoch = run->skip = place.epoch;
    run->iteration = place.iteration;
    return 0;
}
