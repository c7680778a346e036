#include "header.h"

#include "message.h"
#include "random.h"
#include "training_options.h"

#include <string.h>
#include <xxhash.h>

int training_write_header(struct writer *writer, const struct images *input,
                          const struct images_about *images, const char *engine,
                          const struct net *net)
{
    write_header(writer, "run");
    options_pack(writer, training_program.rows);
    images_pack_upstream(writer, input);
    pack_texts(writer, "classes", input->classes.name, input->classes.count);
    images_pack_about(writer, images);
    if (!input->epochs) /* else its header has the digest */
        pack_uint(writer, "digest", images_digest(input));
    pack_text(writer, "engine", engine);
    pack_uint(writer, "numerics", NUMERICS);
    pack_uint(writer, "parameters", net->parameters);
    return write_end(writer);
}

/* "psaug 0.2.0" becomes "psaug". */
static void leave_out_version(msgpack_object *tool)
{
    const char *space = memchr(tool->via.str.ptr, ' ', tool->via.str.size);
    if (space)
        tool->via.str.size = (uint32_t)(space - tool->via.str.ptr);
}

/* Leaves out of a header, and of those that it holds, what does not count. */
static void reduce(msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < object->via.array.size; i++)
            reduce(&object->via.array.ptr[i]);
    if (object->type != MSGPACK_OBJECT_MAP)
        return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        msgpack_object_kv pair = object->via.map.ptr[i];
        if (pair.val.type == MSGPACK_OBJECT_NIL)
            continue;
        if (object_is(&pair.key, "tool") && pair.val.type == MSGPACK_OBJECT_STR)
            leave_out_version(&pair.val);
        reduce(&pair.val);
        object->via.map.ptr[kept++] = pair;
    }
    object->via.map.size = kept;
}

int training_identity(const uint8_t *header, size_t size, uint64_t *digest)
{
    struct record record;
    msgpack_zone *zone = msgpack_zone_new(8192);
    if (zone == NULL)
        die(FAILED, "out of memory: a header");
    int result = record_parse(header, size, zone, &record);
    if (result == 0) {
        struct writer *left = write_open(-1, "a header");
        reduce(&record.map);
        write_object(left, &record.map);
        const uint8_t *bytes = write_last(left, &size);
        *digest = XXH3_64bits(bytes, size);
        write_close(left);
    }
    msgpack_zone_free(zone);
    return result;
}

void training_name(const struct net *net, char name[NAME_ROOM])
{
    unsigned stages = 0;
    for (uint32_t i = 0; i < net->layers; i++)
        stages += net->layer[i].kind == LAYER_CONVOLUTION;
    snprintf(name, NAME_ROOM, "%c%u-s%llu", *net->shape.stages ? 'n' : 'd',
             *net->shape.stages ? stages : net->shape.depth, (unsigned long long)options.seed);
}
