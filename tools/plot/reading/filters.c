#include "reading/filters.h"

#include "message.h"
#include "reading/titles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_EXTENT = 65535 };

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
static int take_weights(struct bank *bank, const struct run *run, const struct record *record)
{
    const msgpack_object *tensors = record_field(record, "tensors");
    uint32_t n = tensors && tensors->type == MSGPACK_OBJECT_ARRAY ? tensors->via.array.size : 0;
    uint32_t e[4], i = 0;
    while (i < n && extents(&tensors->via.array.ptr[i], e) < 0)
        i++;
    if (i == n)
        return 0;
    const msgpack_object *values = map_field(&tensors->via.array.ptr[i], "values");
    uint64_t size = (uint64_t)e[0] * e[1] * e[2] * e[3];
    if (values == NULL || values->type != MSGPACK_OBJECT_BIN ||
        values->via.bin.size % sizeof(float) != 0 || values->via.bin.size / sizeof(float) != size)
        return fail_as(DAMAGED, "the first convolution in %s does not fit its shape", run->path);
    if (bank->models == 0 || bank->filters[bank->models - 1].run != run) {
        bank->filters = egrow(bank->filters, bank->models + 1, sizeof *bank->filters);
        bank->filters[bank->models++].weight = NULL;
    }
    struct filters *filters = &bank->filters[bank->models - 1];
    free(filters->weight);
    *filters = (struct filters){run, e[0], e[1], e[2], e[3], ealloc(size, sizeof(float))};
    memcpy(filters->weight, values->via.bin.ptr, values->via.bin.size);
    return 0;
}

int filters_read(struct bank *bank, struct history *history, struct input *input, int count)
{
    for (int i = 0; i < count; i++) {
        struct record record;
        int got;
        if (input_open(&input[i], 0) < 0)
            return -1;
        while ((got = input_next(&input[i], &record)) == RECORD_READ)
            if ((input[i].bare && fail("%s is a progress channel; a stream of kind run is wanted",
                                       input[i].name) < 0) ||
                (record.type == RECORD_HEADER &&
                 record_check_kind(input[i].reader, &record, "run") < 0) ||
                input_take(&input[i], history, &record, NAN) < 0 ||
                (input[i].run &&
                 (record.type == RECORD_MODEL || record.type == RECORD_CHECKPOINT) &&
                 take_weights(bank, input[i].run, &record) < 0))
                return -1;
        if (got < 0)
            return -1;
        input_complain(&input[i]);
        input_shut(&input[i]);
    }
    give_titles(history);
    for (size_t i = 0, m = 0; i < history->runs; i++)
        if (m < bank->models && bank->filters[m].run == history->run[i])
            m++;
        else
            note("%s holds no weights, neither a model nor a checkpoint: it is left out",
                 history->run[i]->path);
    return 0;
}

void filters_free(struct bank *bank)
{
    for (size_t i = 0; i < bank->models; i++)
        free(bank->filters[i].weight);
    free(bank->filters);
}
