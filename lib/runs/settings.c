#include "settings.h"

#include "label.h"
#include "message.h"
#include "record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 200 };

static int is_text(const msgpack_object *object)
{
    return object && object->type == MSGPACK_OBJECT_STR;
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
        break;
    case MSGPACK_OBJECT_STR:
        snprintf(text, size, "%.*s", (int)value->via.str.size, value->via.str.ptr);
        return value->via.str.size > 0;
    default:
        return 0;
    }
    snprintf(text, size, "%.6g", *number);
    return 1;
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

static void add(struct settings *settings, const char *tool, const msgpack_object *key,
                const msgpack_object *value)
{
    char name[MOST_TEXT], text[MOST_TEXT];
    double number;
    if (!is_text(key) || !value_text(value, text, sizeof text, &number))
        return;
    snprintf(name, sizeof name, "%s%s%.*s", tool, tool[0] ? " " : "", (int)key->via.str.size,
             key->via.str.ptr);
    settings_add(settings, name, text, number);
}

/* "psaug 0.1.0" is "psaug"; the header of the run itself needs no such word. */
static void tool_of(const msgpack_object *header, char *tool, size_t size)
{
    const msgpack_object *field = map_field(header, "tool");
    snprintf(tool, size, "%.*s", is_text(field) ? (int)field->via.str.size : 0,
             is_text(field) ? field->via.str.ptr : "");
    tool[strcspn(tool, " ")] = 0;
}

static void read_level(struct settings *settings, const msgpack_object *header, int level)
{
    enum { MOST_LEVELS = 8 };
    char tool[64] = "";
    const msgpack_object *options = map_field(header, "options"),
                         *upstream = map_field(header, "upstream");
    if (level > 0)
        tool_of(header, tool, sizeof tool);
    if (options && options->type == MSGPACK_OBJECT_MAP)
        for (uint32_t i = 0; i < options->via.map.size; i++)
            add(settings, tool, &options->via.map.ptr[i].key, &options->via.map.ptr[i].val);
    if (level < MOST_LEVELS && upstream && upstream->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < upstream->via.array.size; i++)
            if (upstream->via.array.ptr[i].type == MSGPACK_OBJECT_MAP)
                read_level(settings, &upstream->via.array.ptr[i], level + 1);
}

void settings_read(struct settings *settings, const msgpack_object *header)
{
    settings_free(settings);
    read_level(settings, header, 0);
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

int setting_is_seed(const char *name)
{
    size_t length = strlen(name);
    return length >= 4 && strcmp(name + length - 4, "seed") == 0;
}
