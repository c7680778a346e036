#include "epochs.h"

#include "message.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

/* The first image, to whose shape the others are held. */
struct first {
    int seen;
    char key[256];
    uint32_t height, width, channels;
};

static int check_shape(struct first *first, const struct view_options *options,
                       const struct image *image)
{
    int size = (int)image->key_size;
    if (!first->seen) {
        *first = (struct first){1, "", image->height, image->width, image->channels};
        snprintf(first->key, sizeof first->key, "%.*s", size, image->key);
    }
    if (image->channels != first->channels)
        return fail(
            "image %.*s has %u channel%s, but %s has %u (psfetch --channels makes them agree)",
            size, image->key, image->channels, plural(image->channels), first->key,
            first->channels);
    if (options->crop[0] > 0) {
        if (image->height >= options->crop[0] && image->width >= options->crop[1])
            return 0;
        return fail("image %.*s is %ux%u, smaller than --crop %ux%u", size, image->key,
                    image->height, image->width, options->crop[0], options->crop[1]);
    }
    if (image->height == first->height && image->width == first->width)
        return 0;
    return fail("image %.*s is %ux%u, but %s is %ux%u: give --crop here or --resize to psfetch",
                size, image->key, image->height, image->width, first->key, first->height,
                first->width);
}

/* Reads and keeps all records. */
static int keep_all(struct images *input, const struct view_options *options,
                    struct collection *all, struct first *first)
{
    struct image image;
    struct record record;
    struct images_sums sums = {0};
    int item;
    while ((item = images_next(input, &image, &record)) != IMAGES_END) {
        if (item < 0)
            return -1;
        if (item == IMAGES_OTHER) {
            all->unknown = egrow(all->unknown, all->unknown_size + record.size, 1);
            memcpy(all->unknown + all->unknown_size, record.bytes, record.size);
            all->unknown_size += record.size;
            continue;
        }
        if (check_shape(first, options, &image) < 0)
            return -1;
        if (all->fold.of > 0)
            image.split = fold_deal(&all->fold, image.label, image.split);
        int trains = image.split == SPLIT_TRAIN;
        if (trains)
            images_add(&sums, &image);
        if (trains && all->balances)
            balance_add(&all->balance, image.label);
        all->about.counts[image.split]++;
        if (set_add(trains ? all->train : all->others, &image, &record,
                    record_place(input->reader)) < 0)
            return -1;
    }
    images_figures(&sums, first->channels, &all->about);
    free(images_settle(input)); /* labels are looked up when an image is read again */
    return 0;
}

int collect(struct images *input, int fd, uint64_t memory, const struct view_options *options,
            struct fold fold, int balances, struct collection *all)
{
    struct first first = {0};
    *all =
        (struct collection){.input = input, .memory = memory, .fold = fold, .balances = balances};
    all->train = set_open(&all->memory, fd);
    all->others = set_open(&all->memory, fd);
    if (keep_all(input, options, all, &first) < 0 || set_flush(all->train) < 0 ||
        set_flush(all->others) < 0)
        return -1;
    if (!first.seen)
        return fail("%s holds no images", record_name(input->reader));
    int crops = options->crop[0] > 0;
    all->about.height = crops ? options->crop[0] : first.height;
    all->about.width = crops ? options->crop[1] : first.width;
    all->about.channels = first.channels;
    all->pixels = ealloc((size_t)all->about.height * all->about.width, first.channels);
    return 0;
}

void collection_free(struct collection *all)
{
    set_close(all->train);
    set_close(all->others);
    fold_free(&all->fold);
    balance_free(&all->balance);
    free(all->unknown);
    free(all->pixels);
}

static int read_again(const struct collection *all, struct set *set, size_t place,
                      struct image *image)
{
    if (set_image(set, place, image) < 0)
        return -1;
    images_relabel(all->input, image);
    if (all->fold.of > 0 && image->split != SPLIT_TEST) /* the record has another one */
        image->split = set == all->train ? SPLIT_TRAIN : SPLIT_VALIDATION;
    return 0;
}

/* Draws the view and writes it as the image's record. */
static int write_view(struct writer *writer, const struct view *view, struct image *image,
                      uint8_t *pixels)
{
    view_draw(view, image, pixels);
    image->pixels = pixels;
    image->height = view->height;
    image->width = view->width;
    return image_write(writer, image);
}

int write_once(struct writer *writer, struct collection *all, int views)
{
    struct image image;
    /* The kept records stand one behind the other; each is passed on as it came. */
    for (size_t at = 0; at < all->unknown_size;) {
        size_t size = (size_t)record_span(all->unknown + at, all->unknown_size - at);
        if (write_record(writer, all->unknown + at, size) < 0)
            return -1;
        at += size;
    }
    for (size_t i = 0; i < set_count(all->others); i++) {
        if (read_again(all, all->others, i, &image) < 0)
            return -1;
        struct view view = view_middle(&image, all->about.height, all->about.width);
        if (write_view(writer, &view, &image, all->pixels) < 0)
            return -1;
    }
    for (size_t i = 0; views && i < set_count(all->train); i++)
        if (read_again(all, all->train, i, &image) < 0 || image_write(writer, &image) < 0)
            return -1;
    return 0;
}

/* The view of an image in an epoch. */
static struct view draw_view(const struct view_options *options, uint32_t epoch, struct image image,
                             const struct draw *draw)
{
    image.id = draw->id;
    return view_random(options, epoch, &image);
}

/* The training images of an epoch, drawn, in their order. */
static int write_drawn(struct writer *writer, struct collection *all,
                       const struct view_options *options, uint32_t epoch, const struct draw *draw)
{
    for (size_t i = 0; i < set_count(all->train); i++) {
        struct image image;
        if (read_again(all, all->train, draw[i].place, &image) < 0)
            return -1;
        struct view view = draw_view(options, epoch, image, &draw[i]);
        if (write_view(writer, &view, &image, all->pixels) < 0)
            return -1;
    }
    return 0;
}

/* Their views alone, for which no pixel is needed. */
static int write_views(struct writer *writer, struct collection *all,
                       const struct view_options *options, uint32_t epoch, const struct draw *draw)
{
    size_t count = set_count(all->train);
    uint64_t ids[VIEWS_MOST];
    struct view view[VIEWS_MOST];
    for (size_t i = 0, filled = 0; i < count; i++) {
        struct image image = set_outline(all->train, draw[i].place);
        ids[filled] = image.id;
        view[filled++] = draw_view(options, epoch, image, &draw[i]);
        if (filled < VIEWS_MOST && i + 1 < count)
            continue;
        if (views_write(writer, ids, view, filled, all->about.channels) < 0)
            return -1;
        filled = 0;
    }
    return 0;
}

int write_mark(struct writer *writer, uint32_t epoch, uint64_t images)
{
    struct position position = write_position(writer);
    write_begin(writer, "epoch");
    pack_uint(writer, "epoch", epoch);
    pack_uint(writer, "images", images);
    pack_position(writer, position);
    return write_end(writer);
}

int write_epoch(struct writer *writer, struct collection *all, const struct view_options *options,
                uint32_t epoch, int views)
{
    size_t count = set_count(all->train);
    const uint64_t *id = set_ids(all->train);
    struct draw *draw = ealloc(count, sizeof *draw), *shuffled = ealloc(count, sizeof *draw);
    uint64_t *drawn = ealloc(count, sizeof *drawn);
    size_t *order = ealloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        draw[i] = (struct draw){i, id[i]};
    if (all->balances)
        balance_draw(&all->balance, options->seed, epoch, id, draw);
    for (size_t i = 0; i < count; i++)
        drawn[i] = draw[i].id;
    shuffle(options->seed, epoch, PURPOSE_SHUFFLE, drawn, count, order);
    for (size_t i = 0; i < count; i++)
        shuffled[i] = draw[order[i]];
    int result = (views ? write_views : write_drawn)(writer, all, options, epoch, shuffled);
    free(draw);
    free(shuffled);
    free(drawn);
    free(order);
    return result < 0 ? -1 : write_mark(writer, epoch, count);
}
