#include "json.h"

#include "digits.h"
#include "record.h"
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

static void write_field(FILE *out, const msgpack_object_kv *field, int bytes)
{
    const msgpack_object *key = &field->key, *value = &field->val;
    /* The streams of this project have texts as keys only; a number is written as one. */
    if (key->type == MSGPACK_OBJECT_STR)
        write_text(out, key->via.str.ptr, key->via.str.size);
    else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        fprintf(out, "\"%" PRIu64 "\"", key->via.u64);
    else if (key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        fprintf(out, "\"%" PRId64 "\"", key->via.i64);
    else
        fputs("\"?\"", out);
    putc(':', out);
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
        (object_is(key, "digest") || object_is(key, "seal")))
        fprintf(out, "\"%016" PRIx64 "\"", value->via.u64);
    else
        json_write(out, value, bytes);
}

void json_write(FILE *out, const msgpack_object *object, int bytes)
{
    char text[DIGITS_ROOM];
    const char *between = "";
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        fputs(object->via.boolean ? "true" : "false", out);
        return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        fprintf(out, object->via.u64 > (uint64_t)DOUBLE_WHOLE ? "\"%" PRIu64 "\"" : "%" PRIu64,
                object->via.u64);
        return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        fprintf(out, object->via.i64 < -DOUBLE_WHOLE ? "\"%" PRId64 "\"" : "%" PRId64,
                object->via.i64);
        return;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        fputs(isfinite(object->via.f64)
                  ? digits_of(object->via.f64, object->type == MSGPACK_OBJECT_FLOAT32, text)
                  : "null",
              out);
        return;
    case MSGPACK_OBJECT_STR:
        write_text(out, object->via.str.ptr, object->via.str.size);
        return;
    case MSGPACK_OBJECT_ARRAY:
        putc('[', out);
        for (uint32_t i = 0; i < object->via.array.size; i++, between = ",") {
            fputs(between, out);
            json_write(out, &object->via.array.ptr[i], bytes);
        }
        putc(']', out);
        return;
    case MSGPACK_OBJECT_MAP:
        putc('{', out);
        for (uint32_t i = 0; i < object->via.map.size; i++)
            if (bytes || !is_bytes(&object->via.map.ptr[i].val)) {
                fputs(between, out);
                write_field(out, &object->via.map.ptr[i], bytes);
                between = ",";
            }
        putc('}', out);
        return;
    default:
        if (bytes && object->type == MSGPACK_OBJECT_BIN)
            write_base64(out, object->via.bin.ptr, object->via.bin.size);
        else if (bytes && object->type == MSGPACK_OBJECT_EXT)
            write_base64(out, object->via.ext.ptr, object->via.ext.size);
        else
            fputs("null", out);
    }
}
