#include "feed.h"

#include "album.h"
#include "message.h"
#include "shuffle.h"

#include <stdlib.h>
#include <string.h>

/* Images beside each other that grow in number. */
struct pile {
    uint8_t *pixels; /* [count][image size] */
    uint32_t *label;
    uint64_t *id;
    size_t count, room;
};

struct feed {
    struct images *input;
    struct images_about about;
    size_t image_size;
    uint32_t batch;
    struct pile validation;
    struct pile now; /* the mini-batch being filled */
    int handed;      /* it has been handed out, so it is to be filled anew */

    /* With epochs: an image or a mark that was read but belongs to the next call. */
    int pending; /* an images_item, or IMAGES_OTHER for none */

    /* With views: the images, the views at hand and the next of them, and what is drawn. */
    struct album *album;
    struct views views;
    size_t view;
    uint8_t *drawn; /* [image_size] */

    /* Without: the whole set, the order of the present epoch and the place in it. */
    struct pile train;
    struct images_sums sums;
    uint64_t seed;
    uint32_t epoch;
    size_t *order, place;
    int epoch_ended;
};

static void pile_add(struct pile *pile, const struct image *image, size_t image_size)
{
    if (pile->count == pile->room) {
        pile->room = pile->room ? 2 * pile->room : 128;
        pile->pixels = egrow(pile->pixels, pile->room, image_size);
        pile->label = egrow(pile->label, pile->room, sizeof *pile->label);
        pile->id = egrow(pile->id, pile->room, sizeof *pile->id);
    }
    memcpy(pile->pixels + pile->count * image_size, image->pixels, image_size);
    pile->label[pile->count] = image->label;
    pile->id[pile->count] = image->id;
    pile->count++;
}

static void pile_free(struct pile *pile)
{
    free(pile->pixels);
    free(pile->label);
    free(pile->id);
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
    return fail("image %.*s is %ux%ux%u where %ux%ux%u is wanted: psfetch --resize or psaug --crop "
                "makes all images one size",
                (int)image->key_size, image->key, image->height, image->width, image->channels,
                about->height, about->width, about->channels);
}

/* A view may be a part of its image, so only the channels count. */
static int check_channels(struct feed *feed, const struct image *image)
{
    return image->channels == feed->about.channels
               ? 0
               : fail("image %.*s has %u channels where %u are wanted", (int)image->key_size,
                      image->key, image->channels, feed->about.channels);
}

/* The next image (after its shape was looked at), views, mark or end; other records are skipped. */
static int next_item(struct feed *feed, struct image *image)
{
    struct record record;
    int item;
    do
        item = images_next(feed->input, image, &record);
    while (item == IMAGES_OTHER);
    int raw = feed->input->views && item == IMAGES_IMAGE && image->split == SPLIT_TRAIN;
    if (item == IMAGES_IMAGE && (raw ? check_channels : check_shape)(feed, image) < 0)
        return -1;
    feed->view = feed->views.count = 0; /* those at hand are gone with their record */
    if (item == IMAGES_VIEWS && views_read(&record, &feed->views) < 0)
        return -1;
    return item;
}

/* Keeps a whole set: training images, validation images, and the figures of the former. */
static int read_set(struct feed *feed)
{
    struct image image;
    int item;
    while ((item = next_item(feed, &image)) == IMAGES_IMAGE) {
        feed->about.counts[image.split]++;
        if (image.split == SPLIT_VALIDATION)
            pile_add(&feed->validation, &image, feed->image_size);
        if (image.split != SPLIT_TRAIN)
            continue;
        images_add(&feed->sums, &image);
        pile_add(&feed->train, &image, feed->image_size);
    }
    if (item != IMAGES_END)
        return item < 0 ? -1 : FEED_WAIT;
    images_figures(&feed->sums, feed->about.channels, &feed->about);
    feed->order = ealloc(feed->train.count, sizeof *feed->order);
    feed->place = feed->train.count;
    return 0;
}

/* Reads the validation images, up to the first training image, which it puts into the first batch.
 */
static int read_validation(struct feed *feed)
{
    struct image image;
    int item;
    feed->image_size = (size_t)feed->about.height * feed->about.width * feed->about.channels;
    feed->pending = IMAGES_OTHER;
    while ((item = next_item(feed, &image)) == IMAGES_IMAGE && image.split != SPLIT_TRAIN)
        if (image.split == SPLIT_VALIDATION)
            pile_add(&feed->validation, &image, feed->image_size);
    if (item < 0)
        return -1;
    if (item == IMAGES_IMAGE)
        pile_add(&feed->now, &image, feed->image_size);
    else if (item == IMAGES_WAIT)
        return FEED_WAIT;
    else
        feed->pending = item;
    return 0;
}

/* Reads the validation and training images, up to the first views. */
static int read_album(struct feed *feed)
{
    struct image image;
    int item;
    feed->image_size = (size_t)feed->about.height * feed->about.width * feed->about.channels;
    feed->drawn = ealloc(feed->image_size, 1);
    feed->album = album_open();
    while ((item = next_item(feed, &image)) == IMAGES_IMAGE)
        if (image.split == SPLIT_VALIDATION)
            pile_add(&feed->validation, &image, feed->image_size);
        else if (image.split == SPLIT_TRAIN)
            album_add(feed->album, &image);
    if (item < 0)
        return -1;
    if (item == IMAGES_WAIT)
        return FEED_WAIT;
    feed->pending = item;
    return album_sort(feed->album);
}

int feed_open(struct feed **feed, struct images *input, uint32_t batch, uint64_t data_seed)
{
    struct feed *made = ealloc(1, sizeof *made);
    made->input = input;
    made->about = input->about;
    made->batch = batch;
    made->seed = data_seed;
    *feed = made;
    int result = input->views    ? read_album(made)
                 : input->epochs ? read_validation(made)
                                 : read_set(made);
    if (result == 0 && made->about.counts[SPLIT_TRAIN] == 0)
        return fail("%s holds no training images", record_name(input->reader));
    return result;
}

void feed_close(struct feed *feed)
{
    if (feed == NULL)
        return;
    pile_free(&feed->validation);
    pile_free(&feed->train);
    pile_free(&feed->now);
    album_close(feed->album);
    free(feed->drawn);
    free(feed->order);
    free(feed);
}

const struct images_about *feed_about(const struct feed *feed)
{
    return &feed->about;
}

struct batch feed_validation(const struct feed *feed)
{
    const struct pile *pile = &feed->validation;
    return (struct batch){pile->pixels, pile->label, pile->count};
}

static int hand_out(struct feed *feed, struct batch *batch)
{
    *batch = (struct batch){feed->now.pixels, feed->now.label, feed->now.count};
    return FEED_BATCH;
}

/* What is neither an image nor a view: the end of an epoch, or of everything. */
static int at_mark(struct feed *feed, int item, struct batch *batch)
{
    if (item < 0)
        return -1;
    if (item == IMAGES_WAIT)
        return FEED_WAIT;
    if (item == IMAGES_END)
        return feed->now.count == 0
                   ? FEED_END
                   : fail_as(DAMAGED, "%s ends inside an epoch", record_name(feed->input->reader));
    if (feed->now.count == 0)
        return FEED_EPOCH;
    feed->pending = IMAGES_EPOCH;
    return hand_out(feed, batch);
}

static int next_from_stream(struct feed *feed, struct batch *batch)
{
    struct image image;
    int item = feed->pending;
    feed->pending = IMAGES_OTHER;
    while (item == IMAGES_OTHER || item == IMAGES_IMAGE) {
        if (feed->now.count == feed->batch)
            return hand_out(feed, batch);
        item = next_item(feed, &image);
        if (item == IMAGES_IMAGE && image.split != SPLIT_TRAIN)
            return fail_as(DAMAGED, "image %.*s is for %s, but training images came before it",
                           (int)image.key_size, image.key, split_name[image.split]);
        if (item == IMAGES_IMAGE)
            pile_add(&feed->now, &image, feed->image_size);
    }
    return at_mark(feed, item, batch);
}

/* Draws views into the mini-batch until that is full or they are used up. */
static int draw_views(struct feed *feed)
{
    for (; feed->view < feed->views.count && feed->now.count < feed->batch; feed->view++) {
        struct image image;
        struct view view =
            views_view(&feed->views, feed->view, feed->about.height, feed->about.width);
        if (album_image(feed->album, views_id(&feed->views, feed->view), &image) < 0)
            return -1;
        view_draw(&view, &image, feed->drawn);
        image.pixels = feed->drawn;
        pile_add(&feed->now, &image, feed->image_size);
    }
    return 0;
}

static int next_from_views(struct feed *feed, struct batch *batch)
{
    struct image image;
    int item = feed->pending;
    feed->pending = IMAGES_OTHER;
    while (item == IMAGES_OTHER || item == IMAGES_VIEWS) {
        if (draw_views(feed) < 0)
            return -1;
        if (feed->now.count == feed->batch)
            return hand_out(feed, batch);
        item = next_item(feed, &image);
        if (item == IMAGES_IMAGE)
            return fail_as(DAMAGED, "image %.*s came after views of images", (int)image.key_size,
                           image.key);
    }
    return at_mark(feed, item, batch);
}

static int next_from_set(struct feed *feed, struct batch *batch)
{
    struct pile *train = &feed->train;
    if (feed->place == train->count && feed->epoch > 0 && !feed->epoch_ended) {
        feed->epoch_ended = 1;
        return FEED_EPOCH;
    }
    if (feed->place == train->count) {
        shuffle(feed->seed, ++feed->epoch, PURPOSE_SHUFFLE, train->id, train->count, feed->order);
        feed->place = 0;
        feed->epoch_ended = 0;
    }
    while (feed->place < train->count && feed->now.count < feed->batch) {
        size_t from = feed->order[feed->place++];
        struct image image = {.pixels = train->pixels + from * feed->image_size,
                              .label = train->label[from]};
        pile_add(&feed->now, &image, feed->image_size);
    }
    return hand_out(feed, batch);
}

int feed_next(struct feed *feed, struct batch *batch)
{
    if (feed->handed)
        feed->now.count = 0;
    int got = feed->input->views    ? next_from_views(feed, batch)
              : feed->input->epochs ? next_from_stream(feed, batch)
                                    : next_from_set(feed, batch);
    feed->handed = got == FEED_BATCH;
    return got;
}
