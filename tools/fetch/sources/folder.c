/* A folder of images on this machine. */
#include "sources/open.h"

#include "message.h"
#include "name.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Items are opened relative to the folder. */
static int open_item(const struct source *source, const struct source_item *item)
{
    const int *directory = source->state;
    return openat(*directory, item->key, O_RDONLY | O_CLOEXEC);
}

static int load(struct source *source, size_t index, struct fetched *fetched)
{
    const struct source_item *item = &source->item[index];
    size_t size = fetched->size = (size_t)item->size;
    int fd = open_item(source, item), result = fd < 0 ? fail("%s", strerror(errno)) : 0;
    fetched->bytes = egrow(NULL, size + 1, 1);
    if (result == 0)
        result = read_at(fd, 0, fetched->bytes, size);
    if (result == 0 && pread(fd, fetched->bytes + size, 1, (off_t)size) > 0)
        result = fail("it became longer while it was read");
    if (fd >= 0)
        close(fd);
    return result < 0;
}

static void close_folder(struct source *source)
{
    int *directory = source->state;
    if (*directory >= 0)
        close(*directory);
    free(directory);
}

static int read_item(const struct source *source, const struct source_item *item, void *bytes,
                     size_t size)
{
    int fd = open_item(source, item);
    int result = fd < 0 ? fail("%s", strerror(errno)) : read_at(fd, 0, bytes, size);
    if (fd >= 0)
        close(fd);
    return result;
}

/* Takes what fts came upon; key is its path under the root. */
static int take_entry(struct source *source, FTS *tree, FTSENT *entry, const char *key)
{
    int hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
    switch (entry->fts_info) {
    case FTS_D:
        if (hidden) {
            source->omitted.hidden_folders++;
            fts_set(tree, entry, FTS_SKIP);
        }
        return 0;
    case FTS_DP: /* a folder once more, after what is in it */
        return 0;
    case FTS_F:
        return source_take(source, key, (uint64_t)entry->fts_statp->st_size);
    case FTS_SLNONE:
        return source_take_no_file(source, key, "it is a link to nothing");
    case FTS_DEFAULT:
        return source_take_no_file(source, key, "it is neither file nor folder");
    default:
        break;
    }
    if (hidden) {
        omitted_file(&source->omitted, key);
        return 0;
    }
    if (entry->fts_info == FTS_DC && !source_wants(source, key))
        return 0;
    return entry->fts_info == FTS_DC
               ? fail("the folder %s contains itself through a link: remove the link, or "
                      "--exclude its path below the folder that is fetched",
                      name_show(entry->fts_path))
               : fail("cannot read %s: %s", name_show(entry->fts_path), strerror(entry->fts_errno));
}

/* So that what is said about files comes in the order of their names. */
static int by_name(const FTSENT **left, const FTSENT **right)
{
    return strcmp((*left)->fts_name, (*right)->fts_name);
}

/* Lists what lies under root, following links to files and folders. */
static int list_files(struct source *source, char *root)
{
    char *roots[] = {root, NULL};
    size_t root_length = strlen(root);
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (tree == NULL)
        return fail("cannot read the folder %s: %s", root, strerror(errno));
    int result = 0;
    FTSENT *entry;
    while (result >= 0 && (errno = 0, entry = fts_read(tree)) != NULL) {
        const char *key = entry->fts_path + root_length;
        key += *key == '/';
        result = take_entry(source, tree, entry, key);
    }
    if (result >= 0 && errno != 0)
        result = fail("cannot read the folder %s: %s", root, strerror(errno));
    fts_close(tree);
    return result < 0 ? -1 : 0;
}

static int open_folder(struct source *source, const char *name,
                       const struct source_options *options)
{
    (void)options;
    int *directory = source->state = ealloc(1, sizeof *directory);
    char *real = realpath(name, NULL), *copy = ecopy(name);
    *directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result =
        *directory >= 0 && real ? 0
        : errno == ENOTDIR || strstr(name, "://")
            ? fail("%s is not a folder; sources are folders, s3://bucket/prefix, tar "
                   "archives (.tar .tar.gz .tgz .tar.zst; also s3://… and https://…), lists "
                   "(.csv), idx files, streams of images and synth:shapes; and with --unlabelled "
                   "image files",
                   name)
            : fail("cannot read the folder %s: %s", name, strerror(errno));
    if (result == 0) {
        source->root = ecopy(strrchr(real, '/') + 1);
        result = list_files(source, copy);
    }
    if (result == 0) {
        source_sort(source);
        source_sniff_all(source);
    }
    free(copy);
    free(real);
    return result;
}

int folder_take_files(struct source *source, char *const *name, size_t count)
{
    int *directory = source->state = ealloc(1, sizeof *directory);
    *directory = AT_FDCWD;
    for (size_t i = 0; i < count; i++) {
        struct stat status = {0}; /* of one that is not there load() tells */
        (void)stat(name[i], &status);
        if (source_take_image(source, name[i], (uint64_t)status.st_size) < 0)
            return -1;
    }
    return 0;
}

const struct source_kind source_folder = {
    .open = open_folder, .load = load, .read = read_item, .close = close_folder};
