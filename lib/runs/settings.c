#include "settings.h"

#include "label.h"
#include "message.h"
#include "record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 200, MOST_VALUE = 1024 };

/* Two numbers: whole ones are a size, 24x20, real ones a range, 0.8..1.2. */
static int pair_text(const msgpack_object_array *pair, char *text, size_t size)
{
    double value[2];
    if (pair->size != 2 || real_of(&pair->ptr[0], &value[0]) < 0 ||
        real_of(&pair->ptr[1], &value[1]) < 0)
        return 0;
    int whole = pair->ptr[0].type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    snprintf(text, size, whole ? "%.0fx%.0f" : "%.6g..%.6g", value[0], value[1]);
    return 1;
}

/* A value as a text, and as a number where it is one. 0 when there is nothing to say. */
static int value_text(const msgpack_object *value, char *text, size_t size, double *number)
{
    *number = NAN;
    switch (value->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        snprintf(text, size, "%s", value->via.boolean ? "yes" : "no");
        return 1;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *number = (double)value->via.u64;
        snprintf(text, size, "%" PRIu64, value->via.u64);
        return 1;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *number = (double)value->via.i64;
        snprintf(text, size, "%" PRId64, value->via.i64);
        return 1;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *number = value->via.f64;
        snprintf(text, size, "%.6g", *number);
        return 1;
    case MSGPACK_OBJECT_STR:
        snprintf(text, size, "%.*s", (int)value->via.str.size, value->via.str.ptr);
        return value->via.str.size > 0;
    case MSGPACK_OBJECT_ARRAY:
        return pair_text(&value->via.array, text, size);
    default:
        return 0;
    }
}

void settings_add(struct settings *settings, const char *name, const char *value, double number)
{
    struct setting new = {label_clean(name, strlen(name)), label_clean(value, strlen(value)),
                          number};
    for (char *dash = new.name; (dash = strchr(dash, '-'));)
        *dash = ' ';
    settings->setting = egrow(settings->setting, settings->count + 1, sizeof *settings->setting);
    settings->setting[settings->count++] = new;
}

void settings_read(struct settings *settings, const msgpack_object *header, int upstream)
{
    const msgpack_object *options = map_field(header, "options"), *tool = map_field(header, "tool"),
                         *above = map_field(header, "upstream");
    char name[MOST_NAME], text[MOST_VALUE];
    double number;
    size_t before = 0;
    /* "psaug 0.2.0" is "psaug"; the header of the run itself needs no such word. */
    if (upstream && tool && tool->type == MSGPACK_OBJECT_STR) {
        snprintf(name, 64, "%.*s", (int)tool->via.str.size, tool->via.str.ptr);
        before = strcspn(name, " ");
        name[before] = ' ';
        before += before > 0;
    }
    for (uint32_t i = 0;
         options && options->type == MSGPACK_OBJECT_MAP && i < options->via.map.size; i++) {
        const msgpack_object_kv *pair = &options->via.map.ptr[i];
        if (pair->key.type != MSGPACK_OBJECT_STR ||
            !value_text(&pair->val, text, sizeof text, &number))
            continue;
        snprintf(name + before, sizeof name - before, "%.*s", (int)pair->key.via.str.size,
                 pair->key.via.str.ptr);
        settings_add(settings, name, text, number);
    }
    for (uint32_t i = 0; above && above->type == MSGPACK_OBJECT_ARRAY && i < above->via.array.size;
         i++)
        settings_read(settings, &above->via.array.ptr[i], 1);
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->setting[i].name);
        free(settings->setting[i].value);
    }
    free(settings->setting);
    *settings = (struct settings){0};
}

const struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = settings->count; i-- > 0;)
        if (strcmp(settings->setting[i].name, name) == 0)
            return &settings->setting[i];
    return NULL;
}
