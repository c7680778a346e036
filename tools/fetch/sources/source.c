#include "sources/source.h"

#include "message.h"
#include "meter.h"
#include "name.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *source_globs(const struct source *source)
{
    return source->include && source->exclude ? "--include and --exclude"
           : source->include                  ? "--include"
                                              : "--exclude";
}

static void free_item(struct source_item *item)
{
    free(item->key);
    free(item->class_name);
}

void source_empty(struct source *source)
{
    for (size_t i = 0; i < source->count; i++)
        free_item(&source->item[i]);
    free(source->item);
    source->item = NULL;
    source->count = source->bad = source->unwanted = 0;
    omitted_free(&source->omitted);
}

const char *source_show(const struct source *source, const char *key)
{
    const char *folder = strcmp(source->name, ".") == 0 ? "" : source->name;
    size_t size = strlen(folder);
    char *name = eformat("%s%s%s", folder, size == 0 || folder[size - 1] == '/' ? "" : "/", key);
    const char *shown = name_show(name);
    free(name);
    return shown;
}

int source_refuse(struct source *source, const char *key, const char *reason)
{
    const char *shown = source_show(source, key);
    if (!source->skip_bad)
        return fail("cannot read %s: %s", shown, reason);
    meter_clear();
    note("left out %s: %s", shown, reason);
    source->bad++;
    return 0;
}

/* Whether one of the globs, separated by commas, fits the key. */
static int fits(const char *globs, const char *key)
{
    char *copy = ecopy(globs), *rest = copy, *glob;
    int found = 0;
    while (!found && (glob = strsep(&rest, ",")) != NULL)
        found = fnmatch(glob, key, 0) == 0;
    free(copy);
    return found;
}

int source_wants(struct source *source, const char *key)
{
    int wanted = (source->include == NULL || fits(source->include, key)) &&
                 (source->exclude == NULL || !fits(source->exclude, key));
    source->unwanted += !wanted;
    return wanted;
}

int source_take(struct source *source, const char *key, uint64_t size)
{
    enum key_kind kind = key_kind(key);
    int is_bare = kind == KEY_BARE;
    if ((kind != KEY_IMAGE && !is_bare) || (is_bare && (size == 0 || size > DECODE_MAX_FILE))) {
        omitted_file(&source->omitted, key);
        return 0;
    }
    int taken = source_take_image(source, key, size);
    if (taken > 0)
        source->item[source->count - 1].is_doubtful = is_bare;
    return taken;
}

int source_take_image(struct source *source, const char *key, uint64_t size)
{
    if (!source_wants(source, key))
        return 0;
    if (!name_is_utf8(key))
        return source_refuse(source, key, "its name is not UTF-8");
    if (size > DECODE_MAX_FILE) {
        char reason[80];
        snprintf(reason, sizeof reason, "it has %" PRIu64 " bytes; at most %d MiB can be read",
                 size, DECODE_MAX_FILE >> 20);
        return source_refuse(source, key, reason);
    }
    struct source_item *item = source_add(source, key, NULL, 0, size);
    item->has_file = 1;
    return 1;
}

int source_take_no_file(struct source *source, const char *key, const char *reason)
{
    if (key_kind(key) == KEY_IMAGE)
        return source_wants(source, key) ? source_refuse(source, key, reason) : 0;
    omitted_file(&source->omitted, key);
    return 0;
}

void source_sniff(struct source *source, struct source_item *item, const uint8_t *head, size_t size)
{
    item->is_doubtful = 0;
    item->is_out = !decode_knows(head, size);
    if (item->is_out)
        omitted_file(&source->omitted, item->key);
}

void source_sniff_all(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        struct source_item *item = &source->item[i];
        uint8_t head[DECODE_HEAD];
        size_t size = item->size < sizeof head ? (size_t)item->size : sizeof head;
        if (item->is_doubtful && source->kind->read(source, item, head, size) == 0)
            source_sniff(source, item, head, size);
        item->is_doubtful = 0;
    }
    source_sift(source);
}

void source_sift(struct source *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < source->count; i++)
        if (source->item[i].is_out)
            free_item(&source->item[i]);
        else
            source->item[kept++] = source->item[i];
    source->count = kept;
    size_t room = 1;
    while (room < kept)
        room *= 2;
    if (kept > 0) /* source_add() goes by the count */
        source->item = egrow(source->item, room, sizeof *source->item);
}

struct source_item *source_add(struct source *source, const char *key, const char *class_name,
                               size_t class_size, uint64_t size)
{
    source->item = egrow_by_one(source->item, source->count, sizeof *source->item);
    char *name = NULL;
    if (class_name != NULL) {
        name = ealloc(class_size + 1, 1);
        memcpy(name, class_name, class_size);
    }
    struct source_item *item = &source->item[source->count++];
    *item = (struct source_item){.key = ecopy(key), .class_name = name, .size = size, .split = -1};
    return item;
}

static int by_key(const void *left, const void *right)
{
    const struct source_item *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

size_t source_place(const struct source *source, size_t count, const char *key, size_t index)
{
    const struct source_item wanted = {.key = (char *)key, .index = index};
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (by_key(&source->item[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void source_sort(struct source *source)
{
    if (source->count > 0)
        qsort(source->item, source->count, sizeof *source->item, by_key);
}
