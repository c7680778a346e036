#include "nn/model.h"

#include "message.h"
#include "runs/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "float32 values stand little-endian in a stream");

void model_pack_tensors(struct writer *writer, const char *key, const struct net *net,
                        const float *values, int trained_only)
{
    pack_array(writer, key);
    for (uint32_t t = 0; t < net->tensors; t++) {
        const struct tensor *tensor = &net->tensor[t];
        if (trained_only && !tensor_is_trained(tensor->kind))
            continue;
        pack_map(writer, NULL);
        pack_text(writer, "name", tensor->name);
        pack_array(writer, "shape");
        for (uint32_t d = 0; d < tensor->dimensions; d++)
            pack_uint(writer, NULL, tensor->extent[d]);
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

/* What a list of tensors is called in a sentence. */
static const char *words_of(const char *key)
{
    return strcmp(key, "second") == 0    ? "second moments"
           : strcmp(key, "average") == 0 ? "averaged tensors"
           : strcmp(key, "best") == 0    ? "best tensors"
                                         : key;
}

int model_read_tensors(const struct record *record, const char *key, const struct net *net,
                       float *values, int trained_only)
{
    const msgpack_object *list = record_field(record, key);
    if (list == NULL || list->type != MSGPACK_OBJECT_ARRAY)
        return fail_as(DAMAGED, "the network has no %s", words_of(key));
    uint8_t seen[NET_MAX_TENSORS] = {0};
    uint32_t missing = 0;
    for (uint32_t t = 0; t < net->tensors; t++)
        missing += !trained_only || tensor_is_trained(net->tensor[t].kind);
    for (uint32_t i = 0; i < list->via.array.size; i++) {
        const msgpack_object *item = &list->via.array.ptr[i];
        const struct tensor *tensor = find_tensor(net, map_field(item, "name"));
        const msgpack_object *bytes = map_field(item, "values");
        if (tensor == NULL || bytes == NULL || bytes->type != MSGPACK_OBJECT_BIN ||
            bytes->via.bin.size != tensor->size * sizeof(float) || seen[tensor - net->tensor]++)
            return fail_as(DAMAGED, "item %u of the network's %s does not fit its shape", i,
                           words_of(key));
        memcpy(values + tensor->offset, bytes->via.bin.ptr, bytes->via.bin.size);
        missing--;
    }
    if (missing != 0)
        return fail_as(DAMAGED, "some of the network's %s are missing", words_of(key));
    return 0;
}

/* The model record: the network's numbers, then its tensors. */
static int read_model(struct model *model, const struct record *record)
{
    const msgpack_object *network = record_field(record, "network");
    const msgpack_object *stopped = record_field(record, "stopped");
    const msgpack_object *stages = map_field(network, "stages");
    uint64_t depth = map_uint(network, "depth", stages ? 0 : UINT64_MAX);
    uint64_t filters = map_uint(network, "filters", stages ? 0 : UINT64_MAX);
    int is_text = stages && stages->type == MSGPACK_OBJECT_STR && stages->via.str.size > 0 &&
                  stages->via.str.size < NET_TEXT &&
                  memchr(stages->via.str.ptr, 0, stages->via.str.size) == NULL;
    if ((stages && !is_text) || depth > NET_MAX_DEPTH || filters > UINT32_MAX || stopped == NULL ||
        stopped->type != MSGPACK_OBJECT_BOOLEAN)
        return fail_as(DAMAGED, "the model record does not say what its network is");
    struct net_shape shape = {
        .depth = (uint32_t)depth,
        .filters = (uint32_t)filters,
        .height = model->about.height,
        .width = model->about.width,
        .channels = model->about.channels,
        .classes = model->classes.count,
    };
    if (stages)
        memcpy(shape.stages, stages->via.str.ptr, stages->via.str.size);
    uint64_t number;
    if (record_uint(record, "epochs", UINT32_MAX, &number) < 0 ||
        record_uint(record, "iteration", UINT64_MAX, &number) < 0)
        return -1;
    if (net_make(&model->net, &shape) < 0)
        return fail_as(DAMAGED, "the model record has a network that cannot be: %s", why());
    if (model->net.parameters > record->size / sizeof *model->parameters)
        return fail_as(DAMAGED,
                       "the model record is too short for the %zu parameters of its network",
                       model->net.parameters);
    free(model->parameters);
    model->parameters = ealloc(model->net.parameters, sizeof *model->parameters);
    return model_read_tensors(record, "tensors", &model->net, model->parameters, 0);
}

/* An option of type HxW in a header, {0, 0} where it was not given. */
static void read_size(const msgpack_object *header, const char *name, uint32_t size[2])
{
    const msgpack_object *options = map_field(header, "options");
    const msgpack_object *value = map_field(options, name);
    size[0] = size[1] = 0;
    for (uint32_t i = 0; value && value->type == MSGPACK_OBJECT_ARRAY && i < 2; i++)
        if (value->via.array.size == 2 &&
            value->via.array.ptr[i].type == MSGPACK_OBJECT_POSITIVE_INTEGER)
            size[i] = (uint32_t)value->via.array.ptr[i].via.u64;
}

/* What it was trained on. The headers above the run tell of psaug --crop, and of the size of all
 * images before it. */
static int read_header(struct model *model, const struct record *header)
{
    if (classes_read(header, &model->classes) < 0 || images_read_about(header, &model->about) < 0)
        return -1;
    const msgpack_object *above = record_field(header, "upstream");
    if (above == NULL || above->type != MSGPACK_OBJECT_ARRAY || above->via.array.size != 1)
        return 0;
    uint32_t crop[2], resize[2];
    read_size(&above->via.array.ptr[0], "crop", crop);
    model->cropped = crop[0] > 0;
    const msgpack_object *sets = map_field(&above->via.array.ptr[0], "upstream");
    if (!model->cropped || sets == NULL || sets->type != MSGPACK_OBJECT_ARRAY)
        return 0;
    for (uint32_t i = 0; i < sets->via.array.size; i++) {
        read_size(&sets->via.array.ptr[i], "resize", resize);
        if (i > 0 && memcmp(resize, model->resized, sizeof resize) != 0)
            resize[0] = resize[1] = 0;
        memcpy(model->resized, resize, sizeof resize);
        if (resize[0] == 0)
            return 0;
    }
    return 0;
}

int model_read(struct model *model, const char *path)
{
    struct record record;
    int got, fd = open(path, O_RDONLY | O_CLOEXEC);
    *model = (struct model){0};
    if (fd < 0)
        return fail("cannot read %s: %s", path, strerror(errno));
    model->run = run_new();
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    snprintf(model->name, sizeof model->name, "%.*s",
             dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
    struct reader *reader = record_open(fd, path, READ_STREAM);
    while ((got = run_next(model->run, reader, &record)) == RECORD_READ) {
        if (record.type == RECORD_HEADER)
            got = read_header(model, &record);
        else if (record.type == RECORD_MODEL)
            got = read_model(model, &record);
        if (got < 0) {
            fail_as(why_status(), "%s: %s", path, why());
            break;
        }
    }
    if (got == RECORD_NONE && model->parameters == NULL)
        got = fail("%s is a run without a model", path);
    record_close(reader);
    close(fd);
    if (got < 0)
        model_free(model);
    return got < 0 ? -1 : 0;
}

int model_fits(const struct model *model, const struct image *image)
{
    const struct images_about *about = &model->about;
    int same = image->height == about->height && image->width == about->width;
    uint32_t height = about->height, width = about->width;
    char within[48] = "";
    if (model->cropped && model->resized[0] > 0) {
        height = model->resized[0];
        width = model->resized[1];
        snprintf(within, sizeof within, " in images of %ux%u", height, width);
    } else if (model->cropped) {
        height = image->height > height ? image->height : height;
        width = image->width > width ? image->width : width;
    }
    int fits = same || (image->height == height && image->width == width);
    if (fits && image->channels == about->channels)
        return 0;
    return fail("%s was trained on %s of %ux%ux%u%s, but %.*s is %ux%ux%u%s", model->name,
                model->cropped ? "windows" : "images", about->height, about->width, about->channels,
                within, (int)image->key_size, image->key, image->height, image->width,
                image->channels,
                image_remedy(image, same ? image->height : height, same ? image->width : width,
                             about->channels));
}

void model_free(struct model *model)
{
    if (model->run)
        run_free(model->run);
    classes_free(&model->classes);
    free(model->parameters);
    *model = (struct model){0};
}
