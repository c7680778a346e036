#include "sources/source.h"

#include "message.h"
#include "meter.h"
#include "name.h"
#include "archives/remote.h"
#include "s3/s3.h"
#include "archives/tar.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <xxhash.h>

/* A folder may be called photos.tar too. */
static int is_archive(const char *name)
{
    struct stat status;
    return tar_is_name(name) &&
           (remote_is_url(name) || stat(name, &status) < 0 || !S_ISDIR(status.st_mode));
}

const char *source_globs(const struct source *source)
{
    return source->include && source->exclude ? "--include and --exclude"
           : source->include                  ? "--include"
                                              : "--exclude";
}

/* Why there are no images. */
static int refuse_empty(struct source *source)
{
    const char *suffix = strrchr(source->name, '.');
    if (source->unwanted > 0)
        return fail("%s holds no images that pass %s", source->name, source_globs(source));
    if (source->bad > 0)
        return fail("%s holds no images that are not bad", source->name);
    if (source->omitted.files > 0)
        return omitted_refuse(source);
    if (suffix != NULL && decode_is_suffix(suffix, strlen(suffix)))
        return fail("%s holds no images: a source is a folder, of which --include takes some",
                    source->name);
    return fail("%s holds no images: there is nothing in it that could be one", source->name);
}

/* The listing, keys and sizes, and the labels that are not part of keys: the same wherever it lies.
 */
static char *describe(const struct source *source, const char *kind)
{
    XXH3_state_t *digest = XXH3_createState();
    char text[40], size[24];
    if (digest == NULL)
        die(FAILED, "out of memory: a digest");
    XXH3_64bits_reset(digest);
    for (size_t i = 0; i < source->count; i++) {
        const struct source_item *item = &source->item[i];
        XXH3_64bits_update(digest, item->key, strlen(item->key) + 1);
        int used = snprintf(size, sizeof size, "%" PRIu64, item->size);
        XXH3_64bits_update(digest, size, (size_t)used + 1);
        if (item->label != LABEL_FOLDER)
            XXH3_64bits_update(digest, item->class_name, strlen(item->class_name) + 1);
    }
    snprintf(text, sizeof text, "%s:%016" PRIx64, kind, (uint64_t)XXH3_64bits_digest(digest));
    XXH3_freeState(digest);
    return ecopy(text);
}

int source_open(struct source *source, const char *name, const struct source_options *options)
{
    *source = (struct source){.name = ecopy(name),
                              .skip_bad = options->skip_bad,
                              .include = options->include,
                              .exclude = options->exclude};
    int is_tar = is_archive(name);
    int got = is_tar                            ? source_open_archive(source, name, options)
              : s3_is_url(name)                 ? source_open_s3(source, name, options)
              : strncmp(name, "synth:", 6) == 0 ? source_open_synth(source, name)
                                                : source_open_folder(source, name);
    meter_clear();
    if (got < 0)
        return -1;
    if (source->count == 0)
        return refuse_empty(source);
    if (layout(source, &options->layout) < 0)
        return -1;
    if (source->count == 0)
        return refuse_empty(source);
    if (source->described == NULL)
        source->described = describe(source, is_tar ? "tar" : "folder");
    return 0;
}

void source_close(struct source *source)
{
    if (source->class)
        source->class->close(source);
    source_empty(source);
    free(source->described);
    free(source->root);
    free(source->name);
    *source = (struct source){0};
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

void source_keep(struct source *source, size_t count)
{
    size_t room = 1;
    source->count = count;
    while (room < count)
        room *= 2;
    if (count > 0) /* source_add() goes by the count */
        source->item = egrow(source->item, room, sizeof *source->item);
}

char *source_show(const struct source *source, const char *key)
{
    size_t size = strlen(source->name);
    char *name = ealloc(size + strlen(key) + 2, 1);
    snprintf(name, size + strlen(key) + 2, "%s%s%s", source->name,
             source->name[size - 1] == '/' ? "" : "/", key);
    char *shown = name_show(name);
    free(name);
    return shown;
}

int source_refuse(struct source *source, const char *key, const char *reason)
{
    char *shown = source_show(source, key);
    int result = 0;
    if (source->skip_bad) {
        meter_clear();
        note("left out %s: %s", shown, reason);
        source->bad++;
    } else {
        result = fail("cannot read %s: %s", shown, reason);
    }
    free(shown);
    return result;
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
    enum key_kind kind = source_key_kind(key);
    int is_bare = kind == KEY_BARE;
    if ((kind != KEY_IMAGE && !is_bare) || (is_bare && (size == 0 || size > DECODE_MAX_FILE))) {
        omitted_file(&source->omitted, key);
        return 0;
    }
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
    source_add(source, key, NULL, 0, size);
    source->item[source->count - 1].has_file = 1;
    source->item[source->count - 1].is_doubtful = is_bare;
    return 1;
}

int source_take_no_file(struct source *source, const char *key, const char *reason)
{
    if (source_key_kind(key) == KEY_IMAGE)
        return source_wants(source, key) ? source_refuse(source, key, reason) : 0;
    omitted_file(&source->omitted, key);
    return 0;
}

void source_judge(struct source *source, struct source_item *item, const uint8_t *head, size_t size)
{
    item->is_doubtful = 0;
    item->is_out = !decode_knows(head, size);
    if (item->is_out)
        omitted_file(&source->omitted, item->key);
}

void source_look_into(struct source *source,
                      int (*read_head)(struct source *source, const struct source_item *item,
                                       uint8_t *head, size_t size))
{
    for (size_t i = 0; i < source->count; i++) {
        struct source_item *item = &source->item[i];
        uint8_t head[DECODE_HEAD];
        size_t size = item->size < sizeof head ? (size_t)item->size : sizeof head;
        if (item->is_doubtful && read_head(source, item, head, size) == 0)
            source_judge(source, item, head, size);
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
    source_keep(source, kept);
}

void source_add(struct source *source, const char *key, const char *class_name, size_t class_size,
                uint64_t size)
{
    source->item = egrow_by_one(source->item, source->count, sizeof *source->item);
    char *name = NULL;
    if (class_name != NULL) {
        name = ealloc(class_size + 1, 1);
        memcpy(name, class_name, class_size);
    }
    source->item[source->count++] =
        (struct source_item){.key = ecopy(key), .class_name = name, .size = size, .split = -1};
}

enum key_kind source_key_kind(const char *key)
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

static int by_key(const void *left, const void *right)
{
    const struct source_item *a = left, *b = right;
    return strcmp(a->key, b->key);
}

void source_sort(struct source *source)
{
    if (source->count > 0)
        qsort(source->item, source->count, sizeof *source->item, by_key);
}
