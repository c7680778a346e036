#include "archives/shard.h"

#include "message.h"

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
#include <zstd.h>

struct shard {
    struct archive *archive;
    struct archive_entry *entry;
    char *path, *part; /* the name it will have, and has; NULL: there is nothing to rename */
    int fd;
    int error;
    ZSTD_CCtx *zstd; /* or NULL */
    uint8_t *packed; /* [ZSTD_CStreamOutSize()] */
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
            opened = shard->part = eformat("%s.part", path);
        }
        shard->fd = open(opened, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    return shard->fd >= 0 ? 0 : fail("cannot write %s: %s", opened, strerror(errno));
}

/* 0, or -1 with the reason alone. */
static int write_all(struct shard *shard, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(shard->fd, bytes + done, size - done);
        if (put < 0 && errno != EINTR) {
            shard->error = errno;
            return fail("%s", strerror(errno));
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* libarchive's zstd packs without a sum, so that nobody would see a damaged image: we pack
 * ourselves. */
static int pack(struct shard *shard, const void *bytes, size_t size, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {bytes, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {shard->packed, ZSTD_CStreamOutSize(), 0};
        left = ZSTD_compressStream2(shard->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return fail("zstd: %s", ZSTD_getErrorName(left));
        if (write_all(shard, shard->packed, out.pos) < 0)
            return -1;
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return 0;
}

static la_ssize_t on_write(struct archive *archive, void *user, const void *bytes, size_t size)
{
    struct shard *shard = user;
    int done =
        shard->zstd ? pack(shard, bytes, size, ZSTD_e_continue) : write_all(shard, bytes, size);
    if (done == 0)
        return (la_ssize_t)size;
    archive_set_error(archive, EIO, "%s", why());
    return -1;
}

static int refuse(struct shard *shard)
{
    const char *text = archive_error_string(shard->archive);
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
        shard->zstd = ZSTD_createCCtx();
        shard->packed = ealloc(ZSTD_CStreamOutSize(), 1);
        if (shard->zstd == NULL ||
            ZSTD_isError(ZSTD_CCtx_setParameter(shard->zstd, ZSTD_c_checksumFlag, 1)))
            return fail("libzstd cannot start");
    }
    archive_write_set_bytes_in_last_block(archive, 1); /* no zeros behind what is compressed */
    if (done == ARCHIVE_OK)
        done = archive_write_open(archive, shard, NULL, on_write, NULL);
    return done == ARCHIVE_OK ? 0 : refuse(shard);
}

struct shard *shard_open(const char *path)
{
    struct shard *shard = ealloc(1, sizeof *shard);
    shard->fd = -1;
    /* With the locale of C, libarchive takes no names beyond ASCII. */
    shard->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    if (shard->utf8 != NULL)
        shard->before = uselocale(shard->utf8);
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
    if (archive_write_close(shard->archive) != ARCHIVE_OK)
        return refuse(shard);
    if (shard->zstd != NULL && pack(shard, NULL, 0, ZSTD_e_end) < 0)
        return fail("cannot write %s: %s", shard->path, why());
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
    if (shard->archive != NULL)
        archive_write_fail(shard->archive); /* or it would write what it still has */
    archive_write_free(shard->archive);
    ZSTD_freeCCtx(shard->zstd);
    free(shard->packed);
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

uint8_t *encode_png(const struct pixels *pixels, size_t *size)
{
    if (pixels->channels != 1 && pixels->channels != 3) {
        fail("an image of %u channels cannot become a PNG file", pixels->channels);
        return NULL;
    }
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
