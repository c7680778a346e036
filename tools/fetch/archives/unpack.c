#include "archives/unpack.h"

#include "message.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 1 << 18, MAGIC = 6 /* bytes that tell a packing */ };

struct unpack {
    struct blob *blob;
    const char *name;
    ssize_t (*read)(struct unpack *unpack, const void **block);
    uint8_t *head; /* what was read to see what it is, until it has been handed out */
    size_t head_size;
    uint64_t came, made;      /* bytes before and after unpacking */
    struct archive *unpacker; /* of zstd, xz, bzip2: */
    char *reason;             /* what the blob said when it failed */
    z_stream gzip;            /* of gzip: */
    uint8_t *out;
    int is_between; /* its members: nothing is missing if it ends here */
};

/* What the blob has, from the start. */
static ssize_t read_packed(struct unpack *unpack, const void **block)
{
    ssize_t got = (ssize_t)unpack->head_size;
    if (got > 0) {
        *block = unpack->head;
        unpack->head_size = 0;
        return got;
    }
    got = blob_read(unpack->blob, block);
    if (got > 0)
        unpack->came += (uint64_t)got;
    return got;
}

/* gzip's members may follow each other, and zeros the last one. */
static ssize_t read_gzip(struct unpack *unpack, const void **block)
{
    z_stream *gzip = &unpack->gzip;
    gzip->next_out = unpack->out;
    gzip->avail_out = BLOCK;
    while (gzip->avail_out == BLOCK) {
        if (gzip->avail_in == 0) {
            const void *packed;
            ssize_t got = read_packed(unpack, &packed);
            if (got < 0 || (got == 0 && unpack->is_between))
                return got;
            if (got == 0)
                return fail_as(DAMAGED, "cannot read %s: it is cut short, as gzip sees it",
                               unpack->name);
            gzip->next_in = (z_const Bytef *)packed;
            gzip->avail_in = (uInt)got;
        }
        if (unpack->is_between) {
            while (gzip->avail_in > 0 && *gzip->next_in == 0) {
                gzip->next_in++;
                gzip->avail_in--;
            }
            if (gzip->avail_in == 0)
                continue;
            unpack->is_between = 0;
            inflateReset(gzip);
        }
        int code = inflate(gzip, Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            unpack->is_between = 1;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return fail_as(DAMAGED, "cannot read %s: it is damaged, as gzip sees it: %s",
                           unpack->name, gzip->msg ? gzip->msg : zError(code));
    }
    *block = unpack->out;
    return BLOCK - (ssize_t)gzip->avail_out;
}

/* What libarchive says, or what the blob said below it. */
static int refuse(const struct unpack *unpack)
{
    const char *text = archive_error_string(unpack->unpacker);
    return unpack->reason != NULL ? fail("%s", unpack->reason)
                                  : fail_as(DAMAGED, "cannot read %s: %s", unpack->name,
                                            text ? text : "it is damaged or cut short");
}

static ssize_t read_unpacker(struct unpack *unpack, const void **block)
{
    size_t size = 0;
    la_int64_t offset;
    int got = ARCHIVE_OK;
    while (size == 0 && got == ARCHIVE_OK)
        got = archive_read_data_block(unpack->unpacker, block, &size, &offset);
    return got == ARCHIVE_OK ? (ssize_t)size : got == ARCHIVE_EOF ? 0 : refuse(unpack);
}

int unpack_check(const struct unpack *unpack, uint64_t made)
{
    return made <= UNPACK_FREE || made / UNPACK_MOST <= unpack->came
               ? 0
               : fail("cannot read %s: it unpacks to more than %d times its size, which sets of "
                      "images do not; if this one is right, unpack it first",
                      unpack->name, UNPACK_MOST);
}

ssize_t unpack_read(struct unpack *unpack, const void **block)
{
    ssize_t got = unpack->read(unpack, block);
    if (got > 0 && unpack->read != read_packed &&
        unpack_check(unpack, unpack->made += (uint64_t)got) < 0)
        return -1;
    return got;
}

int64_t unpack_skip(struct unpack *unpack, int64_t size)
{
    int is_packed = unpack->read != read_packed;
    int64_t step = is_packed || unpack->head_size > 0 ? 0 : blob_skip(unpack->blob, size);
    unpack->came += (uint64_t)step;
    return step;
}

int unpack_file(const struct unpack *unpack)
{
    return unpack->read == read_packed ? blob_file(unpack->blob) : -1;
}

uint64_t unpack_came(const struct unpack *unpack)
{
    return unpack->came;
}

/* libarchive is told that no more can be read, and we keep why. */
static la_ssize_t on_read(struct archive *archive, void *user, const void **block)
{
    struct unpack *unpack = user;
    ssize_t got = read_packed(unpack, block);
    if (got < 0) {
        free(unpack->reason);
        unpack->reason = ecopy(why());
        archive_set_error(archive, EIO, "%s", unpack->reason);
    }
    return got;
}

static int open_unpacker(struct unpack *unpack)
{
    struct archive_entry *entry;
    struct archive *archive = unpack->unpacker = archive_read_new();
    unpack->read = read_unpacker;
    if (archive == NULL)
        return fail("libarchive cannot start");
    archive_read_support_format_raw(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_set_callback_data(archive, unpack);
    archive_read_set_read_callback(archive, on_read);
    return archive_read_open1(archive) == ARCHIVE_OK &&
                   archive_read_next_header(archive, &entry) == ARCHIVE_OK
               ? 0
               : refuse(unpack);
}

/* Reads what tells the packing, and chooses who unpacks. */
static int choose_packing(struct unpack *unpack)
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
    while (unpack->head_size < MAGIC && got > 0) {
        got = blob_read(unpack->blob, &block);
        if (got < 0)
            return -1;
        unpack->head = egrow(unpack->head, unpack->head_size + (size_t)got, 1);
        memcpy(unpack->head + unpack->head_size, block, (size_t)got);
        unpack->head_size += (size_t)got;
    }
    unpack->came = unpack->head_size;
    unpack->read = read_packed;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (unpack->head_size >= other[i].size &&
            memcmp(unpack->head, other[i].magic, other[i].size) == 0)
            return open_unpacker(unpack);
    if (unpack->head_size >= 2 && memcmp(unpack->head, "\x1f\x8b", 2) == 0) {
        if (inflateInit2(&unpack->gzip, MAX_WBITS + GZIP) != Z_OK)
            return fail("zlib cannot start");
        unpack->read = read_gzip;
        unpack->out = ealloc(BLOCK, 1);
    }
    return 0;
}

struct unpack *unpack_open(struct blob *blob, const char *name)
{
    struct unpack *unpack = ealloc(1, sizeof *unpack);
    unpack->blob = blob;
    unpack->name = name;
    if (choose_packing(unpack) == 0)
        return unpack;
    unpack_close(unpack);
    return NULL;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    archive_read_free(unpack->unpacker);
    if (unpack->read == read_gzip)
        inflateEnd(&unpack->gzip);
    free(unpack->out);
    free(unpack->head);
    free(unpack->reason);
    free(unpack);
}
