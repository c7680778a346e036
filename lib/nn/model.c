#include "nn/model.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "float32 values stand little-endian in a stream");

static int is_trained(const struct tensor *tensor)
{
    return tensor->kind != TENSOR_MEAN && tensor->kind != TENSOR_VARIANCE;
}

void model_pack_tensors(struct writer *writer, const char *key, const struct net *net,
                        const float *values, int trained_only)
{
    pack_array(writer, key);
    for (uint32_t t = 0; t < net->tensors; t++) {
        const struct tensor *tensor = &net->tensor[t];
        if (trained_only && !is_trained(tensor))
            continue;
        pack_item_map(writer);
        pack_text(writer, "name", tensor->name);
        pack_array(writer, "shape");
        for (uint32_t d = 0; d < tensor->dimensions; d++)
            pack_item_uint(writer, tensor->extent[d]);
        pack_close(writer);
        pack_bin(writer, "values", values + tensor->offset, tensor->size * sizeof(float));
        pack_close(writer);
    }
    pack_close(writer);
}

static const struct tensor *find_tensor(const struct net *net, const msgpack_object *name)
{
    if (name == NULL || name->type != MSGPACK_OBJECT_STR)
        return NULL;
    for (uint32_t t = 0; t < net->tensors; t++)
        if (strlen(net->tensor[t].name) == name->via.str.size &&
            memcmp(net->tensor[t].name, name->via.str.ptr, name->via.str.size) == 0)
            return &net->tensor[t];
    return NULL;
}

int model_read_tensors(const struct record *record, const char *key, const struct net *net,
                       float *values, int trained_only)
{
    const msgpack_object *list = record_field(record, key);
    if (list == NULL || list->type != MSGPACK_OBJECT_ARRAY)
        return fail_as(DAMAGED, "the network has no %s", key);
    uint8_t seen[NET_MAX_TENSORS] = {0};
    uint32_t missing = 0;
    for (uint32_t t = 0; t < net->tensors; t++)
        missing += !trained_only || is_trained(&net->tensor[t]);
    for (uint32_t i = 0; i < list->via.array.size; i++) {
        const msgpack_object *item = &list->via.array.ptr[i];
        const struct tensor *tensor = find_tensor(net, map_field(item, "name"));
        const msgpack_object *bytes = map_field(item, "values");
        if (tensor == NULL || bytes == NULL || bytes->type != MSGPACK_OBJECT_BIN ||
            bytes->via.bin.size != tensor->size * sizeof(float) || seen[tensor - net->tensor]++)
            return fail_as(DAMAGED, "item %u of the network's %s does not fit its shape", i, key);
        memcpy(values + tensor->offset, bytes->via.bin.ptr, bytes->via.bin.size);
        missing--;
    }
    if (missing != 0)
        return fail_as(DAMAGED, "some of the network's %s are missing", key);
    return 0;
}

/* The model record: the network's numbers, then its tensors. */
static int read_model(struct model *model, const struct record *record)
{
    const msgpack_object *network = record_field(record, "network");
    const msgpack_object *depth = network ? map_field(network, "depth") : NULL;
    const msgpack_object *filters = network ? map_field(network, "filters") : NULL;
    const msgpack_object *stopped = record_field(record, "stopped");
    if (depth == NULL || depth->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        depth->via.u64 > NET_MAX_DEPTH || filters == NULL ||
        filters->type != MSGPACK_OBJECT_POSITIVE_INTEGER || filters->via.u64 > UINT32_MAX ||
        stopped == NULL || stopped->type != MSGPACK_OBJECT_BOOLEAN)
        return fail_as(DAMAGED, "the model record does not say what its network is");
    struct net_shape shape = {
        .depth = (uint32_t)depth->via.u64,
        .filters = (uint32_t)filters->via.u64,
        .height = model->about.height,
        .width = model->about.width,
        .channels = model->about.channels,
        .classes = model->classes.count,
    };
    model->stopped = stopped->via.boolean;
    if (record_uint(record, "epoch", UINT32_MAX, &model->epoch) < 0 ||
        record_uint(record, "epochs", UINT32_MAX, &model->epochs) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &model->iteration) < 0 ||
        net_make(&model->net, &shape) < 0)
        return -1;
    free(model->parameters);
    model->parameters = ealloc(model->net.parameters, sizeof *model->parameters);
    return model_read_tensors(record, "tensors", &model->net, model->parameters, 0);
}

/* An option of type HxW in a header, {0, 0} where it was not given. */
static void read_size(const msgpack_object *header, const char *name, uint32_t size[2])
{
    const msgpack_object *options = map_field(header, "options");
    const msgpack_object *value = options ? map_field(options, name) : NULL;
    size[0] = size[1] = 0;
    for (uint32_t i = 0; value && value->type == MSGPACK_OBJECT_ARRAY && i < 2; i++)
        if (value->via.array.size == 2 &&
            value->via.array.ptr[i].type == MSGPACK_OBJECT_POSITIVE_INTEGER)
            size[i] = (uint32_t)value->via.array.ptr[i].via.u64;
}

/* What the headers above the run tell of psaug --crop, and of the size of all images before it. */
static void read_crop(struct model *model, const struct record *header)
{
    const msgpack_object *above = record_field(header, "upstream");
    if (above == NULL || above->type != MSGPACK_OBJECT_ARRAY || above->via.array.size != 1)
        return;
    uint32_t crop[2], resize[2];
    read_size(&above->via.array.ptr[0], "crop", crop);
    model->cropped = crop[0] > 0;
    const msgpack_object *sets = map_field(&above->via.array.ptr[0], "upstream");
    if (!model->cropped || sets == NULL || sets->type != MSGPACK_OBJECT_ARRAY)
        return;
    for (uint32_t i = 0; i < sets->via.array.size; i++) {
        read_size(&sets->via.array.ptr[i], "resize", resize);
        if (i > 0 && memcmp(resize, model->resized, sizeof resize) != 0)
            resize[0] = resize[1] = 0;
        memcpy(model->resized, resize, sizeof resize);
        if (resize[0] == 0)
            return;
    }
}

static int read_run(struct model *model, struct reader *reader)
{
    struct record header, record;
    int got;
    if (record_header(reader, "run", &header) < 0 || classes_read(&header, &model->classes) < 0 ||
        images_read_about(&header, &model->about) < 0)
        return -1;
    read_crop(model, &header);
    model->header_size = header.size;
    model->header = ealloc(header.size, 1);
    memcpy(model->header, header.bytes, header.size);
    while ((got = record_next(reader, &record)) == RECORD_READ) {
        if (record.type == RECORD_HEADER)
            return fail("%s joins several runs: name each file by itself", record_name(reader));
        if (record.type == RECORD_MODEL && read_model(model, &record) < 0)
            return -1;
    }
    if (got < 0)
        return -1;
    return model->parameters ? 0 : fail("%s is a run without a model", record_name(reader));
}

static void set_name(struct model *model, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    snprintf(model->name, sizeof model->name, "%.*s",
             dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
}

int model_read(struct model *model, const char *path)
{
    *model = (struct model){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail("cannot read %s: %s", path, strerror(errno));
    struct reader *reader = record_open(fd, path, READ_STREAM);
    int result = read_run(model, reader);
    record_close(reader);
    close(fd);
    set_name(model, path);
    if (result < 0)
        model_free(model);
    return result;
}

void model_free(struct model *model)
{
    classes_free(&model->classes);
    free(model->parameters);
    free(model->header);
    *model = (struct model){0};
}
