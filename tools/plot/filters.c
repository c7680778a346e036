#include "filters.h"

#include "history_name.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_EXTENT = 65535 };

/* A new run of an input: "net3", and those joined to it "net3 2", "net3 3". */
static void add(struct bank *bank, struct feed *feed, const char *name, const struct record *header)
{
    struct filters *filters;
    struct run *run = ealloc(1, sizeof *run);
    bank->filters = egrow(bank->filters, bank->models + 1, sizeof *bank->filters);
    filters = &bank->filters[bank->models++];
    *filters = (struct filters){.run = run};
    settings_read(&run->settings, &header->map);
    if (++feed->runs == 1)
        run->name = ecopy(name);
    else if (asprintf(&run->name, "%s %d", name, feed->runs) < 0)
        die(FAILED, "out of memory: the name of a run");
}

/* The extents of a tensor of four dimensions. 0, or -1 where it has not four. */
static int extents(const msgpack_object *tensor, uint32_t extent[4])
{
    const msgpack_object *shape = map_field(tensor, "shape");
    if (shape == NULL || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size != 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const msgpack_object *number = &shape->via.array.ptr[i];
        if (number->type != MSGPACK_OBJECT_POSITIVE_INTEGER || number->via.u64 < 1 ||
            number->via.u64 > MOST_EXTENT)
            return -1;
        extent[i] = (uint32_t)number->via.u64;
    }
    return 0;
}

/* The weights of a model or checkpoint: its first tensor of four dimensions. */
static int take(struct filters *filters, const struct record *record, const char *input)
{
    const msgpack_object *tensors = record_field(record, "tensors");
    uint32_t n = tensors && tensors->type == MSGPACK_OBJECT_ARRAY ? tensors->via.array.size : 0;
    for (uint32_t i = 0; i < n; i++) {
        const msgpack_object *tensor = &tensors->via.array.ptr[i];
        const msgpack_object *values = map_field(tensor, "values");
        uint32_t e[4];
        if (extents(tensor, e) < 0)
            continue;
        uint64_t size = (uint64_t)e[0] * e[1] * e[2] * e[3];
        if (values == NULL || values->type != MSGPACK_OBJECT_BIN ||
            values->via.bin.size % sizeof(float) != 0 ||
            values->via.bin.size / sizeof(float) != size)
            return fail_as(DAMAGED, "the first convolution in %s does not fit its shape", input);
        free(filters->weight);
        *filters =
            (struct filters){filters->run, e[0], e[1], e[2], e[3], ealloc(size, sizeof(float))};
        memcpy(filters->weight, values->via.bin.ptr, values->via.bin.size);
        return 0;
    }
    return 0;
}

static int take_record(struct bank *bank, struct source *source, const char *name,
                       const struct record *record)
{
    if (source->feed->bare)
        return fail("%s is a progress channel; a stream of kind run is wanted", source->feed->path);
    if (record->type == RECORD_HEADER) {
        if (record_check_kind(source->reader, record, "run") < 0)
            return -1;
        add(bank, source->feed, name, record);
    }
    if (record->type == RECORD_MODEL || record->type == RECORD_CHECKPOINT)
        return take(&bank->filters[bank->models - 1], record, source->feed->path);
    return 0;
}

int filters_read(struct bank *bank, struct source *source, int count)
{
    for (int i = 0; i < count; i++) {
        struct record record;
        int got;
        if (source_open(&source[i], 0) < 0)
            return -1;
        while ((got = source_next(&source[i], &record)) == RECORD_READ)
            if (take_record(bank, &source[i], source_label(source, count, i), &record) < 0)
                return -1;
        if (got < 0)
            return -1;
        source_complain(&source[i]);
        source_shut(&source[i]);
    }
    return 0;
}

/* As in a history of these runs. */
static void entitle(struct bank *bank)
{
    struct history history = {.run = ealloc(bank->models, sizeof *history.run)};
    for (size_t i = 0; i < bank->models; i++)
        history.run[history.runs++] = bank->filters[i].run;
    history_entitle(&history);
    free(history.run);
}

int filters_settle(struct bank *bank)
{
    size_t kept = 0;
    for (size_t i = 0; i < bank->models; i++) {
        if (bank->filters[i].count > 0) {
            bank->filters[kept++] = bank->filters[i];
            continue;
        }
        note("%s holds no weights, neither a model nor a checkpoint: it is left out",
             bank->filters[i].run->name);
        run_free(bank->filters[i].run);
    }
    bank->models = kept;
    entitle(bank);
    return kept > 0 ? 0 : fail("there is nothing to draw: the input holds no weights");
}

void filters_free(struct bank *bank)
{
    for (size_t i = 0; i < bank->models; i++) {
        run_free(bank->filters[i].run);
        free(bank->filters[i].weight);
    }
    free(bank->filters);
}
