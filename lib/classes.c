#include "classes.h"

#include "message.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* What a table's tree of names (tsearch(3)) holds: many classes are found in little time. */
struct found {
    const char *name; /* borrowed from the table */
    uint32_t place;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* Of two of the same name the first is found. */
static void remember(struct classes *classes, uint32_t place)
{
    struct found *added = ealloc(1, sizeof *added);
    *added = (struct found){classes->name[place], place};
    struct found **found = tsearch(added, &classes->found, by_name);
    if (found == NULL)
        die(FAILED, "out of memory: the names of classes");
    if (*found != added)
        free(added);
}

int classes_read(const struct record *header, struct classes *classes)
{
    *classes = (struct classes){0};
    const msgpack_object *field = record_field(header, "classes");
    int may_be_empty = object_is(record_field(header, "kind"), "images");
    if (field == NULL || field->type != MSGPACK_OBJECT_ARRAY ||
        (field->via.array.size == 0 && !may_be_empty))
        return fail_as(DAMAGED, "the header has no list of classes");
    classes->name = ealloc(field->via.array.size, sizeof *classes->name);
    for (uint32_t i = 0; i < field->via.array.size; i++) {
        const msgpack_object *name = &field->via.array.ptr[i];
        if (name->type != MSGPACK_OBJECT_STR || memchr(name->via.str.ptr, 0, name->via.str.size)) {
            classes_free(classes);
            return fail_as(DAMAGED, "class %u in the header is not a text", i);
        }
        char *copy = ealloc(name->via.str.size + 1, 1);
        memcpy(copy, name->via.str.ptr, name->via.str.size);
        classes->name[classes->count++] = copy;
    }
    return 0;
}

static void forget(struct classes *classes)
{
    tdestroy(classes->found, free);
    classes->found = NULL;
}

void classes_free(struct classes *classes)
{
    forget(classes);
    for (uint32_t i = 0; i < classes->count; i++)
        free(classes->name[i]);
    free(classes->name);
    *classes = (struct classes){0};
}

int classes_find(struct classes *classes, const char *name, uint32_t *place)
{
    if (classes->found == NULL)
        for (uint32_t i = 0; i < classes->count; i++)
            remember(classes, i);
    struct found wanted = {name, 0}, **found = tfind(&wanted, &classes->found, by_name);
    if (found)
        *place = (*found)->place;
    return found != NULL;
}

void classes_join(struct classes *all, const struct classes *more, uint32_t *place)
{
    for (uint32_t i = 0; i < more->count; i++) {
        if (classes_find(all, more->name[i], &place[i]))
            continue;
        place[i] = all->count++;
        all->name = egrow(all->name, all->count, sizeof *all->name);
        all->name[place[i]] = ecopy(more->name[i]);
        remember(all, place[i]);
    }
}

void classes_sort(struct classes *classes, uint32_t *place)
{
    struct found *sorted = ealloc(classes->count, sizeof *sorted);
    char **name = ealloc(classes->count, sizeof *name);
    for (uint32_t i = 0; i < classes->count; i++)
        sorted[i] = (struct found){classes->name[i], i};
    if (classes->count > 0)
        qsort(sorted, classes->count, sizeof *sorted, by_name);
    for (uint32_t i = 0; i < classes->count; i++) {
        name[i] = classes->name[sorted[i].place];
        place[sorted[i].place] = i;
    }
    free(sorted);
    free(classes->name);
    classes->name = name;
    forget(classes);
}
