#include "source.h"

#include "message.h"
#include "meter.h"
#include "name.h"
#include "remote.h"
#include "s3.h"
#include "tar.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <xxhash.h>

void fetched_free(struct fetched *fetched)
{
    pixels_free(&fetched->pixels);
    free(fetched->bytes);
}

/* A folder may be called photos.tar too. */
static int is_archive(const char *name)
{
    struct stat status;
    return tar_is_name(name) &&
           (remote_is_url(name) || stat(name, &status) < 0 || !S_ISDIR(status.st_mode));
}

/* Why there are no images. */
static int refuse_empty(const struct source *source)
{
    const char *suffix = strrchr(source->name, '.');
    if (source->unwanted > 0)
        return fail("%s holds no images that --include and --exclude leave", source->name);
    if (source->left_out > 0)
        return fail("%s holds no images: of its %zu files none is named .png, .jpg or .jpeg",
                    source->name, source->left_out);
    if (suffix != NULL && (strcasecmp(suffix, ".png") == 0 || strcasecmp(suffix, ".jpg") == 0 ||
                           strcasecmp(suffix, ".jpeg") == 0))
        return fail("%s holds no images: a source is a folder, of which --include takes some",
                    source->name);
    return fail("%s holds no images: there is nothing in it that could be one", source->name);
}

int source_open(struct source *source, const char *name, const struct source_options *options)
{
    *source = (struct source){.name = ecopy(name),
                              .skip_bad = options->skip_bad,
                              .include = options->include,
                              .exclude = options->exclude};
    int got = is_archive(name)                  ? source_open_archive(source, name, options)
              : s3_is_url(name)                 ? source_open_s3(source, name, options)
              : strncmp(name, "synth:", 6) == 0 ? source_open_synth(source, name)
                                                : source_open_folder(source, name);
    meter_clear();
    if (got < 0)
        return -1;
    return source->count > 0 ? 0 : refuse_empty(source);
}

void source_close(struct source *source)
{
    if (source->class)
        source->class->close(source);
    source_empty(source);
    free(source->described);
    free(source->name);
    *source = (struct source){0};
}

void source_empty(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free(source->item[i].key);
        free(source->item[i].class_name);
    }
    free(source->item);
    source->item = NULL;
    source->count = source->bad = source->left_out = source->hidden_folders = source->unwanted = 0;
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

void choice_start(struct choice *choice, const size_t *item, size_t count)
{
    choice->item = item;
    choice->count = count;
    atomic_store(&choice->next, 0);
}

int choice_take(struct choice *choice, size_t *index, size_t *item)
{
    *index = atomic_fetch_add(&choice->next, 1);
    if (*index >= choice->count)
        return 0;
    *item = choice->item[*index];
    return 1;
}

void choice_end(struct choice *choice)
{
    atomic_store(&choice->next, choice->count);
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

int source_take(struct source *source, const char *key, const char *root, uint64_t size)
{
    size_t class_size;
    const char *class_name = source_class_of(key, root, &class_size);
    if (!source_is_image_name(key)) {
        source->left_out++;
        return 0;
    }
    if (!source_wants(source, key))
        return 0;
    if (!name_is_utf8(key))
        return source_refuse(source, key, "its name is not UTF-8");
    if (class_name == root && !name_is_utf8(root))
        return source_refuse(source, key, "the name of its folder is not UTF-8");
    if (size > DECODE_MAX_FILE) {
        char reason[80];
        snprintf(reason, sizeof reason, "it has %" PRIu64 " bytes; at most %d MiB can be read",
                 size, DECODE_MAX_FILE >> 20);
        return source_refuse(source, key, reason);
    }
    source_add(source, key, class_name, class_size, size);
    source->item[source->count - 1].has_file = 1;
    return 1;
}

void source_add(struct source *source, const char *key, const char *class_name, size_t class_size,
                uint64_t size)
{
    /* Room doubles at powers of two: no separate field for it. */
    if ((source->count & (source->count - 1)) == 0)
        source->item =
            egrow(source->item, source->count ? 2 * source->count : 1, sizeof *source->item);
    char *name = ealloc(class_size + 1, 1);
    memcpy(name, class_name, class_size);
    source->item[source->count++] = (struct source_item){ecopy(key), name, size, 0, 0, -1};
}

/* Where the file's name ends: slashes behind it, which S3 allows, do not count. */
static const char *end_of(const char *key)
{
    const char *end = key + strlen(key);
    while (end > key && end[-1] == '/')
        end--;
    return end;
}

const char *source_class_of(const char *key, const char *fallback, size_t *size)
{
    const char *end = end_of(key);
    while (end > key && end[-1] != '/')
        end--;
    while (end > key && end[-1] == '/') /* S3 allows "cat//1.png" */
        end--;
    if (end == key) {
        *size = strlen(fallback);
        return fallback;
    }
    const char *start = end;
    while (start > key && start[-1] != '/')
        start--;
    *size = (size_t)(end - start);
    return start;
}

int source_is_image_name(const char *key)
{
    const char *end = end_of(key), *name = end, *suffix = NULL;
    for (const char *part = key; part < end; part += *part == '/') {
        size_t size = strcspn(part, "/");
        int is_dots = size == 1 || (size == 2 && part[1] == '.');
        if (*part == '.' && (!is_dots || part + size == end))
            return 0;
        name = part;
        part += size;
    }
    for (const char *c = name; c < end; c++)
        if (*c == '.')
            suffix = c;
    if (name == end || suffix == NULL)
        return name < end;
    return decode_is_suffix(suffix, (size_t)(end - suffix));
}

static int by_key(const void *left, const void *right)
{
    const struct source_item *a = left, *b = right;
    return strcmp(a->key, b->key);
}

void source_sort(struct source *source)
{
    qsort(source->item, source->count, sizeof *source->item, by_key);
}

void source_describe(struct source *source, const char *kind)
{
    XXH3_state_t *digest = XXH3_createState();
    char text[40], size[24];
    if (digest == NULL)
        die(FAILED, "out of memory: a digest");
    XXH3_64bits_reset(digest);
    for (size_t i = 0; i < source->count; i++) {
        XXH3_64bits_update(digest, source->item[i].key, strlen(source->item[i].key) + 1);
        int used = snprintf(size, sizeof size, "%" PRIu64, source->item[i].size);
        XXH3_64bits_update(digest, size, (size_t)used + 1);
    }
    snprintf(text, sizeof text, "%s:%016" PRIx64, kind, (uint64_t)XXH3_64bits_digest(digest));
    XXH3_freeState(digest);
    source->described = ecopy(text);
}
