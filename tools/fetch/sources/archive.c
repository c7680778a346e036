/* A tar archive: a file, an object of S3, or a page of the web.
 *
 * The stream's header has the names of all classes and its images are sorted, and a tar has no
 * index: so the archive is read to its end before the first image is written. An uncompressed file
 * is only passed over, and its images are read where they lie. From all others the images' files,
 * still compressed, wait in a spool file. Memory goes with the number of members: their names.
 *
 * Of two members of one name the later one counts, as it does when tar unpacks them; a hard link is
 * the member that it names.
 */
#include "sources/source.h"

#include "sources/cifar.h"
#include "sources/labels.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "archives/remote.h"
#include "archives/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct place {
    struct tar_place at;
    int is_raw; /* pixels of a batch of CIFAR-10; else an image's file */
};

struct link {
    char *name, *target;
    size_t place;
};

struct batch {
    char *name;
    struct tar_place at;
};

struct box {
    struct supply *supply; /* NULL when it is not needed any more */
    struct spool spool;
    struct place *place; /* by source_item.place */
    size_t places;
    struct link *link;
    size_t links;
    struct batch *batch;
    size_t batches;
    char *names; /* of the classes of CIFAR-10, a line each */
    struct labels labels;
};

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    struct box *box = source->state;
    const struct place *place = &box->place[source->item[item].place];
    fetched->size = (size_t)place->at.size;
    fetched->bytes = egrow(NULL, fetched->size, 1);
    int fd = place->at.spooled ? box->spool.fd : supply_file(box->supply);
    if (read_at(fd, place->at.offset, fetched->bytes, fetched->size) < 0)
        return place->at.spooled ? fail("cannot read the spool file: %s", why()) : 1;
    return place->is_raw && cifar_pixels(fetched->bytes, &fetched->pixels) < 0;
}

/* Back to what it was before the listing. */
static void empty(struct source *source)
{
    struct box *box = source->state;
    source_empty(source);
    spool_empty(&box->spool);
    for (size_t i = 0; i < box->links; i++) {
        free(box->link[i].name);
        free(box->link[i].target);
    }
    for (size_t i = 0; i < box->batches; i++)
        free(box->batch[i].name);
    free(box->link);
    free(box->batch);
    free(box->place);
    free(box->names);
    labels_free(&box->labels);
    box->link = NULL;
    box->batch = NULL;
    box->place = NULL;
    box->names = NULL;
    box->links = box->batches = box->places = 0;
}

static void close_box(struct source *source)
{
    struct box *box = source->state;
    empty(source);
    supply_close(box->supply);
    spool_close(&box->spool);
    free(box);
}

static const struct source_class archive_class = {.load = load, .close = close_box};

/* Returns the new place's number. */
static size_t add_place(struct box *box, const struct tar_place *at, int is_raw)
{
    box->place = egrow_by_one(box->place, box->places, sizeof *box->place);
    box->place[box->places] = (struct place){*at, is_raw};
    return box->places++;
}

static int take_image(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct box *box = source->state;
    struct tar_place at;
    int taken = source_take(source, member->name, member->size);
    if (taken <= 0)
        return taken;
    if (tar_keep(tar, &box->spool, &at) < 0)
        return -1;
    source->item[source->count - 1].place = add_place(box, &at, 0);
    return 0;
}

static int take_batch(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct box *box = source->state;
    if (member->size == 0 || member->size % CIFAR_RECORD != 0)
        return fail("cannot read %s/%s as a batch of CIFAR-10: its size is no multiple of %d",
                    source->name, member->name, CIFAR_RECORD);
    box->batch = egrow(box->batch, box->batches + 1, sizeof *box->batch);
    struct batch *batch = &box->batch[box->batches++];
    *batch = (struct batch){.name = ecopy(member->name)};
    return tar_keep(tar, &box->spool, &batch->at);
}

static int take_names(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct box *box = source->state;
    struct tar_place at;
    if (member->size > CIFAR_MAX_NAMES)
        return fail("cannot read %s/%s: %llu bytes are too many for names of classes", source->name,
                    member->name, (unsigned long long)member->size);
    if (tar_keep(tar, &box->spool, &at) < 0 || spool_flush(&box->spool) < 0)
        return -1;
    free(box->names);
    box->names = ealloc((size_t)at.size + 1, 1);
    int fd = at.spooled ? box->spool.fd : supply_file(box->supply);
    if (read_at(fd, at.offset, (uint8_t *)box->names, (size_t)at.size) < 0)
        return fail("cannot read %s/%s: %s", source->name, member->name, why());
    return name_is_utf8(box->names)
               ? 0
               : fail("cannot read %s/%s: it is not UTF-8", source->name, member->name);
}

/* A file that may tell an image's label; whether it does is seen when all have come. */
static int take_label(struct source *source, struct tar *tar, const struct tar_member *member,
                      enum labels_kind kind)
{
    struct box *box = source->state;
    struct tar_place at = {.size = member->size};
    if (at.size <= labels_most(kind) && tar_keep(tar, &box->spool, &at) < 0)
        return -1;
    labels_add(&box->labels, kind, member->name, &at);
    return 0;
}

static int take_file(struct source *source, struct tar *tar, const struct tar_member *member)
{
    enum labels_kind kind = labels_kind(member->name);
    switch (cifar_file(member->name)) {
    case CIFAR_NAMES:
        return take_names(source, tar, member);
    case CIFAR_TRAIN:
    case CIFAR_TEST:
        return take_batch(source, tar, member);
    default:
        return kind != LABELS_NONE ? take_label(source, tar, member, kind)
                                   : take_image(source, tar, member);
    }
}

static int take(struct source *source, struct tar *tar, const struct tar_member *member)
{
    struct box *box = source->state;
    enum labels_kind kind = labels_kind(member->name);
    switch (member->kind) {
    case TAR_FILE:
        return take_file(source, tar, member);
    case TAR_LINK:
        if (kind != LABELS_NONE) {
            labels_link(&box->labels, kind, member->name, member->target);
            return 0;
        }
        box->link = egrow(box->link, box->links + 1, sizeof *box->link);
        box->link[box->links++] = (struct link){ecopy(member->name), ecopy(member->target),
                                                add_place(box, &(struct tar_place){0}, 0)};
        return 0;
    case TAR_OTHER:
        return source_take_no_file(source, member->name, "it is a link or no file at all");
    default:
        return 0;
    }
}

static int by_key_then_place(const void *left, const void *right)
{
    const struct source_item *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* The item that a link means, of the first count ones, sorted by key and place: the last of that
 * name before it. NULL when there is none. */
static const struct source_item *find_target(const struct source *source, size_t count,
                                             const struct link *link)
{
    size_t low = 0, high = count;
    while (low < high) { /* to the first item behind it */
        size_t middle = (low + high) / 2;
        int order = strcmp(source->item[middle].key, link->target);
        if (order < 0 || (order == 0 && source->item[middle].place < link->place))
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && strcmp(source->item[low - 1].key, link->target) == 0 ? &source->item[low - 1]
                                                                           : NULL;
}

/* Sorts, and keeps the last item of each name. */
static void sort(struct source *source)
{
    size_t kept = 0;
    if (source->count > 0)
        qsort(source->item, source->count, sizeof *source->item, by_key_then_place);
    for (size_t i = 0; i < source->count; i++)
        if (i + 1 < source->count && strcmp(source->item[i].key, source->item[i + 1].key) == 0) {
            free(source->item[i].key);
            free(source->item[i].class_name);
        } else {
            source->item[kept++] = source->item[i];
        }
    source_keep(source, kept);
}

/* Makes items of the hard links, which are no members of their own. */
static int take_links(struct source *source)
{
    struct box *box = source->state;
    size_t count = source->count;
    if (count > 0)
        qsort(source->item, count, sizeof *source->item, by_key_then_place);
    for (size_t i = 0; i < box->links; i++) {
        const struct link *link = &box->link[i];
        const struct source_item *target = find_target(source, count, link);
        int taken = 0;
        if (target != NULL) {
            box->place[link->place] = box->place[target->place];
            taken = source_take(source, link->name, target->size);
        } else {
            taken = source_take_no_file(source, link->name, "it is a link to what is not there");
        }
        if (taken < 0)
            return -1;
        if (taken > 0)
            source->item[source->count - 1].place = link->place;
    }
    return 0;
}

/* Makes items of the images in the batches of CIFAR-10. */
static int take_batches(struct source *source)
{
    struct box *box = source->state;
    if (box->names == NULL && source->count > 0) { /* files of another kind that are called so */
        for (size_t b = 0; b < box->batches; b++)
            omitted_file(&source->omitted, box->batch[b].name);
        return 0;
    }
    for (size_t b = 0; b < box->batches; b++) {
        const struct batch *batch = &box->batch[b];
        int fd = batch->at.spooled ? box->spool.fd : supply_file(box->supply);
        if (box->names == NULL)
            return fail("cannot read %s/%s: there is no batches.meta.txt, which names its classes",
                        source->name, batch->name);
        for (uint32_t i = 0; i < batch->at.size / CIFAR_RECORD; i++) {
            struct tar_place at = batch->at;
            uint8_t label;
            at.offset += (uint64_t)i * CIFAR_RECORD + 1;
            at.size = CIFAR_PIXELS;
            int added = read_at(fd, at.offset - 1, &label, 1);
            if (added == 0)
                added = cifar_add(source, batch->name, i, label, box->names);
            if (added < 0)
                return fail("cannot read %s/%s: %s", source->name, batch->name, why());
            if (added > 0)
                source->item[source->count - 1].place = add_place(box, &at, 1);
        }
    }
    return 0;
}

/* Reads the archive once from start to end. */
static int read_all(struct source *source)
{
    struct box *box = source->state;
    struct tar *tar = tar_open(box->supply, source->name);
    struct tar_member member;
    int got = tar ? 1 : -1;
    while (got > 0 && (got = tar_next(tar, &member)) > 0) {
        meter("%s: %zu image%s, %.1f MB", source->name, source->count, plural(source->count),
              1e-6 * tar_came(tar));
        if (take(source, tar, &member) < 0)
            got = -1;
    }
    tar_close(tar);
    if (got == 0)
        got = spool_flush(&box->spool);
    return got;
}

static int read_head(struct source *source, const struct source_item *item, uint8_t *head,
                     size_t size)
{
    struct box *box = source->state;
    const struct tar_place *at = &box->place[item->place].at;
    int fd = at->spooled ? box->spool.fd : supply_file(box->supply);
    return read_at(fd, at->offset, head, size);
}

/* Reads it until it came whole, and makes items of what needs the whole. */
static int list(struct source *source, const struct source_options *options)
{
    struct box *box = source->state;
    int again = 1;
    while (again > 0) {
        int done = read_all(source);
        again = supply_check(box->supply, done < 0);
        if (again < 0 || (again == 0 && done < 0))
            return -1;
        if (again > 0)
            empty(source);
    }
    if (take_batches(source) < 0 || take_links(source) < 0)
        return -1;
    sort(source);
    source_look_into(source, read_head);
    int fd[] = {supply_file(box->supply), box->spool.fd};
    if (labels_apply(source, &box->labels, fd, options) < 0)
        return -1;
    labels_free(&box->labels);
    if (supply_file(box->supply) < 0) {
        supply_close(box->supply);
        box->supply = NULL;
    } else {
        supply_rest(box->supply);
    }
    return 0;
}

/* "train" of "…/train.tar.gz". */
static char *root_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    char *root = ecopy(slash ? slash + 1 : name);
    char *suffix = strrchr(root, '.');
    if (suffix != NULL && strcasecmp(suffix, ".tar") != 0 && strcasecmp(suffix, ".tgz") != 0) {
        *suffix = '\0'; /* .gz, .zst */
        suffix = strrchr(root, '.');
    }
    if (suffix != NULL)
        *suffix = '\0';
    return root;
}

int source_open_archive(struct source *source, const char *name,
                        const struct source_options *options)
{
    struct box *box = ealloc(1, sizeof *box);
    source->state = box;
    source->class = &archive_class;
    spool_open(&box->spool);
    free(source->name);
    source->name = remote_show(name);
    source->root = root_of(source->name);
    source->is_part = 1;
    if (remote_is_url(name) && !name_is_utf8(name)) { /* it stands in the stream's header */
        char *shown = name_show(name);
        fail("the name %s is not UTF-8", shown);
        free(shown);
        return -1;
    }
    if (supply_open(&box->supply, name, options) < 0 || list(source, options) < 0)
        return -1;
    if (remote_is_url(name))
        source->described = ecopy(source->name);
    return 0;
}
