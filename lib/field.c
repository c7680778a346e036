/* Fields of a record: by name, with their type and range looked at. */
#include "message.h"
#include "record.h"

#include <string.h>

int text_is(const msgpack_object *object, const char *text)
{
    size_t size = strlen(text);
    return object && object->type == MSGPACK_OBJECT_STR && object->via.str.size == size &&
           memcmp(object->via.str.ptr, text, size) == 0;
}

const msgpack_object *map_field(const msgpack_object *map, const char *key)
{
    if (map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (text_is(&map->via.map.ptr[i].key, key))
            return &map->via.map.ptr[i].val;
    return NULL;
}

uint64_t map_uint(const msgpack_object *map, const char *key, uint64_t absent)
{
    const msgpack_object *field = map ? map_field(map, key) : NULL;
    return field && field->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? field->via.u64 : absent;
}

int map_true(const msgpack_object *map, const char *key)
{
    const msgpack_object *field = map_field(map, key);
    return field && field->type == MSGPACK_OBJECT_BOOLEAN && field->via.boolean;
}

const msgpack_object *record_field(const struct record *record, const char *key)
{
    return map_field(&record->map, key);
}

/* "a record of type image has no label" and the like; always -1. */
static int wrong(const struct record *record, const char *key, const char *what)
{
    const msgpack_object *type = record_field(record, "type");
    return fail_as(DAMAGED, "a record of type %.*s %s %s", (int)type->via.str.size,
                   type->via.str.ptr, what, key);
}

int record_uint(const struct record *record, const char *key, uint64_t most, uint64_t *value)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return wrong(record, key, "should have a whole number as its");
    if (field->via.u64 > most)
        return wrong(record, key, "has too large a number as its");
    *value = field->via.u64;
    return 0;
}

int real_of(const msgpack_object *object, double *value)
{
    if (object->type == MSGPACK_OBJECT_FLOAT64 || object->type == MSGPACK_OBJECT_FLOAT32)
        *value = object->via.f64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        *value = (double)object->via.u64;
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *value = (double)object->via.i64;
    else
        return -1;
    return 0;
}

int record_real(const struct record *record, const char *key, double *value)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    return real_of(field, value) < 0 ? wrong(record, key, "should have a number as its") : 0;
}

int record_text(const struct record *record, const char *key, char *buffer, size_t size)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_STR)
        return wrong(record, key, "should have a text as its");
    if (field->via.str.size >= size || memchr(field->via.str.ptr, 0, field->via.str.size))
        return wrong(record, key, "has too long a text (or a zero byte in it) as its");
    memcpy(buffer, field->via.str.ptr, field->via.str.size);
    buffer[field->via.str.size] = 0;
    return 0;
}

int record_bin(const struct record *record, const char *key, const uint8_t **bytes, size_t *size)
{
    const msgpack_object *field = record_field(record, key);
    if (field == NULL)
        return wrong(record, key, "has no");
    if (field->type != MSGPACK_OBJECT_BIN)
        return wrong(record, key, "should have bytes as its");
    *bytes = (const uint8_t *)field->via.bin.ptr;
    *size = field->via.bin.size;
    return 0;
}
