#include "csv.h"

#include "digits.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void csv_none(struct csv *csv)
{
    if (csv->fields++ > 0)
        putc(',', csv->out);
}

static int is_line_or_tab(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r';
}

static int wants_quotes(const char *text, size_t size)
{
    return memchr(text, ',', size) || memchr(text, '"', size) || memchr(text, '\n', size) ||
           memchr(text, '\r', size);
}

void csv_text_sized(struct csv *csv, const char *text, size_t size)
{
    int quoted = wants_quotes(text, size);
    csv_none(csv);
    if (quoted)
        putc('"', csv->out);
    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = utf8_decode(text + i, size - i, &code);
        if (length == 0 || (utf8_control(code) && !is_line_or_tab(code)))
            fputs("\xef\xbf\xbd", csv->out);
        else
            fwrite(text + i, 1, length, csv->out);
        if (length == 1 && code == '"')
            putc('"', csv->out);
        i += length ? length : 1;
    }
    if (quoted)
        putc('"', csv->out);
}

void csv_text(struct csv *csv, const char *text)
{
    csv_text_sized(csv, text, strlen(text));
}

void csv_whole(struct csv *csv, int64_t value)
{
    csv_none(csv);
    fprintf(csv->out, "%" PRId64, value);
}

void csv_count(struct csv *csv, uint64_t value)
{
    csv_none(csv);
    if (value != UINT64_MAX)
        fprintf(csv->out, "%" PRIu64, value);
}

static void real(struct csv *csv, double value, int single)
{
    char text[DIGITS_ROOM];
    csv_none(csv);
    /* printf() may write -nan, which not everybody reads. */
    fputs(isnan(value)   ? "nan"
          : isinf(value) ? (value < 0 ? "-inf" : "inf")
                         : digits_of(value, single, text),
          csv->out);
}

void csv_real(struct csv *csv, double value)
{
    real(csv, value, 0);
}

void csv_object(struct csv *csv, const msgpack_object *object)
{
    switch (object ? object->type : MSGPACK_OBJECT_NIL) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        csv_none(csv);
        fprintf(csv->out, "%" PRIu64, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        csv_none(csv);
        fprintf(csv->out, "%" PRId64, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        real(csv, object->via.f64, object->type == MSGPACK_OBJECT_FLOAT32);
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        csv_text(csv, object->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_STR:
        csv_text_sized(csv, object->via.str.ptr, object->via.str.size);
        break;
    default:
        csv_none(csv);
        break;
    }
}

void csv_field(struct csv *csv, const struct record *record, const char *key)
{
    csv_object(csv, record_field(record, key));
}

void csv_end(struct csv *csv)
{
    putc('\n', csv->out);
    csv->fields = 0;
}
