/* A tar archive: a file, an object of S3, or a page of the web.
 *
 * The stream's header has the names of all classes and its images are sorted, and a tar has no
 * index: so the archive is read to its end before the first image is written. An uncompressed file
 * is only passed over, and its images are read where they lie. From all others the images' files,
 * still compressed, wait in a spool file. Memory goes with the number of members: their names.
 *
 * Of two members of one name the later one counts, as it does when tar unpacks them; a hard link is
 * the member that it names.
 * A tar may hold the batches of CIFAR-10 or CIFAR-100 (cifar.h).
 */
#include "sources/open.h"

#include "archives/tar.h"
#include "image.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "sources/cifar.h"
#include "sources/labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an item is made of, by source_item.index: a file, or pixels of a batch. */
struct content {
    struct tar_range at;
    int is_raw;
};

/* A hard link, which is no member of its own. */
struct link {
    char *key, *target;
    size_t index;
};

/* Of CIFAR-10 or CIFAR-100. */
struct batch {
    char *name;
    struct tar_range at; /* kept when its size is one of whole images */
    enum cifar_labels labels;
    int split;
    int is_none; /* but another file that is called so */
};

/* An archive as it was read. */
struct archive {
    struct blob *blob; /* NULL when it is not needed any more */
    struct spool spool;
    struct content *content;
    size_t contents;
    struct link *link;
    size_t links;
    struct batch *batch;
    size_t batches;
    char *names[CIFAR_WAYS]; /* of the classes, a line each */
    size_t labels;           /* items that may tell labels; the others are images */
};

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
    for (int i = 0; i < CIFAR_WAYS; i++)
        free(archive->names[i]);
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

/* The bytes of an image of a batch, and its labels. */
static uint64_t record_size(const struct batch *batch)
{
    return cifar[batch->labels].labels + CIFAR_PIXELS;
}

static int take_batch(struct source *source, struct tar *tar, const struct tar_member *member,
                      enum cifar_labels labels, int split)
{
    struct archive *archive = source->state;
    archive->batch = egrow(archive->batch, archive->batches + 1, sizeof *archive->batch);
    struct batch *batch = &archive->batch[archive->batches++];
    *batch = (struct batch){
        .name = ecopy(member->name), .at.size = member->size, .labels = labels, .split = split};
    return member->size > 0 && member->size % record_size(batch) == 0
               ? tar_keep(tar, &archive->spool, &batch->at)
               : 0;
}

static int take_names(struct source *source, struct tar *tar, const struct tar_member *member,
                      char **names)
{
    struct archive *archive = source->state;
    struct tar_range at;
    if (member->size > CIFAR_MAX_NAMES)
        return fail("cannot read %s/%s: %llu bytes are too many for names of classes", source->name,
                    member->name, (unsigned long long)member->size);
    if (tar_keep(tar, &archive->spool, &at) < 0 || spool_flush(&archive->spool) < 0)
        return -1;
    free(*names);
    *names = ealloc((size_t)at.size + 1, 1);
    if (read_at(at.fd, at.offset, *names, (size_t)at.size) < 0)
        return fail("cannot read %s/%s: %s", source->name, member->name, why());
    return name_is_utf8(*names)
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
    enum cifar_labels labels;
    int split;
    enum cifar_file file = cifar_file(key, &labels, &split);
    enum labels_kind kind = labels_kind(key);
    struct tar_range at = {.size = member->size};
    if (file != CIFAR_NONE)
        return file == CIFAR_NAMES ? take_names(source, tar, member, &archive->names[labels])
                                   : take_batch(source, tar, member, labels, split);
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

/* Makes an item of an image of a batch, of this number and class: its key is the batch's name
 * without .bin, a slash and the number in five digits. 1; 0 when it is not wanted; -1 with a
 * sentence when there is no such class. */
static int add_of_batch(struct source *source, const struct batch *batch, uint32_t number,
                        unsigned label)
{
    struct archive *archive = source->state;
    size_t length = strlen(batch->name) - strlen(".bin"), size;
    const char *class_name = cifar_name(archive->names[batch->labels], label, &size);
    if (class_name == NULL)
        return fail_as(DAMAGED, "an image is of class %u, which has no name in %s", label,
                       cifar[batch->labels].names);
    char *key = eformat("%.*s/%05" PRIu32, (int)length, batch->name, number);
    int wanted = source_wants(source, key);
    if (wanted) {
        struct source_item *item = source_add(source, key, class_name, size, record_size(batch));
        item->split = batch->split;
    }
    free(key);
    return wanted;
}

static int take_batch_images(struct source *source, const struct batch *batch)
{
    struct archive *archive = source->state;
    const struct cifar *way = &cifar[batch->labels];
    if (archive->names[batch->labels] == NULL)
        return fail_as(DAMAGED, "cannot read %s/%s: there is no %s, which names its classes",
                       source->name, batch->name, way->names);
    for (uint32_t i = 0; i < batch->at.size / record_size(batch); i++) {
        struct tar_range at = batch->at;
        uint8_t label[2];
        at.offset += i * record_size(batch);
        at.size = CIFAR_PIXELS;
        int added = read_at(at.fd, at.offset, label, way->labels);
        if (added == 0)
            added = add_of_batch(source, batch, i, label[way->label]);
        if (added < 0)
            return fail_as(why_status(), "cannot read %s/%s: %s", source->name, batch->name, why());
        at.offset += way->labels;
        if (added > 0)
            source->item[source->count - 1].index = add_content(archive, &at, 1);
    }
    return 0;
}

/* Makes items of the images in batches; not of files that are called so where there are others. */
static int take_batches(struct source *source, const struct source_options *options)
{
    struct archive *archive = source->state;
    int are_others = source->count > archive->labels, done = 0;
    for (size_t b = 0; b < archive->batches; b++) {
        struct batch *batch = &archive->batch[b];
        if (batch->labels == CIFAR_FINE && options->coarse_labels)
            batch->labels = CIFAR_COARSE;
        batch->is_none = archive->names[batch->labels] == NULL && are_others;
        if (batch->is_none)
            omitted_file(&source->omitted, batch->name);
        else if (batch->at.size == 0 || batch->at.size % record_size(batch) != 0)
            return fail_as(
                DAMAGED, "cannot read %s/%s as a batch of %s: its size is no multiple of %u",
                source->name, batch->name, cifar[batch->labels].set, (unsigned)record_size(batch));
    }
    for (size_t b = 0; b < archive->batches && done == 0; b++)
        if (!archive->batch[b].is_none)
            done = take_batch_images(source, &archive->batch[b]);
    return done;
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
    if (take_batches(source, options) < 0 || take_links(source) < 0)
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
