#include "sources/labels.h"

#include "message.h"
#include "name.h"
#include "options.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const suffix_of[] = {".cls", ".json", ".txt"};

/* The first dot of a name's last part, or the name's end. */
static const char *first_dot(const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    return name + strcspn(name, ".");
}

enum labels_kind labels_kind(const char *name)
{
    enum labels_kind kind = LABELS_CLS;
    while (kind < LABELS_NONE && strcasecmp(first_dot(name), suffix_of[kind]) != 0)
        kind++;
    return key_kind(name) == KEY_HIDDEN ? LABELS_NONE : kind;
}

uint64_t labels_most(enum labels_kind kind)
{
    return kind == LABELS_JSON ? LABELS_MAX_JSON : LABELS_MAX_TEXT;
}

char *labels_key(const char *name)
{
    char *key = ecopy(name);
    if (labels_kind(name) != LABELS_NONE)
        for (char *c = strrchr(key, '.'); *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
    return key;
}

/* The file of that kind for the image of that key; NULL when there is none. */
static struct source_item *find_file(const struct source *source, enum labels_kind kind,
                                     const char *key)
{
    char *name = eformat("%.*s%s", (int)(first_dot(key) - key), key, suffix_of[kind]);
    size_t place = source_place(source, source->count, name, 0);
    struct source_item *file = place < source->count ? &source->item[place] : NULL;
    file = file != NULL && strcmp(file->key, name) == 0 ? file : NULL;
    free(name);
    return file;
}

/* Whether a text can be the name of a class: else a sentence. */
static int check_name(const char *text, size_t size)
{
    if (size == 0)
        return fail("it is empty");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ')
            return fail("it is not one line of text");
    if (size > LABELS_MAX_NAME)
        return fail("it has %zu bytes; the name of a class has at most %d", size, LABELS_MAX_NAME);
    if (size > 1 && text[0] == '-' && strspn(text + 1, "0123456789") == size - 1)
        return fail("it is a number below 0");
    return name_is_utf8(text) ? 0 : fail("it is not UTF-8");
}

char *labels_parse(const char *text, size_t size, enum label *label)
{
    while (size > 0 && isspace((unsigned char)*text)) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    char *copy = ealloc(size + 1, 1), *name = copy;
    memcpy(copy, text, size);
    int is_good = check_name(copy, size) == 0;
    *label = size > 0 && strspn(copy, "0123456789") == size ? LABEL_NUMBER : LABEL_TEXT;
    while (*label == LABEL_NUMBER && name[0] == '0' && name[1] != '\0')
        name++;
    name = is_good ? name_compose(name, strlen(name)) : NULL;
    free(copy);
    return name;
}

/* What the top of a JSON text has under member, or else as label or class: NULL with a sentence. */
static char *parse_json(const char *text, size_t size, const char *member, enum label *label)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, 0, &error);
    if (json == NULL) {
        fail("it is not JSON: %s", error.text);
        return NULL;
    }
    const json_t *found = json_object_get(json, member ? member : "label");
    if (found == NULL && member == NULL)
        found = json_object_get(json, "class");
    char number[24], *name = NULL;
    if (json_is_string(found)) {
        name = labels_parse(json_string_value(found), json_string_length(found), label);
    } else if (json_is_integer(found)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(found));
        name = labels_parse(number, strlen(number), label);
    } else if (found == NULL && member == NULL) {
        fail("it has no member label or class");
    } else if (found == NULL) {
        fail("it has no member %s", member);
    } else {
        fail("its member %s is neither a text nor a whole number", member ? member
                                                                   : json_object_get(json, "label")
                                                                       ? "label"
                                                                       : "class");
    }
    json_decref(json);
    return name;
}

/* The class that a file tells; NULL with a sentence without its name. */
static char *read_label(const struct source *source, const struct source_item *file,
                        const char *member, enum label *label)
{
    enum labels_kind kind = labels_kind(file->key);
    size_t size = (size_t)file->size;
    if (file->size > labels_most(kind)) {
        fail("it has %" PRIu64 " bytes; at most %" PRIu64 " KiB are read", file->size,
             labels_most(kind) >> 10);
        return NULL;
    }
    char *text = ealloc(size + 1, 1), *name = NULL;
    if (source->kind->read(source, file, text, size) == 0)
        name = kind == LABELS_JSON ? parse_json(text, size, member, label)
                                   : labels_parse(text, size, label);
    free(text);
    return name;
}

/* Which kind of files tells the labels. */
static enum labels_kind choose(const struct source *source, const struct source_options *options)
{
    int has_json = 0, has_txt = 0, in_folders = 0;
    if (options->layout.class_level != OPTION_UNSET || options->layout.unlabelled)
        return LABELS_NONE;
    if (options->label_member != NULL)
        return LABELS_JSON;
    for (size_t i = 0; i < source->count; i++) {
        const char *key = source->item[i].key;
        if (labels_kind(key) != LABELS_NONE)
            continue;
        if (find_file(source, LABELS_CLS, key) != NULL)
            return LABELS_CLS;
        in_folders |= strchr(key, '/') != NULL;
        has_txt |= find_file(source, LABELS_TXT, key) != NULL;
        const struct source_item *json = has_json ? NULL : find_file(source, LABELS_JSON, key);
        enum label label;
        char *name = json ? read_label(source, json, NULL, &label) : NULL;
        has_json |= name != NULL;
        free(name);
    }
    return in_folders ? LABELS_NONE : has_json ? LABELS_JSON : has_txt ? LABELS_TXT : LABELS_NONE;
}

/* Labels one image by the files of a kind. 0, or -1 where that is an error. */
static int label_item(struct source *source, struct source_item *item, enum labels_kind kind,
                      const char *member)
{
    struct source_item *file = find_file(source, kind, item->key);
    if (file == NULL) {
        fail("no %.*s%s beside it tells its class", (int)(first_dot(item->key) - item->key),
             item->key, suffix_of[kind]);
    } else {
        file->is_out = 1;
        item->class_name = read_label(source, file, member, &item->label);
        if (item->class_name != NULL)
            return 0;
        fail("%s does not tell its class: %s", name_show(file->key), why());
    }
    item->is_out = 1;
    return source_refuse(source, item->key, why());
}

/* A .txt holds a caption as often as a class: then hardly two are the same. */
static void remark_captions(const struct source *source)
{
    enum { LEAST = 20 };
    char **name = ealloc(source->count + 1, sizeof *name);
    size_t classes = 1;
    for (size_t i = 0; i < source->count; i++)
        name[i] = source->item[i].class_name;
    if (source->count >= LEAST)
        qsort(name, source->count, sizeof *name, name_order);
    for (size_t i = 1; i < source->count; i++)
        classes += strcmp(name[i - 1], name[i]) != 0;
    if (source->count >= LEAST && classes > source->count / 10 * 9)
        note("%s: the .txt files of %zu images tell %zu classes: are they captions?", source->name,
             source->count, classes);
    free(name);
}

int labels_apply(struct source *source, const struct source_options *options)
{
    int result = 0;
    enum labels_kind kind = choose(source, options);
    for (size_t i = 0; i < source->count && kind != LABELS_NONE && result == 0; i++) {
        struct source_item *item = &source->item[i];
        const char *suffix = first_dot(item->key);
        /* A label itself, or an image of a batch of CIFAR-10. */
        if (labels_kind(item->key) != LABELS_NONE || item->class_name != NULL)
            continue;
        if (*suffix != '\0' && !decode_is_suffix(suffix, strlen(suffix))) {
            item->is_out = 1; /* 000017.mask.png is no image of its sample, but about it */
            omitted_file(&source->omitted, item->key);
            continue;
        }
        result = label_item(source, item, kind, options->label_member);
    }
    for (size_t i = 0; i < source->count; i++) {
        struct source_item *file = &source->item[i];
        if (labels_kind(file->key) != LABELS_NONE && !file->is_out) {
            file->is_out = 1; /* and was not used */
            omitted_file(&source->omitted, file->key);
        }
    }
    if (result < 0)
        return -1;
    source_sift(source);
    if (kind == LABELS_TXT)
        remark_captions(source);
    return 0;
}
