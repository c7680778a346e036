#include "archives/shard.h"

#include "sources/layout.h"
#include "message.h"
#include "name.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

struct shard {
    struct archive *archive;
    struct archive_entry *entry;
    char *path, *part; /* the name it will have, and has; NULL: there is nothing to rename */
    int fd;
    int error;
    struct archive *packer; /* zstd, or NULL */
    XXH64_state_t *sum;     /* of what it packs */
    size_t packed;          /* bytes that came of it */
    int is_summed;          /* the frame's head says that a sum stands behind it */
    locale_t utf8, before;
};

static int ends_with(const char *path, const char *suffix)
{
    size_t size = strlen(path), length = strlen(suffix);
    return size >= length && strcasecmp(path + size - length, suffix) == 0;
}

/* A new file beside the one that may be there; what is no file, /dev/null say, is written as it
 * is. */
static int open_file(struct shard *shard, const char *path)
{
    struct stat status;
    shard->path = ecopy(path);
    const char *opened = path;
    if (strcmp(path, "-") == 0) {
        shard->fd = dup(STDOUT_FILENO);
    } else {
        if (stat(path, &status) < 0 || S_ISREG(status.st_mode)) {
            size_t size = strlen(path) + sizeof ".part";
            shard->part = ealloc(size, 1);
            snprintf(shard->part, size, "%s.part", path);
            opened = shard->part;
        }
        shard->fd = open(opened, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    return shard->fd >= 0 ? 0 : fail("cannot write %s: %s", opened, strerror(errno));
}

/* With the locale of C, libarchive takes no names beyond ASCII. */
static void use_utf8(struct shard *shard)
{
    shard->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    if (shard->utf8 != NULL)
        shard->before = uselocale(shard->utf8);
}

/* The head of a zstd frame, with the mark in it that a sum follows the frame. */
static const void *mark_sum(struct shard *shard, const uint8_t *bytes, size_t *size,
                            uint8_t head[5])
{
    enum { SUM = 4 }; /* Content_Checksum_flag of the frame's descriptor, its fifth byte */
    if (shard->packer == NULL || shard->packed > 0 || *size < 5 || (bytes[4] & SUM))
        return bytes;
    memcpy(head, bytes, 5);
    head[4] |= SUM;
    shard->is_summed = 1;
    *size = 5;
    return head;
}

static la_ssize_t on_write(struct archive *archive, void *user, const void *bytes, size_t size)
{
    struct shard *shard = user;
    uint8_t head[5];
    ssize_t put;
    bytes = mark_sum(shard, bytes, &size, head);
    do
        put = write(shard->fd, bytes, size);
    while (put < 0 && errno == EINTR);
    if (put < 0) {
        shard->error = errno;
        archive_set_error(archive, shard->error, "%s", strerror(shard->error));
    }
    shard->packed += put > 0 ? (size_t)put : 0;
    return put;
}

/* The archive, on its way to the packer. */
static la_ssize_t on_pack(struct archive *archive, void *user, const void *bytes, size_t size)
{
    struct shard *shard = user;
    XXH64_update(shard->sum, bytes, size);
    la_ssize_t put = archive_write_data(shard->packer, bytes, size);
    if (put < 0)
        archive_set_error(archive, archive_errno(shard->packer), "%s",
                          archive_error_string(shard->packer));
    return put;
}

/* zstd packs without a sum in libarchive, so that nobody would see a damaged image: we write it.
 * The archive goes through a second one, which does nothing but pack it into one frame; the mark of
 * the sum is set in the frame's head, and the sum written behind it (RFC 8878, 3.1.1). */
static int open_packer(struct shard *shard)
{
    shard->packer = archive_write_new();
    shard->sum = XXH64_createState();
    if (shard->packer == NULL || shard->sum == NULL)
        return ARCHIVE_FATAL;
    XXH64_reset(shard->sum, 0);
    int done = archive_write_set_format_raw(shard->packer);
    done |= archive_write_add_filter_zstd(shard->packer);
    archive_write_set_bytes_in_last_block(shard->packer, 1);
    if (done == ARCHIVE_OK)
        done = archive_write_open(shard->packer, shard, NULL, on_write, NULL);
    archive_entry_set_filetype(shard->entry, AE_IFREG);
    return done == ARCHIVE_OK ? archive_write_header(shard->packer, shard->entry) : done;
}

/* The lower half of the sum, as it stands behind a frame. */
static int write_sum(struct shard *shard)
{
    XXH64_hash_t sum = XXH64_digest(shard->sum);
    uint8_t bytes[4] = {(uint8_t)sum, (uint8_t)(sum >> 8), (uint8_t)(sum >> 16),
                        (uint8_t)(sum >> 24)};
    for (size_t done = 0; shard->is_summed && done < sizeof bytes;) {
        ssize_t put = write(shard->fd, bytes + done, sizeof bytes - done);
        if (put < 0 && errno != EINTR) {
            shard->error = errno;
            return fail("cannot write %s: %s", shard->path, strerror(errno));
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int refuse(struct shard *shard)
{
    const char *text = archive_error_string(shard->archive);
    if (text == NULL && shard->packer != NULL)
        text = archive_error_string(shard->packer);
    return fail("cannot write %s: %s", shard->path, text ? text : "libarchive failed");
}

static int open_archive(struct shard *shard, const char *path)
{
    struct archive *archive = shard->archive;
    if (archive == NULL || shard->entry == NULL)
        return fail("libarchive cannot start");
    int done = archive_write_set_format_pax_restricted(archive);
    if (ends_with(path, ".gz") || ends_with(path, ".tgz")) {
        done |= archive_write_add_filter_gzip(archive);
        done |= archive_write_set_filter_option(archive, "gzip", "timestamp", NULL);
    } else if (ends_with(path, ".zst")) {
        done |= open_packer(shard);
    }
    archive_write_set_bytes_in_last_block(archive, 1); /* no zeros behind what is compressed */
    if (done == ARCHIVE_OK)
        done = archive_write_open(archive, shard, NULL, shard->packer ? on_pack : on_write, NULL);
    return done == ARCHIVE_OK ? 0 : refuse(shard);
}

struct shard *shard_open(const char *path)
{
    struct shard *shard = ealloc(1, sizeof *shard);
    shard->fd = -1;
    use_utf8(shard);
    shard->archive = archive_write_new();
    shard->entry = archive_entry_new();
    if (open_file(shard, path) == 0 && open_archive(shard, path) == 0)
        return shard;
    shard_close(shard);
    return NULL;
}

int shard_add(struct shard *shard, const char *name, const uint8_t *bytes, size_t size)
{
    struct archive_entry *entry = archive_entry_clear(shard->entry);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (archive_write_header(shard->archive, entry) != ARCHIVE_OK ||
        archive_write_data(shard->archive, bytes, size) != (la_ssize_t)size)
        return refuse(shard);
    return 0;
}

int shard_finish(struct shard *shard)
{
    if (archive_write_close(shard->archive) != ARCHIVE_OK ||
        (shard->packer != NULL && archive_write_close(shard->packer) != ARCHIVE_OK))
        return refuse(shard);
    if (shard->packer != NULL && write_sum(shard) < 0)
        return -1;
    int fd = shard->fd;
    shard->fd = -1;
    if (close(fd) < 0)
        return fail("cannot write %s: %s", shard->path, strerror(errno));
    if (shard->part != NULL && rename(shard->part, shard->path) < 0)
        return fail("cannot rename %s: %s", shard->part, strerror(errno));
    free(shard->part);
    shard->part = NULL;
    return 0;
}

void shard_close(struct shard *shard)
{
    archive_write_free(shard->archive);
    archive_write_free(shard->packer);
    XXH64_freeState(shard->sum);
    archive_entry_free(shard->entry);
    if (shard->fd >= 0)
        close(shard->fd);
    if (shard->part != NULL)
        unlink(shard->part);
    if (shard->utf8 != NULL) {
        uselocale(shard->before);
        freelocale(shard->utf8);
    }
    free(shard->part);
    free(shard->path);
    free(shard);
}

int shard_reader_gone(const struct shard *shard)
{
    return shard->error == EPIPE;
}

char *shard_name(const char *key, const char *class_name, int has_file)
{
    size_t size, folders, length = strlen(key), room = length + strlen(class_name) + 8;
    const char *folder = layout_last_folder(key, &size);
    char *class_of_key = name_compose(folder, size);
    while (length > 0 &&
           key[length - 1] == '/') /* a key of S3 may; in a tar it would be a folder */
        length--;
    const char *slash = memrchr(key, '/', length);
    int is_in_it = strcmp(class_of_key, class_name) == 0;
    free(class_of_key);
    char *name = ealloc(room, 1);
    folders = slash != NULL ? (size_t)(slash + 1 - key) : 0;
    snprintf(name, room, "%.*s%s%s%.*s%s", (int)folders, key, is_in_it ? "" : class_name,
             is_in_it ? "" : "/", (int)(length - folders), key + folders, has_file ? "" : ".png");
    return name;
}

uint8_t *encode_png(const struct pixels *pixels, size_t *size)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = pixels->width,
                       .height = pixels->height,
                       .format = pixels->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t most = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *bytes = ealloc(most, 1);
    if (!png_image_write_to_memory(&image, bytes, &most, 0, pixels->data, 0, NULL)) {
        fail("PNG: %s", image.message);
        free(bytes);
        return NULL;
    }
    *size = most;
    return bytes;
}
