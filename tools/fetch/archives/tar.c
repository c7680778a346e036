#include "archives/tar.h"

#include "message.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { BLOCK = 1 << 18, MAGIC = 6 /* bytes that tell a packing */ };

struct tar {
    struct blob *blob;
    const char *name;
    char *reason; /* what the blob said when it failed */

    /* The blob's bytes become those of the archive: */
    ssize_t (*unpack)(struct tar *tar, const void **block);
    uint8_t *head; /* what was read to see what it is, until it has been handed out */
    size_t head_size;
    uint64_t came, made;      /* bytes before and after unpacking */
    struct archive *unpacker; /* of zstd, xz, bzip2 */
    z_stream gzip;            /* of gzip: */
    uint8_t *out;
    int is_between; /* its members: nothing is missing if it ends here */

    /* These become members. */
    struct archive *archive;
    struct archive_entry *entry;
    const uint8_t *block; /* that libarchive got last */
    size_t block_size;
    uint64_t given;  /* bytes that it got in all */
    uint64_t filled; /* bytes of members with holes, which become zeros in the spool */
};

size_t tar_suffix(const char *name)
{
    static const char *const suffix[] = {".tar", ".tar.gz", ".tgz", ".tar.zst"};
    size_t size =
        strstr(name, "://") && strncmp(name, "s3://", 5) != 0 ? strcspn(name, "?#") : strlen(name);
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        size_t length = strlen(suffix[i]);
        if (size > length && strncasecmp(name + size - length, suffix[i], length) == 0 &&
            name[size - length - 1] != '/')
            return length;
    }
    return 0;
}

/* What libarchive says, or what the blob said below it. */
static int refuse(const struct tar *tar, struct archive *archive)
{
    const char *text = archive_error_string(archive);
    if (tar->reason != NULL)
        return fail("%s", tar->reason);
    if (archive == tar->archive && archive_format(archive) == 0)
        text = "it is not a tar archive";
    return fail("cannot read %s: %s", tar->name, text ? text : "it is damaged or cut short");
}

/* libarchive is told that no more can be read, and we keep why. */
static void keep_reason(struct tar *tar, struct archive *archive)
{
    free(tar->reason);
    tar->reason = ecopy(why());
    archive_set_error(archive, EIO, "%s", tar->reason);
}

/* What the blob has, from the start. */
static ssize_t read_packed(struct tar *tar, const void **block)
{
    ssize_t got = (ssize_t)tar->head_size;
    if (got > 0) {
        *block = tar->head;
        tar->head_size = 0;
        return got;
    }
    got = blob_read(tar->blob, block);
    if (got > 0)
        tar->came += (uint64_t)got;
    return got;
}

/* gzip's members may follow each other, and zeros the last one. */
static ssize_t read_gzip(struct tar *tar, const void **block)
{
    z_stream *gzip = &tar->gzip;
    gzip->next_out = tar->out;
    gzip->avail_out = BLOCK;
    while (gzip->avail_out == BLOCK) {
        if (gzip->avail_in == 0) {
            const void *packed;
            ssize_t got = read_packed(tar, &packed);
            if (got < 0 || (got == 0 && tar->is_between))
                return got;
            if (got == 0)
                return fail("cannot read %s: it is cut short, as gzip sees it", tar->name);
            gzip->next_in = (z_const Bytef *)packed;
            gzip->avail_in = (uInt)got;
        }
        if (tar->is_between) {
            while (gzip->avail_in > 0 && *gzip->next_in == 0) {
                gzip->next_in++;
                gzip->avail_in--;
            }
            if (gzip->avail_in == 0)
                continue;
            tar->is_between = 0;
            inflateReset(gzip);
        }
        int code = inflate(gzip, Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            tar->is_between = 1;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return fail("cannot read %s: it is damaged, as gzip sees it: %s", tar->name,
                        gzip->msg ? gzip->msg : zError(code));
    }
    *block = tar->out;
    return BLOCK - (ssize_t)gzip->avail_out;
}

static ssize_t read_unpacker(struct tar *tar, const void **block)
{
    size_t size = 0;
    la_int64_t offset;
    int got = ARCHIVE_OK;
    while (size == 0 && got == ARCHIVE_OK)
        got = archive_read_data_block(tar->unpacker, block, &size, &offset);
    return got == ARCHIVE_OK ? (ssize_t)size : got == ARCHIVE_EOF ? 0 : refuse(tar, tar->unpacker);
}

/* 0 while so many bytes may have been made of what came. */
static int check_made(const struct tar *tar, uint64_t made)
{
    return made <= TAR_FREE || made / TAR_MOST <= tar->came
               ? 0
               : fail("cannot read %s: it unpacks to more than %d times its size, which sets of "
                      "images do not; if this one is right, unpack it first",
                      tar->name, TAR_MOST);
}

static ssize_t read_unpacked(struct tar *tar, const void **block)
{
    ssize_t got = tar->unpack(tar, block);
    if (got > 0 && tar->unpack != read_packed && check_made(tar, tar->made += (uint64_t)got) < 0)
        return -1;
    return got;
}

/* The file that the archive lies in as it is, or -1. */
static int file_of(const struct tar *tar)
{
    return tar->unpack == read_packed ? blob_file(tar->blob) : -1;
}

static la_ssize_t on_read_packed(struct archive *archive, void *user, const void **block)
{
    ssize_t got = read_packed(user, block);
    if (got < 0)
        keep_reason(user, archive);
    return got;
}

static la_ssize_t on_read(struct archive *archive, void *user, const void **block)
{
    struct tar *tar = user;
    ssize_t got = read_unpacked(tar, block);
    if (got > 0) {
        tar->block = *block;
        tar->block_size = (size_t)got;
        tar->given += (uint64_t)got;
    } else if (got < 0) {
        keep_reason(tar, archive);
    }
    return got;
}

static la_int64_t on_skip(struct archive *archive, void *user, la_int64_t size)
{
    (void)archive;
    struct tar *tar = user;
    int64_t step = tar->head_size > 0 ? 0 : blob_skip(tar->blob, size);
    tar->came += (uint64_t)step;
    tar->given += (uint64_t)step;
    return step;
}

static int open_unpacker(struct tar *tar)
{
    struct archive_entry *entry;
    struct archive *archive = tar->unpacker = archive_read_new();
    tar->unpack = read_unpacker;
    if (archive == NULL)
        return fail("libarchive cannot start");
    archive_read_support_format_raw(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_set_callback_data(archive, tar);
    archive_read_set_read_callback(archive, on_read_packed);
    return archive_read_open1(archive) == ARCHIVE_OK &&
                   archive_read_next_header(archive, &entry) == ARCHIVE_OK
               ? 0
               : refuse(tar, archive);
}

/* Reads what tells the packing, and chooses who unpacks. */
static int choose_packing(struct tar *tar)
{
    static const struct {
        const char *magic;
        size_t size;
    } other[] = {{"\x28\xb5\x2f\xfd", 4},
                 {"\xfd"
                  "7zXZ",
                  6},
                 {"BZh", 3}};
    enum { GZIP = 16 }; /* a gzip file, with its sums checked, not zlib's own format */
    const void *block;
    ssize_t got = 1;
    while (tar->head_size < MAGIC && got > 0) {
        got = blob_read(tar->blob, &block);
        if (got < 0)
            return -1;
        tar->head = egrow(tar->head, tar->head_size + (size_t)got, 1);
        memcpy(tar->head + tar->head_size, block, (size_t)got);
        tar->head_size += (size_t)got;
    }
    tar->came = tar->head_size;
    tar->unpack = read_packed;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (tar->head_size >= other[i].size &&
            memcmp(tar->head, other[i].magic, other[i].size) == 0)
            return open_unpacker(tar);
    if (tar->head_size >= 2 && memcmp(tar->head, "\x1f\x8b", 2) == 0) {
        if (inflateInit2(&tar->gzip, MAX_WBITS + GZIP) != Z_OK)
            return fail("zlib cannot start");
        tar->unpack = read_gzip;
        tar->out = ealloc(BLOCK, 1);
    }
    return 0;
}

struct tar *tar_open(struct blob *blob, const char *name)
{
    struct tar *tar = ealloc(1, sizeof *tar);
    struct archive *archive = archive_read_new();
    tar->blob = blob;
    tar->name = name;
    tar->archive = archive;
    if (archive == NULL) {
        fail("libarchive cannot start");
    } else if (choose_packing(tar) == 0) {
        archive_read_support_format_tar(archive);
        archive_read_set_callback_data(archive, tar);
        archive_read_set_read_callback(archive, on_read);
        if (file_of(tar) >= 0)
            archive_read_set_skip_callback(archive, on_skip);
        if (archive_read_open1(archive) == ARCHIVE_OK)
            return tar;
        refuse(tar, archive);
    }
    tar_close(tar);
    return NULL;
}

void tar_close(struct tar *tar)
{
    if (tar == NULL)
        return;
    archive_read_free(tar->archive);
    archive_read_free(tar->unpacker);
    if (tar->unpack == read_gzip)
        inflateEnd(&tar->gzip);
    free(tar->out);
    free(tar->head);
    free(tar->reason);
    free(tar);
}

uint64_t tar_came(const struct tar *tar)
{
    return tar->came;
}

static const char *bare(const char *name)
{
    for (;;)
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && (name[1] == '/' || name[1] == '\0'))
            name++;
        else
            return name;
}

/* libarchive takes an archive that ends after a member for whole; but tar marks the end with blocks
 * of zeros, of which the first is then passed over. Behind them there are more, if anything: all
 * else belongs to another archive, or a block of zeros has taken the place of a header. */
static int check_end(struct tar *tar)
{
    uint64_t at = (uint64_t)archive_filter_bytes(tar->archive, 0);
    if ((la_int64_t)at <= archive_read_header_position(tar->archive))
        return fail("cannot read %s: it is cut short: the mark of its end is missing", tar->name);
    const void *block = tar->block + tar->block_size;
    ssize_t got = 0;
    if (tar->given > at) { /* libarchive has not looked at all that it got */
        size_t left =
            tar->given - at < tar->block_size ? (size_t)(tar->given - at) : tar->block_size;
        block = (const uint8_t *)block - left;
        got = (ssize_t)left;
    }
    do {
        const uint8_t *bytes = block;
        if (got > 0 && (bytes[0] != 0 || memcmp(bytes, bytes + 1, (size_t)got - 1) != 0))
            return fail("cannot read %s: more follows behind the mark of its end: it is damaged, "
                        "or several archives in one file",
                        tar->name);
    } while ((got = read_unpacked(tar, &block)) > 0);
    return (int)got;
}

int tar_next(struct tar *tar, struct tar_member *member)
{
    int got = archive_read_next_header(tar->archive, &tar->entry);
    if (got == ARCHIVE_EOF)
        return check_end(tar);
    const char *name = got >= ARCHIVE_WARN ? archive_entry_pathname(tar->entry) : NULL;
    if (name == NULL)
        return refuse(tar, tar->archive);
    const char *target = archive_entry_hardlink(tar->entry);
    size_t longest = strlen(name), length = target != NULL ? strlen(target) : 0;
    if (length > longest)
        longest = length;
    if (longest > TAR_MAX_NAME)
        return fail("cannot read %s: a name in it has %zu bytes; at most %d can be read", tar->name,
                    longest, TAR_MAX_NAME);
    mode_t type = archive_entry_filetype(tar->entry);
    *member = (struct tar_member){
        .kind = target != NULL     ? TAR_LINK
                : type == AE_IFREG ? TAR_FILE
                : type == AE_IFDIR ? TAR_FOLDER
                                   : TAR_OTHER,
        .name = bare(name),
        .target = target != NULL ? bare(target) : NULL,
        .size = (uint64_t)archive_entry_size(tar->entry),
    };
    return 1;
}

int tar_keep(struct tar *tar, struct spool *spool, struct tar_range *range)
{
    uint64_t size = (uint64_t)archive_entry_size(tar->entry), left = size;
    int has_holes = archive_entry_sparse_count(tar->entry) > 0;
    if (size > 0 && file_of(tar) >= 0 && !has_holes) {
        /* The first block of an uncompressed member starts where libarchive stands. */
        const void *block;
        size_t got;
        la_int64_t offset;
        if (archive_read_data_block(tar->archive, &block, &got, &offset) != ARCHIVE_OK ||
            offset != 0)
            return refuse(tar, tar->archive);
        *range =
            (struct tar_range){file_of(tar), (uint64_t)archive_filter_bytes(tar->archive, 0), size};
        return archive_read_data_skip(tar->archive) == ARCHIVE_OK ? 0 : refuse(tar, tar->archive);
    }
    if (has_holes && check_made(tar, tar->filled += size) < 0)
        return -1;
    *range = (struct tar_range){.offset = spool->size, .size = size};
    uint8_t block[16384];
    while (left > 0) {
        la_ssize_t got =
            archive_read_data(tar->archive, block, left < sizeof block ? left : sizeof block);
        if (got <= 0)
            return got < 0 ? refuse(tar, tar->archive)
                           : fail("cannot read %s: it is cut short", tar->name);
        if (spool_add(spool, block, (size_t)got) < 0)
            return -1;
        left -= (uint64_t)got;
    }
    range->fd = spool->fd;
    return 0;
}
