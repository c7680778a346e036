#include "archives/tar.h"

#include "archives/unpack.h"
#include "message.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tar {
    const char *name;
    struct unpack *unpack;
    char *reason; /* what that said when it failed */
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

/* What libarchive says, or what was said below it. */
static int refuse(const struct tar *tar)
{
    const char *text = archive_error_string(tar->archive);
    if (tar->reason != NULL)
        return fail("%s", tar->reason);
    if (archive_format(tar->archive) == 0)
        text = "it is not a tar archive";
    return fail("cannot read %s: %s", tar->name, text ? text : "it is damaged or cut short");
}

static la_ssize_t on_read(struct archive *archive, void *user, const void **block)
{
    struct tar *tar = user;
    ssize_t got = unpack_read(tar->unpack, block);
    if (got > 0) {
        tar->block = *block;
        tar->block_size = (size_t)got;
        tar->given += (uint64_t)got;
    } else if (got < 0) { /* libarchive is told that no more can be read, and we keep why */
        free(tar->reason);
        tar->reason = ecopy(why());
        archive_set_error(archive, EIO, "%s", tar->reason);
    }
    return got;
}

static la_int64_t on_skip(struct archive *archive, void *user, la_int64_t size)
{
    (void)archive;
    struct tar *tar = user;
    int64_t step = unpack_skip(tar->unpack, size);
    tar->given += (uint64_t)step;
    return step;
}

struct tar *tar_open(struct blob *blob, const char *name)
{
    struct tar *tar = ealloc(1, sizeof *tar);
    struct archive *archive = archive_read_new();
    tar->name = name;
    tar->archive = archive;
    if (archive == NULL) {
        fail("libarchive cannot start");
    } else if ((tar->unpack = unpack_open(blob, name)) != NULL) {
        archive_read_support_format_tar(archive);
        archive_read_set_callback_data(archive, tar);
        archive_read_set_read_callback(archive, on_read);
        if (unpack_file(tar->unpack) >= 0)
            archive_read_set_skip_callback(archive, on_skip);
        if (archive_read_open1(archive) == ARCHIVE_OK)
            return tar;
        refuse(tar);
    } else {
        fail("%s", why());
    }
    tar_close(tar);
    return NULL;
}

void tar_close(struct tar *tar)
{
    if (tar == NULL)
        return;
    archive_read_free(tar->archive);
    unpack_close(tar->unpack);
    free(tar->reason);
    free(tar);
}

uint64_t tar_came(const struct tar *tar)
{
    return unpack_came(tar->unpack);
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
    } while ((got = unpack_read(tar->unpack, &block)) > 0);
    return got < 0 ? fail("%s", why()) : 0;
}

int tar_next(struct tar *tar, struct tar_member *member)
{
    int got = archive_read_next_header(tar->archive, &tar->entry);
    if (got == ARCHIVE_EOF)
        return check_end(tar);
    const char *name = got >= ARCHIVE_WARN ? archive_entry_pathname(tar->entry) : NULL;
    if (name == NULL)
        return refuse(tar);
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
    if (size > 0 && unpack_file(tar->unpack) >= 0 && !has_holes) {
        /* The first block of an uncompressed member starts where libarchive stands. */
        const void *block;
        size_t got;
        la_int64_t offset;
        if (archive_read_data_block(tar->archive, &block, &got, &offset) != ARCHIVE_OK ||
            offset != 0)
            return refuse(tar);
        *range = (struct tar_range){unpack_file(tar->unpack),
                                    (uint64_t)archive_filter_bytes(tar->archive, 0), size};
        return archive_read_data_skip(tar->archive) == ARCHIVE_OK ? 0 : refuse(tar);
    }
    if (has_holes && unpack_check(tar->unpack, tar->filled += size) < 0)
        return -1;
    *range = (struct tar_range){.offset = spool->size, .size = size};
    uint8_t block[16384];
    while (left > 0) {
        la_ssize_t got =
            archive_read_data(tar->archive, block, left < sizeof block ? left : sizeof block);
        if (got <= 0)
            return got < 0 ? refuse(tar) : fail("cannot read %s: it is cut short", tar->name);
        if (spool_add(spool, block, (size_t)got) < 0)
            return -1;
        left -= (uint64_t)got;
    }
    range->fd = spool->fd;
    return 0;
}
