#include "sources/omitted.h"

#include "decoding/decode.h"
#include "message.h"
#include "options.h"
#include "sources/source.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum key_kind key_kind(const char *key)
{
    const char *end = key + strlen(key), *name = key, *suffix = NULL;
    while (end > key && end[-1] == '/') /* S3 allows "cat/1.png/" */
        end--;
    for (const char *part = key; part < end; part += *part == '/') {
        size_t size = strcspn(part, "/");
        int is_dots = size == 1 || (size == 2 && part[1] == '.');
        if (*part == '.' && (!is_dots || part + size == end))
            return KEY_HIDDEN;
        name = part;
        part += size;
    }
    for (const char *c = name; c < end; c++)
        if (*c == '.')
            suffix = c;
    if (suffix == NULL)
        return name < end ? KEY_BARE : KEY_OTHER;
    return decode_is_suffix(suffix, (size_t)(end - suffix)) ? KEY_IMAGE : KEY_OTHER;
}

/* Of a key's folder and its suffix, in small letters. */
static void count_suffix(struct omitted *omitted, const char *key)
{
    enum { LOOK_BACK = 16 }; /* as many suffixes may take turns in a folder */
    const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
    const char *dot = strrchr(name, '.');
    if (dot != NULL && decode_is_suffix(dot, strlen(dot))) /* 000017.mask.png beside 000017.png */
        dot = strchr(name, '.');
    size_t folder_size = slash ? (size_t)(slash - key) : 0;
    char suffix[OMITTED_SUFFIX] = "";
    if (dot != NULL && strlen(dot) < sizeof suffix)
        for (size_t i = 0; dot[i] != '\0'; i++)
            suffix[i] = (char)tolower((unsigned char)dot[i]);
    for (size_t i = omitted->groups; i > 0 && i + LOOK_BACK > omitted->groups; i--) {
        struct omitted_group *group = &omitted->group[i - 1];
        if (strcmp(group->suffix, suffix) == 0 && strlen(group->folder) == folder_size &&
            memcmp(group->folder, key, folder_size) == 0) {
            group->count++;
            return;
        }
    }
    omitted->group = egrow_by_one(omitted->group, omitted->groups, sizeof *omitted->group);
    struct omitted_group *group = &omitted->group[omitted->groups++];
    *group = (struct omitted_group){.folder = ealloc(folder_size + 1, 1), .count = 1};
    memcpy(group->folder, key, folder_size);
    memcpy(group->suffix, suffix, sizeof suffix);
}

void omitted_file(struct omitted *omitted, const char *key)
{
    enum key_kind kind = key_kind(key);
    omitted->files++;
    if (kind == KEY_HIDDEN)
        omitted->hidden++;
    else if (kind == KEY_BARE)
        some_names_add(&omitted->bare, key);
    else
        count_suffix(omitted, key);
}

void omitted_free(struct omitted *omitted)
{
    for (size_t i = 0; i < omitted->groups; i++)
        free(omitted->group[i].folder);
    free(omitted->group);
    some_names_free(&omitted->bare);
    some_names_free(&omitted->stray);
    *omitted = (struct omitted){0};
}

static int by_suffix(const void *left, const void *right)
{
    const struct omitted_group *a = left, *b = right;
    return strcmp(a->suffix, b->suffix);
}

static int by_count(const void *left, const void *right)
{
    const struct omitted_group *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count) - (a->count > b->count)
                                : strcmp(a->suffix, b->suffix);
}

static int by_folder(const void *left, const void *right)
{
    const struct omitted_group *a = left, *b = right;
    int order = strcmp(a->folder, b->folder);
    return order != 0 ? order : strcmp(a->suffix, b->suffix);
}

/* Adds what order says to be the same into one, in a copy of the groups that borrows their folders.
 */
static struct omitted_group *sum_up(const struct omitted *omitted,
                                    int (*order)(const void *, const void *), size_t *count)
{
    struct omitted_group *sum = ealloc(omitted->groups + 1, sizeof *sum);
    *count = 0;
    if (omitted->groups == 0)
        return sum;
    memcpy(sum, omitted->group, omitted->groups * sizeof *sum);
    qsort(sum, omitted->groups, sizeof *sum, order);
    for (size_t i = 0; i < omitted->groups; i++)
        if (*count > 0 && order(&sum[*count - 1], &sum[i]) == 0)
            sum[*count - 1].count += sum[i].count;
        else
            sum[(*count)++] = sum[i];
    return sum;
}

/* "7 named .txt, 2 named .json, 1 hidden, 2 without a suffix (LICENSE and docs/README)" */
static void list_kinds(struct text *text, const struct omitted *omitted)
{
    enum { SHOWN = 4 };
    size_t count, others = 0;
    struct omitted_group *kind = sum_up(omitted, by_suffix, &count);
    if (count > 0)
        qsort(kind, count, sizeof *kind, by_count);
    for (size_t i = 0; i < count; i++) {
        if (i >= SHOWN || kind[i].suffix[0] == '\0') {
            others += kind[i].count;
            continue;
        }
        text_format(text, "%s%zu named %s", text->size ? ", " : "", kind[i].count,
                    name_show(kind[i].suffix));
    }
    if (others > 0)
        text_format(text, "%s%zu named otherwise", text->size ? ", " : "", others);
    if (omitted->hidden > 0)
        text_format(text, "%s%zu hidden", text->size ? ", " : "", omitted->hidden);
    if (omitted->bare.count > 0)
        text_format(text, "%s%zu without a suffix (%s)", text->size ? ", " : "",
                    omitted->bare.count, some_names_told(&omitted->bare));
    free(kind);
}

/* How many items, which are sorted by key, lie in that folder itself. */
static size_t count_items(const struct source *source, const char *folder)
{
    size_t length = strlen(folder), count = 0;
    for (size_t i = source_place(source, source->count, folder, 0); i < source->count; i++) {
        const char *rest = source->item[i].key;
        if (strncmp(rest, folder, length) != 0)
            break;
        rest += length;
        if (length > 0 && *rest++ != '/')
            continue;
        count += strchr(rest, '/') == NULL;
    }
    return count;
}

/* Of the folders that lose all or most of what they hold. */
static void tell_folders(const struct source *source)
{
    enum { SHOWN = 3 };
    /* What pictures are called that other programs read; not those of decode.h. */
    static const char pictures[] =
        ".tif|.tiff|.heic|.heif|.avif|.jp2|.jxl|.ppm|.pgm|.pnm|.tga|.svg";
    size_t count, told = 0, more = 0;
    struct omitted_group *group = sum_up(&source->omitted, by_folder, &count);
    for (size_t i = 0; i < count; i++) {
        if (!options_among(pictures, group[i].suffix))
            continue;
        size_t read = count_items(source, group[i].folder);
        if (group[i].count <= read)
            continue;
        if (told++ >= SHOWN) {
            more++;
            continue;
        }
        const char *shown =
            group[i].folder[0] ? source_show(source, group[i].folder) : source->name;
        size_t total = group[i].count + read;
        note("%s: left out %zu of the %zu image%s in it, named %s: psfetch reads %s files; convert "
             "them",
             shown, group[i].count, total, plural(total), group[i].suffix, decode_formats(" and "));
    }
    if (more > 0)
        note("%s: the same in %zu more folder%s", source->name, more, plural(more));
    free(group);
}

/* Whether some of them have one of the suffixes, with | between. */
static int has_suffix(const struct omitted *omitted, const char *suffixes)
{
    for (size_t i = 0; i < omitted->groups; i++)
        if (options_among(suffixes, omitted->group[i].suffix))
            return 1;
    return 0;
}

void omitted_tell(struct source *source)
{
    const struct omitted *omitted = &source->omitted;
    struct text text = {0};
    if (omitted->files > 0) {
        list_kinds(&text, omitted);
        note("%s: left out %zu file%s: %s", source->name, omitted->files, plural(omitted->files),
             text.at);
    }
    if (omitted->hidden_folders > 0)
        note("%s: left out %zu hidden folder%s with all that is in %s", source->name,
             omitted->hidden_folders, plural(omitted->hidden_folders),
             omitted->hidden_folders == 1 ? "it" : "them");
    if (!source->is_part && has_suffix(omitted, ".cls"))
        note("%s: labels beside images (.cls) are read from archives only: pack it with tar",
             source->name);
    tell_folders(source);
    if (omitted->stray.count > 0)
        note("%s: left out %zu image%s in no folder that could be %s class: %s", source->name,
             omitted->stray.count, plural(omitted->stray.count),
             omitted->stray.count == 1 ? "its" : "their", some_names_told(&omitted->stray));
    text_free(&text);
}

int omitted_refuse(struct source *source)
{
    struct text text = {0};
    list_kinds(&text, &source->omitted);
    if (has_suffix(&source->omitted, ".tar|.tgz|.gz|.zst"))
        text_format(&text, "; an archive is a source by its own name, %s%s*.tar say", source->name,
                    source->name[strlen(source->name) - 1] == '/' ? "" : "/");
    else
        text_format(&text, "; psfetch reads %s files", decode_formats(" and "));
    fail("%s holds no images, but %zu file%s: %s", source->name, source->omitted.files,
         plural(source->omitted.files), text.at);
    text_free(&text);
    return -1;
}
