#include "table.h"

#include "message.h"
#include "name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Of whole numbers without zeros before them. */
static int by_number(const void *left, const void *right)
{
    size_t a = strlen(*(char *const *)left), b = strlen(*(char *const *)right);
    return a != b ? (a > b) - (a < b) : by_name(left, right);
}

/* The names that the images have, each once. */
static void find_classes(struct classes *classes, const struct source *source, size_t count)
{
    size_t total = 0, kept = 0;
    int are_numbers = 1;
    for (size_t s = 0; s < count; s++)
        total += source[s].count;
    char **name = ealloc(total, sizeof *name);
    total = 0;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < source[s].count; i++) {
            are_numbers &= source[s].item[i].label == LABEL_NUMBER;
            if (i == 0 ||
                strcmp(source[s].item[i].class_name, source[s].item[i - 1].class_name) != 0)
                name[total++] = source[s].item[i].class_name;
        }
    if (total > 0)
        qsort(name, total, sizeof *name, are_numbers ? by_number : by_name);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(name[kept - 1], name[i]) != 0)
            name[kept++] = name[i];
    for (size_t i = 0; i < kept; i++)
        name[i] = ecopy(name[i]);
    classes->count = (uint32_t)kept;
    classes->name = name;
}

/* All of a file as a text; NULL with a sentence. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rbe");
    size_t size = 0, room = 0;
    char *text = NULL;
    if (file != NULL) {
        do {
            room = size + (1 << 16);
            text = egrow(text, room + 1, 1);
            size += fread(text + size, 1, room - size, file);
        } while (size == room && size <= TABLE_MAX_FILE);
        text[size] = '\0';
    }
    if (file == NULL || ferror(file))
        fail("cannot read %s: %s", path, strerror(errno));
    else if (size > TABLE_MAX_FILE)
        fail("cannot read %s: it has more than %d MiB", path, TABLE_MAX_FILE >> 20);
    else if (strlen(text) != size || !name_is_utf8(text))
        fail("cannot read %s: it is not text in UTF-8", path);
    else {
        fclose(file);
        return text;
    }
    if (file != NULL)
        fclose(file);
    free(text);
    return NULL;
}

static int read_classes(struct classes *classes, const char *path)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that some editors put before UTF-8 */
    char *text = read_text(path), *rest = text;
    if (text == NULL)
        return -1;
    if (strncmp(rest, mark, sizeof mark - 1) == 0)
        rest += sizeof mark - 1;
    int result = 0;
    while (result == 0 && rest != NULL && *rest != '\0') {
        const char *line = strsep(&rest, "\n");
        size_t size = strcspn(line, "\r");
        classes->name = egrow_by_one(classes->name, classes->count, sizeof *classes->name);
        classes->name[classes->count++] = name_compose(line, size);
        if (size == 0)
            result = fail("cannot take the classes of %s: line %u is empty", path, classes->count);
    }
    if (result == 0 && classes->count == 0)
        result = fail("cannot take the classes of %s: it is empty", path);
    free(text);
    return result;
}

int table_make(struct table *table, const struct source *source, size_t count, const char *path)
{
    *table = (struct table){.path = path};
    struct classes *classes = &table->classes;
    int result = 0;
    if (path != NULL)
        result = read_classes(classes, path);
    else
        find_classes(classes, source, count);
    for (uint32_t i = 0, first; i < classes->count && result == 0; i++)
        if (classes_find(classes, classes->name[i], &first) && first != i)
            result = fail("cannot take the classes of %s: %s stands there twice", path,
                          classes->name[i]);
    if (result < 0)
        classes_free(classes);
    return result;
}

int table_label(struct table *table, const struct source_item *item, uint32_t *label)
{
    const char *name = item->class_name;
    int is_number = strspn(name, "0123456789") == strlen(name) && strlen(name) < 10;
    if ((table->path == NULL || item->label != LABEL_NUMBER) &&
        classes_find(&table->classes, name, label))
        return 0;
    *label = is_number ? (uint32_t)strtoul(name, NULL, 10) : UINT32_MAX;
    if (*label < table->classes.count)
        return 0;
    char *shown = name_show(name);
    if (item->label == LABEL_NUMBER)
        fail("its label is %s, and %s names the classes 0 to %u", shown, table->path,
             table->classes.count - 1);
    else
        fail("its class is %s, which is none of the %u that %s names", shown, table->classes.count,
             table->path);
    free(shown);
    return -1;
}
