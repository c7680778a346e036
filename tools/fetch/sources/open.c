#include "sources/open.h"

#include "archives/blob.h"
#include "archives/tar.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "s3/listing.h"
#include "sources/idx.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

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
    char size[24];
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
    char *text = eformat("%s:%016" PRIx64, kind, (uint64_t)XXH3_64bits_digest(digest));
    XXH3_freeState(digest);
    return text;
}

/* Whether a name is that of an image's file, by its suffix; one that is not there is a bad image.
 */
static int is_image_file(const char *name)
{
    struct stat status;
    const char *suffix = strrchr(name, '.');
    return suffix != NULL && decode_is_suffix(suffix, strlen(suffix)) &&
           strstr(name, "://") == NULL && (stat(name, &status) < 0 || S_ISREG(status.st_mode));
}

/* Whether a source is standard input, or what is neither folder nor file; or a file that begins as
 * msgpack maps do, and is no PNG, which does too. */
static int may_be_stream(const char *name, const struct stat *status)
{
    unsigned char first = 0;
    if (strcmp(name, "-") == 0)
        return 1;
    if (is_image_file(name))
        return 0;
    int fd = status != NULL && S_ISREG(status->st_mode) ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    int is_empty = fd >= 0 && read(fd, &first, 1) < 1;
    if (fd >= 0)
        close(fd);
    return status != NULL && (fd < 0 || is_empty || (first & 0xf0) == 0x80 || first >> 1 == 0x6f);
}

/* Classes, and what the header calls it. */
static int settle(struct source *source, const struct source_options *options, const char *kind)
{
    if (source->count == 0)
        return refuse_empty(source);
    if (layout(source, &options->layout) < 0)
        return -1;
    if (source->count == 0)
        return refuse_empty(source);
    if (source->described == NULL)
        source->described = describe(source, kind);
    return 0;
}

ptrdiff_t source_open_next(struct source *source, char *const *name, size_t count,
                           const struct source_options *options)
{
    size_t files = 0;
    while (options->layout.unlabelled && files < count && is_image_file(name[files]))
        files++;
    if (files == 0)
        return source_open(source, name[0], options) < 0 ? -1 : 1;
    *source = (struct source){.kind = &source_folder,
                              .name = ecopy("."),
                              .skip_bad = options->skip_bad,
                              .include = options->include,
                              .exclude = options->exclude};
    if (folder_take_files(source, name, files) < 0 || settle(source, options, "files") < 0)
        return -1;
    return (ptrdiff_t)files;
}

/* A folder may be called photos.tar too. What stands in the stream's header is UTF-8. */
int source_open(struct source *source, const char *name, const struct source_options *options)
{
    struct stat status;
    int is_url = blob_is_url(name);
    int is_there = !is_url && stat(name, &status) == 0,
        is_folder = is_there && S_ISDIR(status.st_mode);
    int is_tar = tar_suffix(name) > 0 && !is_folder;
    *source = (struct source){.name = ecopy(name),
                              .skip_bad = options->skip_bad,
                              .include = options->include,
                              .exclude = options->exclude};
    if (is_url && !name_is_utf8(name))
        return fail("the name %s is not UTF-8", name_show(name));
    const char *suffix = strrchr(name, '.');
    int is_list = !is_url && !is_folder && suffix != NULL && strcasecmp(suffix, ".csv") == 0;
    int is_idx = is_folder ? idx_is_folder(name) : idx_is_file(name);
    source->kind = is_tar                                                         ? &source_archive
                   : is_idx                                                       ? &source_idx
                   : s3_is_url(name)                                              ? &source_bucket
                   : strncmp(name, "synth:", 6) == 0                              ? &source_synth
                   : is_list                                                      ? &source_list
                   : may_be_stream(name, is_there && !is_folder ? &status : NULL) ? &source_stream
                                                                                  : &source_folder;
    int got = source->kind->open(source, name, options);
    meter_clear();
    if (got < 0)
        return -1;
    return settle(source, options, is_tar ? "tar" : is_list ? "list" : is_idx ? "idx" : "folder");
}

void source_close(struct source *source)
{
    if (source->kind)
        source->kind->close(source);
    source_empty(source);
    free(source->described);
    free(source->root);
    free(source->name);
    *source = (struct source){0};
}
