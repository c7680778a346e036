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
    struct supply *supply;
    const char *name;
    uint64_t came, made; /* bytes before and after unpacking */
    uint8_t *head;       /* what was read to see what it is, until it has been handed out */
    size_t head_size;
    char *reason; /* what the supply said when it failed */
    ssize_t (*read)(struct unpack *unpack, const void **block);

    struct archive *archive; /* zstd, xz, bzip2 */
    z_stream gzip;           /* gzip: */
    uint8_t *out;
    int between; /* its members: nothing is missing if it ends here */
};

/* What the supply has, from the start. */
static ssize_t read_packed(struct unpack *unpack, const void **block)
{
    size_t size = unpack->head_size;
    ssize_t got = (ssize_t)size;
    if (size > 0) {
        *block = unpack->head;
        unpack->head_size = 0;
        return got;
    }
    got = supply_read(unpack->supply, block);
    if (got > 0)
        unpack->came += (uint64_t)got;
    return got;
}

/* gzip's members may follow each other, and zeros the last one. */
static int find_member(struct unpack *unpack)
{
    z_stream *gzip = &unpack->gzip;
    while (gzip->avail_in > 0 && *gzip->next_in == 0) {
        gzip->next_in++;
        gzip->avail_in--;
    }
    if (gzip->avail_in == 0)
        return 0;
    unpack->between = 0;
    inflateReset(gzip);
    return 1;
}

static ssize_t read_gzip(struct unpack *unpack, const void **block)
{
    z_stream *gzip = &unpack->gzip;
    gzip->next_out = unpack->out;
    gzip->avail_out = BLOCK;
    while (gzip->avail_out == BLOCK) {
        if (gzip->avail_in == 0) {
            const void *packed;
            ssize_t got = read_packed(unpack, &packed);
            if (got < 0 || (got == 0 && unpack->between))
                return got;
            if (got == 0)
                return fail("cannot read %s: it is cut short, as gzip sees it", unpack->name);
            gzip->next_in = (z_const Bytef *)packed;
            gzip->avail_in = (uInt)got;
        }
        if (unpack->between && !find_member(unpack))
            continue;
        int code = inflate(gzip, Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            unpack->between = 1;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return fail("cannot read %s: it is damaged, as gzip sees it: %s", unpack->name,
                        gzip->msg ? gzip->msg : zError(code));
    }
    *block = unpack->out;
    return BLOCK - (ssize_t)gzip->avail_out;
}

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

static int refuse(const struct unpack *unpack)
{
    const char *text = archive_error_string(unpack->archive);
    if (unpack->reason != NULL)
        return fail("%s", unpack->reason);
    return fail("cannot read %s: %s", unpack->name, text ? text : "it is damaged or cut short");
}

static ssize_t read_archive(struct unpack *unpack, const void **block)
{
    size_t size = 0;
    la_int64_t offset;
    int got = ARCHIVE_OK;
    while (size == 0 && got == ARCHIVE_OK)
        got = archive_read_data_block(unpack->archive, block, &size, &offset);
    return got == ARCHIVE_OK ? (ssize_t)size : got == ARCHIVE_EOF ? 0 : refuse(unpack);
}

static int open_gzip(struct unpack *unpack)
{
    enum { GZIP = 16 }; /* a gzip file, with its sums checked, not zlib's own format */
    unpack->read = read_gzip;
    unpack->out = ealloc(BLOCK, 1);
    return inflateInit2(&unpack->gzip, MAX_WBITS + GZIP) == Z_OK ? 0 : fail("zlib cannot start");
}

static int open_archive(struct unpack *unpack)
{
    struct archive_entry *entry;
    struct archive *archive = unpack->archive = archive_read_new();
    unpack->read = read_archive;
    if (archive == NULL)
        return fail("libarchive cannot start");
    archive_read_support_format_raw(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_set_callback_data(archive, unpack);
    archive_read_set_read_callback(archive, on_read);
    if (archive_read_open1(archive) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return refuse(unpack);
    return 0;
}

static int begins_with(const struct unpack *unpack, const char *magic, size_t size)
{
    return unpack->head_size >= size && memcmp(unpack->head, magic, size) == 0;
}

/* Reads what tells the packing, and chooses who unpacks. */
static int choose(struct unpack *unpack)
{
    const void *block;
    ssize_t got = 1;
    while (unpack->head_size < MAGIC && got > 0) {
        got = supply_read(unpack->supply, &block);
        if (got < 0)
            return -1;
        unpack->head = egrow(unpack->head, unpack->head_size + (size_t)got, 1);
        memcpy(unpack->head + unpack->head_size, block, (size_t)got);
        unpack->head_size += (size_t)got;
    }
    unpack->came = unpack->head_size;
    if (begins_with(unpack, "\x1f\x8b", 2))
        return open_gzip(unpack);
    if (begins_with(unpack, "\x28\xb5\x2f\xfd", 4) ||
        begins_with(unpack,
                    "\xfd"
                    "7zXZ",
                    6) ||
        begins_with(unpack, "BZh", 3))
        return open_archive(unpack);
    unpack->read = read_packed;
    return 0;
}

struct unpack *unpack_open(struct supply *supply, const char *name)
{
    struct unpack *unpack = ealloc(1, sizeof *unpack);
    unpack->supply = supply;
    unpack->name = name;
    if (choose(unpack) == 0)
        return unpack;
    unpack_close(unpack);
    return NULL;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    if (unpack->read == read_gzip)
        inflateEnd(&unpack->gzip);
    archive_read_free(unpack->archive);
    free(unpack->out);
    free(unpack->head);
    free(unpack->reason);
    free(unpack);
}

ssize_t unpack_read(struct unpack *unpack, const void **block)
{
    ssize_t got = unpack->read(unpack, block);
    if (got > 0 && unpack->read != read_packed) {
        unpack->made += (uint64_t)got;
        if (unpack_check(unpack, unpack->made) < 0)
            return -1;
    }
    return got;
}

int unpack_check(const struct unpack *unpack, uint64_t made)
{
    return made <= UNPACK_FREE || made / UNPACK_MOST <= unpack->came
               ? 0
               : fail("cannot read %s: it unpacks to more than %d times its size, which sets of "
                      "images do not; if this one is right, unpack it first",
                      unpack->name, UNPACK_MOST);
}

int64_t unpack_skip(struct unpack *unpack, int64_t size)
{
    if (unpack->read != read_packed || unpack->head_size > 0)
        return 0;
    int64_t step = supply_skip(unpack->supply, size);
    unpack->came += (uint64_t)step;
    return step;
}

int unpack_file(const struct unpack *unpack)
{
    return unpack->read == read_packed ? supply_file(unpack->supply) : -1;
}

uint64_t unpack_came(const struct unpack *unpack)
{
    return unpack->came;
}
