#include "json.h"

#include "digits.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Up to here doubles hold every whole number. */
#define DOUBLE_WHOLE (INT64_C(1) << 53)

static void write_text(FILE *out, const char *text, size_t size)
{
    putc('"', out);
    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = utf8_decode(text + i, size - i, &code);
        if (length == 0)
            fputs("\\ufffd", out);
        else if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (code == '\n' || code == '\t')
            fputs(code == '\n' ? "\\n" : "\\t", out);
        else if (utf8_control(code))
            fprintf(out, "\\u%04" PRIx32, code); /* all of them have four digits */
        else
            fwrite(text + i, 1, length, out);
        i += length ? length : 1;
    }
    putc('"', out);
}

static void write_base64(FILE *out, const char *data, size_t size)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = (const uint8_t *)data;
    putc('"', out);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        char four[4] = {sign[group >> 18], sign[group >> 12 & 63],
                        left > 1 ? sign[group >> 6 & 63] : '=', left > 2 ? sign[group & 63] : '='};
        fwrite(four, 1, sizeof four, out);
    }
    putc('"', out);
}

static int is_bytes(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_BIN || object->type == MSGPACK_OBJECT_EXT;
}

/* A key: the streams of this project have texts only; a number is written as one. */
static void write_key(FILE *out, const msgpack_object *key)
{
    if (key->type == MSGPACK_OBJECT_STR)
        write_text(out, key->via.str.ptr, key->via.str.size);
    else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        fprintf(out, "\"%" PRIu64 "\"", key->via.u64);
    else if (key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        fprintf(out, "\"%" PRId64 "\"", key->via.i64);
    else
        fputs("\"?\"", out);
}

static int is_digest(const msgpack_object_kv *field)
{
    const msgpack_object_str *key = &field->key.via.str;
    return field->key.type == MSGPACK_OBJECT_STR &&
           field->val.type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
           ((key->size == 6 && memcmp(key->ptr, "digest", 6) == 0) ||
            (key->size == 4 && memcmp(key->ptr, "seal", 4) == 0));
}

static void write_map(FILE *out, const msgpack_object_map *map, int bytes)
{
    const char *between = "";
    putc('{', out);
    for (uint32_t i = 0; i < map->size; i++) {
        if (is_bytes(&map->ptr[i].val) && !bytes)
            continue;
        fputs(between, out);
        write_key(out, &map->ptr[i].key);
        putc(':', out);
        if (is_digest(&map->ptr[i]))
            fprintf(out, "\"%016" PRIx64 "\"", map->ptr[i].val.via.u64);
        else
            json_write(out, &map->ptr[i].val, bytes);
        between = ",";
    }
    putc('}', out);
}

static void write_array(FILE *out, const msgpack_object_array *array, int bytes)
{
    putc('[', out);
    for (uint32_t i = 0; i < array->size; i++) {
        if (i > 0)
            putc(',', out);
        json_write(out, &array->ptr[i], bytes);
    }
    putc(']', out);
}

static void write_real(FILE *out, double value, int single)
{
    char text[DIGITS_ROOM];
    fputs(isfinite(value) ? digits_of(value, single, text) : "null", out);
}

void json_write(FILE *out, const msgpack_object *object, int bytes)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        fputs(object->via.boolean ? "true" : "false", out);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        fprintf(out, object->via.u64 > (uint64_t)DOUBLE_WHOLE ? "\"%" PRIu64 "\"" : "%" PRIu64,
                object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        fprintf(out, object->via.i64 < -DOUBLE_WHOLE ? "\"%" PRId64 "\"" : "%" PRId64,
                object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        write_real(out, object->via.f64, object->type == MSGPACK_OBJECT_FLOAT32);
        break;
    case MSGPACK_OBJECT_STR:
        write_text(out, object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_ARRAY:
        write_array(out, &object->via.array, bytes);
        break;
    case MSGPACK_OBJECT_MAP:
        write_map(out, &object->via.map, bytes);
        break;
    case MSGPACK_OBJECT_BIN:
        if (bytes)
            write_base64(out, object->via.bin.ptr, object->via.bin.size);
        else
            fputs("null", out);
        break;
    case MSGPACK_OBJECT_EXT:
        if (bytes)
            write_base64(out, object->via.ext.ptr, object->via.ext.size);
        else
            fputs("null", out);
        break;
    default:
        fputs("null", out);
        break;
    }
}
