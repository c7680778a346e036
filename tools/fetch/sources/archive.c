/* A tar archive: a file, an object of S3, or a page of the web.
 *
 * The stream's header has the names of all classes and its images are sorted, and a tar has no
 * index: so the archive is read to its end before the first image is written. An uncompressed file
 * is only passed over, and its images are read where they lie. From all others the images' files,
 * still compressed, wait in a spool file. Memory goes with the number of members: their names.
 *
 * Of two members of one name the later one counts, as it does when tar unpacks them; a hard link is
 * the member that it names.
 *
 * CIFAR-10 is taken as its site has it (cifar-10-binary.tar.gz): data_batch_1.bin … 5 with images
 * to train with, test_batch.bin with those to test with, and batches.meta.txt with the names of the
 * classes, a line each (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009).
 * A batch is a row of images of CIFAR_RECORD bytes: a byte with the class, counted from 0, then
 * uint8[3 channels][32 rows][32 columns].
 */
#include "sources/open.h"

#include "archives/tar.h"
#include "image.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "sources/labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CIFAR_SIDE = 32,
    CIFAR_PIXELS = 3 * CIFAR_SIDE * CIFAR_SIDE,
    CIFAR_RECORD = 1 + CIFAR_PIXELS,
    CIFAR_MAX_NAMES = 1 << 16, /* bytes of batches.meta.txt */
};

enum cifar_file { CIFAR_NONE, CIFAR_TRAIN, CIFAR_TEST, CIFAR_NAMES };

/* What an item is made of, by source_item.index: a file, or pixels of a batch of CIFAR-10. */
struct content {
    struct tar_range at;
    int is_raw;
};

/* A hard link, which is no member of its own. */
struct link {
    char *key, *target;
    size_t index;
};

struct cifar_batch {
    char *name;
    struct tar_range at;
};

/* An archive as it was read. */
struct archive {
    struct blob *blob; /* NULL when it is not needed any more */
    struct spool spool;
    struct content *content;
    size_t contents;
    struct link *link;
    size_t links;
    struct cifar_batch *batch;
    size_t batches;
    char *names;   /* of the classes of CIFAR-10, a line each */
    size_t labels; /* items that may tell labels; the others are images */
};

/* Which of these files a member is, by its name. */
static enum cifar_file cifar_file(const char *name)
{
    const char *slash = strrchr(name, '/'), *file = slash ? slash + 1 : name;
    static const char data[] = "data_batch_";
    if (strcmp(file, "batches.meta.txt") == 0)
        return CIFAR_NAMES;
    if (strcmp(file, "test_batch.bin") == 0)
        return CIFAR_TEST;
    if (strncmp(file, data, sizeof data - 1) != 0)
        return CIFAR_NONE;
    file += sizeof data - 1;
    size_t digits = strspn(file, "0123456789");
    return digits > 0 && strcmp(file + digits, ".bin") == 0 ? CIFAR_TRAIN : CIFAR_NONE;
}

/* Adds one image of a batch to the source: its key is the batch's name without .bin, a slash and
 * its number there in five digits; its split is the batch's; names is the text of batches.meta.txt.
 * 1 when it was added, 0 when it is not wanted, -1 with a sentence when there is no such class. */
static int cifar_add(struct source *source, const char *batch, uint32_t number, uint8_t label,
                     const char *names)
{
    size_t length = strlen(batch) - strlen(".bin");
    for (uint8_t line = 0; line < label && *names != '\0'; line++) {
        names += strcspn(names, "\n");
        names += *names == '\n';
    }
    size_t size = strcspn(names, "\r\n");
    if (size == 0)
        return fail("an image is of class %u, which has no name in batches.meta.txt", label);
    char *key = eformat("%.*s/%05" PRIu32, (int)length, batch, number);
    int wanted = source_wants(source, key);
    if (wanted) {
        struct source_item *item = source_add(source, key, names, size, CIFAR_RECORD);
        item->split = cifar_file(batch) == CIFAR_TEST ? SPLIT_TEST : SPLIT_TRAIN;
    }
    free(key);
    return wanted;
}

/* The image's planes into pixels: uint8[row][column][channel]. */
static int cifar_pixels(const uint8_t planes[CIFAR_PIXELS], struct pixels *pixels)
{
    enum { PLANE = CIFAR_SIDE * CIFAR_SIDE };
    if (pixels_shape(pixels, CIFAR_SIDE, CIFAR_SIDE, 3) < 0)
        return -1;
    for (int i = 0; i < PLANE; i++)
        for (int channel = 0; channel < 3; channel++)
            pixels->data[3 * i + channel] = planes[channel * PLANE + i];
    return 0;
}

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    struct archive *archive = source->state;
    const struct content *content = &archive->content[source->item[item].index];
    const struct tar_range *at = &content->at;
    fetched->size = (size_t)at->size;
    fetched->bytes = egrow(NULL, fetched->size, 1);
    if (read_at(at->fd, at->offset, fetched->bytes, fetched->size) < 0)
        return at->fd == archive->spool.fd ? fail("cannot read the spool file: %s", why()) : 1;
    return content->is_raw && cifar_pixels(fetched->bytes, &fetched->pixels) < 0;
}

/* Back to what it was before the listing. */
static void empty(struct source *source)
{
    struct archive *archive = source->state;
    source_empty(source);
    spool_empty(&archive->spool);
    for (size_t i = 0; i < archive->links; i++) {
        free(archive->link[i].key);
        free(archive->link[i].target);
    }
    for (size_t i = 0; i < archive->batches; i++)
        free(archive->batch[i].name);
    free(archive->link);
    free(archive->batch);
    free(archive->content);
    free(archive->names);
    *archive = (struct archive){.blob = archive->blob, .spool = archive->spool};
}

static void close_archive(struct source *source)
{
    struct archive *archive = source->state;
    empty(source);
    blob_close(archive->blob);
    spool_close(&archive->spool);
    free(archive);
}

/* Returns its index. */
static size_t add_content(struct archive *archive, const struct tar_range *at, int is_raw)
{
    archive->content = egrow_by_one(archive->content, archive->contents, sizeof *archive->content);
    archive->content[archive->contents] = (struct content){*at, is_raw};
    return archive->contents++;
}

static int take_batch(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct archive *archive = source->state;
    if (member->size == 0 || member->size % CIFAR_RECORD != 0)
        return fail("cannot read %s/%s as a batch of CIFAR-10: its size is no multiple of %d",
                    source->name, member->name, CIFAR_RECORD);
    archive->batch = egrow(archive->batch, archive->batches + 1, sizeof *archive->batch);
    struct cifar_batch *batch = &archive->batch[archive->batches++];
    *batch = (struct cifar_batch){.name = ecopy(member->name)};
    return tar_keep(tar, &archive->spool, &batch->at);
}

static int take_names(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct archive *archive = source->state;
    struct tar_range at;
    if (member->size > CIFAR_MAX_NAMES)
        return fail("cannot read %s/%s: %llu bytes are too many for names of classes", source->name,
                    member->name, (unsigned long long)member->size);
    if (tar_keep(tar, &archive->spool, &at) < 0 || spool_flush(&archive->spool) < 0)
        return -1;
    free(archive->names);
    archive->names = ealloc((size_t)at.size + 1, 1);
    if (read_at(at.fd, at.offset, archive->names, (size_t)at.size) < 0)
        return fail("cannot read %s/%s: %s", source->name, member->name, why());
    return name_is_utf8(archive->names)
               ? 0
               : fail("cannot read %s/%s: it is not UTF-8", source->name, member->name);
}

/* Makes an item of what an image may be, or what may tell an image's label; whether it does is seen
 * when all have come. 1; 0 when it was left out, -1 when it is a bad image and these are errors. */
static int add_item(struct source *source, const char *key, uint64_t size)
{
    struct archive *archive = source->state;
    if (labels_kind(key) == LABELS_NONE)
        return source_take(source, key, size);
    source_add(source, key, NULL, 0, size);
    archive->labels++;
    return 1;
}

static int take_file(struct source *source, struct tar *tar, const struct tar_member *member,
                     const char *key)
{
    struct archive *archive = source->state;
    enum cifar_file cifar = cifar_file(key);
    enum labels_kind kind = labels_kind(key);
    struct tar_range at = {.size = member->size};
    if (cifar != CIFAR_NONE)
        return cifar == CIFAR_NAMES ? take_names(source, tar, member)
                                    : take_batch(source, tar, member);
    int added = add_item(source, key, member->size);
    if (added <= 0)
        return added;
    if ((kind == LABELS_NONE || at.size <= labels_most(kind)) &&
        tar_keep(tar, &archive->spool, &at) < 0)
        return -1;
    source->item[source->count - 1].index = add_content(archive, &at, 0);
    return 0;
}

static int take_member(struct source *source, struct tar *tar, const struct tar_member *member)
{
    static const struct tar_range nothing;
    struct archive *archive = source->state;
    char *key = labels_key(member->name);
    int taken = 0;
    if (member->kind == TAR_FILE) {
        taken = take_file(source, tar, member, key);
    } else if (member->kind == TAR_LINK) {
        archive->link = egrow(archive->link, archive->links + 1, sizeof *archive->link);
        archive->link[archive->links++] = (struct link){ecopy(key), labels_key(member->target),
                                                        add_content(archive, &nothing, 0)};
    } else if (member->kind == TAR_OTHER) {
        taken = source_take_no_file(source, key, "it is a link or no file at all");
    }
    free(key);
    return taken;
}

/* Makes items of the hard links: each is the last member of its target's name before it. Where
 * there is none, what should tell a label is an empty file. */
static int take_links(struct source *source)
{
    struct archive *archive = source->state;
    size_t count = source->count;
    source_sort(source);
    for (size_t i = 0; i < archive->links; i++) {
        const struct link *link = &archive->link[i];
        size_t place = source_place(source, count, link->target, link->index);
        const struct source_item *target = place > 0 ? &source->item[place - 1] : NULL;
        int is_there = target != NULL && strcmp(target->key, link->target) == 0;
        if (is_there)
            archive->content[link->index] = archive->content[target->index];
        int added =
            is_there || labels_kind(link->key) != LABELS_NONE
                ? add_item(source, link->key, is_there ? target->size : 0)
                : source_take_no_file(source, link->key, "it is a link to what is not there");
        if (added < 0)
            return -1;
        if (added > 0)
            source->item[source->count - 1].index = link->index;
    }
    return 0;
}

/* Makes items of the images in the batches of CIFAR-10. */
static int take_batches(struct source *source)
{
    struct archive *archive = source->state;
    if (archive->names == NULL && source->count > archive->labels) {
        /* Files of another kind that are called so. */
        for (size_t b = 0; b < archive->batches; b++)
            omitted_file(&source->omitted, archive->batch[b].name);
        return 0;
    }
    for (size_t b = 0; b < archive->batches; b++) {
        const struct cifar_batch *batch = &archive->batch[b];
        if (archive->names == NULL)
            return fail("cannot read %s/%s: there is no batches.meta.txt, which names its classes",
                        source->name, batch->name);
        for (uint32_t i = 0; i < batch->at.size / CIFAR_RECORD; i++) {
            struct tar_range at = batch->at;
            uint8_t label;
            at.offset += (uint64_t)i * CIFAR_RECORD + 1;
            at.size = CIFAR_PIXELS;
            int added = read_at(at.fd, at.offset - 1, &label, 1);
            if (added == 0)
                added = cifar_add(source, batch->name, i, label, archive->names);
            if (added < 0)
                return fail("cannot read %s/%s: %s", source->name, batch->name, why());
            if (added > 0)
                source->item[source->count - 1].index = add_content(archive, &at, 1);
        }
    }
    return 0;
}

static int read_item(const struct source *source, const struct source_item *item, void *bytes,
                     size_t size)
{
    const struct archive *archive = source->state;
    const struct tar_range *at = &archive->content[item->index].at;
    return read_at(at->fd, at->offset, bytes, size);
}

/* Reads it until it came whole, and makes items of what needs the whole. */
static int list_members(struct source *source, const struct source_options *options)
{
    struct archive *archive = source->state;
    int again = 1;
    while (again > 0) {
        struct tar *tar = tar_open(archive->blob, source->name);
        struct tar_member member;
        int done = tar ? 1 : -1;
        while (done > 0 && (done = tar_next(tar, &member)) > 0) {
            size_t images = source->count - archive->labels;
            meter("%s: %zu image%s, %.1f MB", source->name, images, plural(images),
                  1e-6 * (double)tar_came(tar));
            if (take_member(source, tar, &member) < 0)
                done = -1;
        }
        tar_close(tar);
        if (done == 0)
            done = spool_flush(&archive->spool);
        again = blob_check(archive->blob, done < 0);
        if (again < 0 || (again == 0 && done < 0))
            return -1;
        if (again > 0)
            empty(source);
    }
    if (take_batches(source) < 0 || take_links(source) < 0)
        return -1;
    source_sort(source);
    for (size_t i = 0; i + 1 < source->count; i++) /* of one name the last one counts */
        source->item[i].is_out = strcmp(source->item[i].key, source->item[i + 1].key) == 0;
    source_sift(source);
    source_sniff_all(source);
    if (labels_apply(source, options) < 0)
        return -1;
    if (blob_file(archive->blob) < 0) {
        blob_close(archive->blob);
        archive->blob = NULL;
    } else {
        blob_rest(archive->blob);
    }
    return 0;
}

static int open_archive(struct source *source, const char *name,
                        const struct source_options *options)
{
    struct archive *archive = source->state = ealloc(1, sizeof *archive);
    archive->spool = SPOOL_NEW;
    free(source->name);
    source->name = blob_show(name);
    const char *slash = strrchr(source->name, '/'); /* "train" of "…/train.tar.gz" */
    source->root = ecopy(slash ? slash + 1 : source->name);
    size_t whole = strlen(source->root), suffix = tar_suffix(source->name);
    source->root[suffix < whole ? whole - suffix : 0] = '\0'; /* what is no URL may end otherwise */
    source->is_part = 1;
    archive->blob = blob_open(name, options->access, &options->cancellation);
    if (archive->blob == NULL || list_members(source, options) < 0)
        return -1;
    if (blob_is_url(name))
        source->described = ecopy(source->name);
    return 0;
}

const struct source_kind source_archive = {
    .open = open_archive, .load = load, .read = read_item, .close = close_archive};
