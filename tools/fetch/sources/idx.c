/* An idx file, all big-endian: two zero bytes, the type of its values, 8 for uint8, and how many
 * dimensions it has; a uint32 for the size of each; then the values, uint8[images][rows][columns]
 * or, of labels, uint8[images]. (yann.lecun.com/exdb/mnist has the description.)
 *
 * An image's key is the name of its file up to "images", and its number there in five digits:
 * train/00017. Its class is its label, a number. What its file is called tells its split: train, or
 * test for t10k and test. A file that is packed, or comes by a network, waits in a spool file.
 */
#include "sources/idx.h"

#include "archives/unpack.h"
#include "image.h"
#include "message.h"
#include "meter.h"
#include "sources/open.h"
#include "spool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGES = 3, LABELS = 1 /* dimensions */, MOST_SETS = 2 };

static const char mark[] = "idx3-ubyte";
static const char *const usual[MOST_SETS] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"};

/* The values of a file. */
struct values {
    uint32_t size[IMAGES]; /* of its dimensions; of labels one */
    struct blob *blob;     /* whose file fd is, or */
    struct spool spool;    /* whose it is */
    int fd;
    uint64_t at;
};

/* The sets of images; source_item.index is a set's number times IDX_MOST and an image's there. */
struct idx {
    struct values set[MOST_SETS];
};

/* The last part of a name, *size bytes, without the query of a URL. */
static const char *last_part(const char *name, size_t *size)
{
    size_t end = blob_is_url(name) ? strcspn(name, "?#") : strlen(name);
    const char *slash = memrchr(name, '/', end), *part = slash ? slash + 1 : name;
    *size = (size_t)(name + end - part);
    return part;
}

int idx_is_file(const char *name)
{
    size_t size;
    const char *part = last_part(name, &size), *found = memmem(part, size, mark, sizeof mark - 1);
    if (found == NULL || memmem(part, size, "images", 6) == NULL)
        return 0;
    size -= (size_t)(found + sizeof mark - 1 - part);
    return size == 0 || (size == 3 && memcmp(found + sizeof mark - 1, ".gz", 3) == 0);
}

/* The name of a usual file in a folder, packed or not; NULL where it is not there. Free it. */
static char *name_in(const char *folder, const char *file)
{
    char *name = eformat("%s/%s", folder, file);
    if (access(name, F_OK) == 0)
        return name;
    free(name);
    name = eformat("%s/%s.gz", folder, file);
    if (access(name, F_OK) == 0)
        return name;
    free(name);
    return NULL;
}

int idx_is_folder(const char *name)
{
    char *found = NULL;
    for (int i = 0; i < MOST_SETS && found == NULL; i++)
        found = name_in(name, usual[i]);
    free(found);
    return found != NULL;
}

/* The name of the labels that belong to images; of files here, of which one may be packed and the
 * other not, that which is there. Free it. */
static char *name_labels(const char *name)
{
    size_t size;
    char *labels = ecopy(name), *part = labels + (last_part(name, &size) - name);
    memcpy(memmem(part, size, "images", 6), "labels", 6);
    char *at = memmem(part, size, mark, sizeof mark - 1), *other;
    memcpy(at, "idx1", 4);
    if (blob_is_url(name) || access(labels, F_OK) == 0)
        return labels;
    at += sizeof mark - 1;
    other = eformat("%.*s%s", (int)(at - labels), labels, *at == '\0' ? ".gz" : "");
    if (access(other, F_OK) == 0) {
        free(labels);
        return other;
    }
    free(other);
    return labels;
}

/* Bytes as they come, a block at a time. */
struct feed {
    struct unpack *unpack;
    const uint8_t *block;
    size_t left;
};

/* The next bytes, at most size of them: how many; 0 at the end; -1 with a sentence. */
static ssize_t feed_next(struct feed *feed, const uint8_t **bytes, size_t size)
{
    const void *block;
    if (feed->left == 0) {
        ssize_t got = unpack_read(feed->unpack, &block);
        if (got <= 0)
            return got;
        feed->block = block;
        feed->left = (size_t)got;
    }
    size = size < feed->left ? size : feed->left;
    *bytes = feed->block;
    feed->block += size;
    feed->left -= size;
    return (ssize_t)size;
}

static int read_uint32(struct feed *feed, const char *shown, uint32_t *value)
{
    const uint8_t *byte;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        ssize_t got = feed_next(feed, &byte, 1);
        if (got <= 0)
            return got < 0 ? -1 : fail_as(DAMAGED, "cannot read %s: it is cut short", shown);
        *value = *value << 8 | *byte;
    }
    return 0;
}

/* Reads what stands before the values, and their number into *count. */
static int read_head(struct feed *feed, const char *shown, uint32_t dimensions,
                     struct values *values, uint64_t *count)
{
    enum { UINT8 = 0x08 };
    uint32_t magic, *size = values->size;
    if (read_uint32(feed, shown, &magic) < 0)
        return -1;
    if (magic != (UINT8 << 8 | dimensions))
        return fail_as(DAMAGED,
                       "cannot read %s: it is no idx file of %s: it begins with %08" PRIx32, shown,
                       dimensions == IMAGES ? "images" : "labels", magic);
    *count = 1;
    for (uint32_t i = 0; i < dimensions; i++) {
        if (read_uint32(feed, shown, &size[i]) < 0)
            return -1;
        *count *= i > 0 && size[i] > IMAGE_MAX_SIDE ? 0 : size[i];
        if (i == 0 && size[0] > IDX_MOST)
            return fail_as(
                DAMAGED, "cannot read %s: it claims to have %" PRIu32 " %s; at most %d can be read",
                shown, size[0], dimensions == IMAGES ? "images" : "labels", IDX_MOST);
    }
    if (*count == 0)
        return dimensions == IMAGES ? fail_as(DAMAGED,
                                              "cannot read %s: it claims to have %" PRIu32
                                              " images of %" PRIu32 "x%" PRIu32 " pixels",
                                              shown, size[0], size[1], size[2])
                                    : fail_as(DAMAGED, "cannot read %s: it has no labels", shown);
    return 0;
}

/* The values behind the head: where they are, or else into the spool. */
static int read_values(struct feed *feed, const char *shown, struct values *values, uint64_t count)
{
    const uint8_t *bytes;
    uint64_t came = 0;
    ssize_t got = 1;
    int file = unpack_file(feed->unpack);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0) {
        values->fd = file;
        came = (uint64_t)status.st_size - values->at;
    }
    while (values->fd < 0 && came <= count && (got = feed_next(feed, &bytes, SIZE_MAX)) > 0) {
        came += (uint64_t)got;
        if (came <= count && spool_add(&values->spool, bytes, (size_t)got) < 0)
            return -1;
        meter("%s: %.1f MB", shown, 1e-6 * (double)came);
    }
    if (got < 0)
        return -1;
    if (came < count)
        return fail_as(DAMAGED,
                       "cannot read %s: it is cut short: it has %" PRIu64 " of %" PRIu64 " bytes",
                       shown, came, count);
    return came == count
               ? 0
               : fail_as(DAMAGED, "cannot read %s: more follows behind its %" PRIu32 " %s", shown,
                         values->size[0], values->size[1] ? "images" : "labels");
}

/* Reads a file until it came whole. */
static int read_file(struct values *values, const char *name, uint32_t dimensions,
                     const struct source_options *options)
{
    char *shown = blob_show(name);
    int again = 1, done = -1;
    values->blob = blob_open(name, options->access, &options->cancellation);
    if (values->blob == NULL)
        again = -1;
    while (again > 0) {
        struct feed feed = {.unpack = unpack_open(values->blob, shown)};
        uint64_t count = 0;
        spool_empty(&values->spool);
        values->fd = -1;
        values->at = 4 + 4 * dimensions;
        done = feed.unpack != NULL && read_head(&feed, shown, dimensions, values, &count) == 0 &&
                       read_values(&feed, shown, values, count) == 0
                   ? 0
                   : -1;
        enum status status = done < 0 ? why_status() : DONE;
        unpack_close(feed.unpack);
        again = blob_check(values->blob, done < 0);
        if (again == 0 && done < 0)
            fail_as(status, "%s", why()); /* as it was before the check */
    }
    if (again < 0)
        done = -1;
    if (done == 0 && values->fd >= 0) {
        blob_rest(values->blob);
    } else if (done == 0) {
        done = spool_flush(&values->spool);
        values->fd = values->spool.fd;
        values->at = 0;
        blob_close(values->blob);
        values->blob = NULL;
    }
    free(shown);
    return done;
}

static void values_free(struct values *values)
{
    blob_close(values->blob);
    spool_close(&values->spool);
}

/* Makes items of the images of a set and their labels. */
static int take_set(struct source *source, const char *name, size_t number, const uint8_t *label)
{
    const struct idx *idx = source->state;
    const struct values *images = &idx->set[number];
    size_t size;
    const char *part = last_part(name, &size);
    size = (size_t)((const char *)memmem(part, size, "images", 6) - part);
    while (size > 0 && strchr("-_.", part[size - 1]) != NULL)
        size--;
    char *set = size > 0 ? eformat("%.*s", (int)size, part) : ecopy("images");
    int split = strstr(set, "train")                         ? SPLIT_TRAIN
                : strstr(set, "t10k") || strstr(set, "test") ? SPLIT_TEST
                                                             : -1;
    for (uint32_t i = 0; i < images->size[0]; i++) {
        char *key = eformat("%s/%05" PRIu32, set, i), class_name[4];
        int length = snprintf(class_name, sizeof class_name, "%u", label[i]);
        if (source_wants(source, key)) {
            struct source_item *item = source_add(source, key, class_name, (size_t)length,
                                                  (uint64_t)images->size[1] * images->size[2]);
            item->label = LABEL_NUMBER;
            item->split = split;
            item->index = number * IDX_MOST + i;
        }
        free(key);
    }
    free(set);
    return 0;
}

static int open_set(struct source *source, const char *name, size_t number,
                    const struct source_options *options)
{
    struct idx *idx = source->state;
    struct values *images = &idx->set[number], labels = {.spool = SPOOL_NEW};
    char *beside = name_labels(name), *shown = blob_show(beside);
    uint8_t *label = NULL;
    int done = read_file(images, name, IMAGES, options);
    if (done == 0)
        done = read_file(&labels, beside, LABELS, options);
    if (done == 0 && labels.size[0] != images->size[0])
        done = fail_as(DAMAGED, "cannot read %s: it has %" PRIu32 " labels for %" PRIu32 " images",
                       shown, labels.size[0], images->size[0]);
    if (done == 0) {
        label = ealloc(labels.size[0], 1);
        done = read_at(labels.fd, labels.at, label, labels.size[0]);
    }
    if (done == 0)
        done = take_set(source, name, number, label);
    free(label);
    values_free(&labels);
    free(shown);
    free(beside);
    return done;
}

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    const struct idx *idx = source->state;
    size_t index = source->item[item].index;
    const struct values *images = &idx->set[index / IDX_MOST];
    size_t pixels = (size_t)images->size[1] * images->size[2];
    if (pixels_shape(&fetched->pixels, images->size[1], images->size[2], 1) < 0)
        return 1;
    return read_at(images->fd, images->at + index % IDX_MOST * pixels, fetched->pixels.data,
                   pixels);
}

static int open_idx(struct source *source, const char *name, const struct source_options *options)
{
    struct idx *idx = source->state = ealloc(1, sizeof *idx);
    for (size_t i = 0; i < MOST_SETS; i++)
        idx->set[i].spool = SPOOL_NEW;
    free(source->name);
    source->name = blob_show(name);
    if (idx_is_file(name)) {
        if (blob_is_url(name))
            source->described = ecopy(source->name);
        return open_set(source, name, 0, options);
    }
    int done = 0;
    for (size_t i = 0; i < MOST_SETS && done == 0; i++) {
        char *file = name_in(name, usual[i]);
        if (file != NULL)
            done = open_set(source, file, i, options);
        free(file);
    }
    return done;
}

static void close_idx(struct source *source)
{
    struct idx *idx = source->state;
    for (size_t i = 0; i < MOST_SETS; i++)
        values_free(&idx->set[i]);
    free(idx);
}

const struct source_kind source_idx = {.open = open_idx, .load = load, .close = close_idx};
