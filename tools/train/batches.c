#include "feed_inside.h"

#include "message.h"
#include "shuffle.h"

static int hand_out(struct feed *feed, struct batch *batch)
{
    *batch = (struct batch){.label = feed->now.label, .count = feed->now.count};
    if (feed->view && (feed->input->views || !feed->input->epochs))
        batch->view = feed->view;
    else
        batch->pixels = feed->now.pixels;
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
        return feed->now.count == 0 ? FEED_END
                                    : fail_as(DAMAGED, "%s ends in the middle of an epoch",
                                              record_name(feed->input->reader));
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
        item = feed_item(feed, &image);
        if (item == IMAGES_IMAGE && image.split != SPLIT_TRAIN)
            return fail_as(DAMAGED, "image %.*s is for %s, but it comes after training images",
                           (int)image.key_size, image.key, split_name[image.split]);
        if (item == IMAGES_IMAGE)
            feed_add(feed, &image);
    }
    return at_mark(feed, item, batch);
}

/* A view of a kept image for the mini-batch: drawn, or as it is told. */
static void add_view(struct feed *feed, uint32_t place, const struct view *view)
{
    size_t number = feed->now.count;
    uint8_t *pixels = pile_room(&feed->now, feed->image_size);
    if (feed->view) {
        feed->view[number] =
            (struct kept_view){place, view->row, view->column, (uint32_t)view->flip};
    } else {
        struct kept_images all = album_images(feed->album);
        struct image image = {.height = all.image[place].height,
                              .width = all.image[place].width,
                              .channels = feed->about.channels,
                              .pixels = all.pixels + all.image[place].place};
        view_draw(view, &image, pixels);
    }
    feed->now.label[number] = album_labels(feed->album)[place];
    feed->now.count++;
    feed->images++;
}

/* Takes views into the mini-batch until that is full or they are used up. */
static int take_views(struct feed *feed)
{
    const struct images_about *about = &feed->about;
    for (; feed->next_view < feed->views.count && feed->now.count < feed->batch;
         feed->next_view++) {
        uint32_t place;
        struct view view = views_view(&feed->views, feed->next_view, about->height, about->width);
        if (album_find(feed->album, views_id(&feed->views, feed->next_view), &place) < 0)
            return -1;
        add_view(feed, place, &view);
    }
    return 0;
}

static int next_from_views(struct feed *feed, struct batch *batch)
{
    struct image image;
    int item = feed->pending;
    feed->pending = IMAGES_OTHER;
    while (item == IMAGES_OTHER || item == IMAGES_VIEWS) {
        if (take_views(feed) < 0)
            return -1;
        if (feed->now.count == feed->batch)
            return hand_out(feed, batch);
        item = feed_item(feed, &image);
        if (item == IMAGES_IMAGE)
            return fail_as(DAMAGED, "image %.*s comes after views of images", (int)image.key_size,
                           image.key);
    }
    return at_mark(feed, item, batch);
}

static int next_from_set(struct feed *feed, struct batch *batch)
{
    size_t count = feed->trained;
    const struct view whole = {.height = feed->about.height, .width = feed->about.width};
    if (feed->place == count && feed->epoch > 0 && !feed->epoch_ended) {
        feed->epoch_ended = 1;
        return FEED_EPOCH;
    }
    if (feed->place == count) {
        shuffle(feed->seed, ++feed->epoch, PURPOSE_SHUFFLE, album_ids(feed->album), count,
                feed->order);
        feed->place = 0;
        feed->epoch_ended = 0;
    }
    while (feed->place < count && feed->now.count < feed->batch)
        add_view(feed, (uint32_t)feed->order[feed->place++], &whole);
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
