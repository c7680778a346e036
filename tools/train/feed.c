#include "feed_inside.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

uint8_t *pile_room(struct pile *pile, size_t image_size)
{
    if (pile->count == pile->room) {
        pile->room = pile->room ? 2 * pile->room : 128;
        pile->pixels = egrow(pile->pixels, pile->room, image_size);
        pile->label = egrow(pile->label, pile->room, sizeof *pile->label);
    }
    return pile->pixels + pile->count * image_size;
}

void pile_add(struct pile *pile, const struct image *image, size_t image_size)
{
    memcpy(pile_room(pile, image_size), image->pixels, image_size);
    pile->label[pile->count++] = image->label;
}

static void pile_free(struct pile *pile)
{
    free(pile->pixels);
    free(pile->label);
}

/* All images have the shape that the header told, or the first one had. */
static int check_shape(struct feed *feed, const struct image *image)
{
    struct images_about *about = &feed->about;
    if (feed->image_size == 0) {
        about->height = image->height;
        about->width = image->width;
        about->channels = image->channels;
        feed->image_size = image_bytes(image);
    }
    if (image->height == about->height && image->width == about->width &&
        image->channels == about->channels)
        return 0;
    return fail("image %.*s is %ux%ux%u where %ux%ux%u is expected%s", (int)image->key_size,
                image->key, image->height, image->width, image->channels, about->height,
                about->width, about->channels,
                image_remedy(image, about->height, about->width, about->channels));
}

/* A view may be a part of its image, so only the channels count. */
static int check_channels(struct feed *feed, const struct image *image)
{
    return image->channels == feed->about.channels
               ? 0
               : fail("image %.*s has %u channel%s, but the header says %u", (int)image->key_size,
                      image->key, image->channels, plural(image->channels), feed->about.channels);
}

/* As many came as the header told: places in a run are counted by that. */
static int check_count(const struct feed *feed, enum split split, uint64_t came)
{
    uint64_t told = feed->about.counts[split];
    return came == told
               ? 0
               : fail_as(DAMAGED, "the input has %llu %s images, but its header says %llu",
                         (unsigned long long)came, split_name[split], (unsigned long long)told);
}

/* An epoch's mark tells which it was and how many images it had. One without images may come first:
 * then the epochs up to it are left out. */
static int check_mark(struct feed *feed, const struct record *mark)
{
    uint64_t images, epoch;
    int is_first = feed->marked == 0;
    if (record_uint(mark, "images", UINT64_MAX, &images) < 0 ||
        record_uint(mark, "epoch", UINT32_MAX, &epoch) < 0)
        return -1;
    if (epoch != feed->marked + 1 && !(images == 0 && is_first))
        return fail_as(DAMAGED, "the mark of epoch %llu comes where that of epoch %llu is expected",
                       (unsigned long long)epoch, (unsigned long long)feed->marked + 1);
    feed->marked = epoch;
    if (images != feed->images)
        return fail_as(DAMAGED, "an epoch of %llu images is marked as one of %llu",
                       (unsigned long long)feed->images, (unsigned long long)images);
    feed->images = 0;
    return images == 0 && is_first ? 0 : check_count(feed, SPLIT_TRAIN, images);
}

void feed_add(struct feed *feed, const struct image *image)
{
    pile_add(&feed->now, image, feed->image_size);
    feed->images++;
}

int feed_item(struct feed *feed, struct image *image)
{
    struct record record;
    int item;
    do
        item = images_next(feed->input, image, &record);
    while (item == IMAGES_OTHER);
    int raw = feed->input->views && item == IMAGES_IMAGE && image->split == SPLIT_TRAIN;
    if (item == IMAGES_IMAGE && (raw ? check_channels : check_shape)(feed, image) < 0)
        return -1;
    feed->next_view = feed->views.count = 0; /* those at hand are gone with their record */
    if (item == IMAGES_VIEWS && views_read(&record, &feed->views) < 0)
        return -1;
    if (item == IMAGES_EPOCH && check_mark(feed, &record) < 0)
        return -1;
    return item;
}

/* Validation images become the last of the album, beside each other: read first, piled up. */
static void settle(struct feed *feed, struct pile *validation)
{
    const struct images_about *about = &feed->about;
    feed->trained = album_images(feed->album).count;
    for (size_t i = 0; i < validation->count; i++) {
        struct image image = {.height = about->height,
                              .width = about->width,
                              .channels = about->channels,
                              .label = validation->label[i],
                              .pixels = validation->pixels + i * feed->image_size};
        album_add(feed->album, &image);
    }
    pile_free(validation);
}

/* Keeps a whole set: training images, validation images, and the figures of the former. */
static int read_set(struct feed *feed, struct pile *validation)
{
    struct image image;
    int item;
    while ((item = feed_item(feed, &image)) == IMAGES_IMAGE) {
        feed->about.counts[image.split]++;
        if (image.split == SPLIT_VALIDATION)
            pile_add(validation, &image, feed->image_size);
        if (image.split != SPLIT_TRAIN)
            continue;
        images_add(&feed->sums, &image);
        album_add(feed->album, &image);
    }
    if (item != IMAGES_END)
        return item < 0 ? -1 : FEED_WAIT;
    images_figures(&feed->sums, feed->about.channels, &feed->about);
    uint32_t *label = images_settle(feed->input);
    if (label) {
        album_relabel(feed->album, label);
        for (size_t i = 0; i < validation->count; i++)
            validation->label[i] = label[validation->label[i]];
    }
    free(label);
    size_t count = album_images(feed->album).count;
    feed->order = ealloc(count, sizeof *feed->order);
    feed->place = count;
    return 0;
}

/* Reads the validation images, up to the first training image, which it puts into the first batch;
 * with views the training images too, up to the first views. */
static int read_start(struct feed *feed, struct pile *validation)
{
    struct image image;
    int item, views = feed->input->views;
    feed->image_size = (size_t)feed->about.height * feed->about.width * feed->about.channels;
    feed->pending = IMAGES_OTHER;
    while ((item = feed_item(feed, &image)) == IMAGES_IMAGE &&
           (views || image.split != SPLIT_TRAIN)) {
        if (image.split == SPLIT_VALIDATION)
            pile_add(validation, &image, feed->image_size);
        if (image.split == SPLIT_TRAIN && album_add_known(feed->album, &image) < 0)
            return -1;
    }
    if (item < 0)
        return -1;
    if (item == IMAGES_WAIT)
        return FEED_WAIT;
    if (check_count(feed, SPLIT_VALIDATION, validation->count) < 0)
        return -1;
    if (item == IMAGES_IMAGE)
        feed_add(feed, &image);
    else if (item == IMAGES_EPOCH)
        feed->before = feed->marked;
    else
        feed->pending = item;
    return 0;
}

int feed_open(struct feed **feed, struct images *input, uint32_t batch, uint64_t data_seed)
{
    struct feed *made = ealloc(1, sizeof *made);
    struct pile validation = {0};
    made->input = input;
    made->about = input->about;
    made->batch = batch;
    made->seed = data_seed;
    made->album = album_open();
    *feed = made;
    int result = (input->epochs ? read_start : read_set)(made, &validation);
    settle(made, &validation);
    if (result == 0 && made->about.counts[SPLIT_TRAIN] == 0)
        return fail("%s holds no training images", record_name(input->reader));
    return result;
}

void feed_close(struct feed *feed)
{
    if (feed == NULL)
        return;
    pile_free(&feed->now);
    album_close(feed->album);
    free(feed->view);
    free(feed->validation_view);
    free(feed->order);
    free(feed);
}

const struct images_about *feed_about(const struct feed *feed)
{
    return &feed->about;
}

uint64_t feed_before(const struct feed *feed)
{
    return feed->before;
}

struct kept_images feed_images(const struct feed *feed)
{
    return album_images(feed->album);
}

void feed_by_views(struct feed *feed)
{
    size_t validation = album_images(feed->album).count - feed->trained;
    feed->view = ealloc(feed->batch, sizeof *feed->view);
    feed->validation_view = ealloc(validation, sizeof *feed->validation_view);
    for (size_t i = 0; i < validation; i++)
        feed->validation_view[i].image = (uint32_t)(feed->trained + i);
    album_forget_pixels(feed->album);
}

struct batch feed_validation(const struct feed *feed)
{
    struct kept_images all = album_images(feed->album);
    struct batch batch = {.view = feed->validation_view, .count = all.count - feed->trained};
    if (batch.count == 0)
        return batch;
    batch.label = album_labels(feed->album) + feed->trained;
    if (batch.view == NULL)
        batch.pixels = all.pixels + all.image[feed->trained].place;
    return batch;
}
