#include "loader.h"

#include "message.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

/* All images have the shape that the header told, or the first one had; a view may be a part of its
 * image, of which only the channels count then. */
static int check_shape(struct loader *loader, const struct image *image, int only_channels)
{
    struct images_about *about = &loader->about;
    if (loader->image_size == 0) {
        about->height = image->height;
        about->width = image->width;
        about->channels = image->channels;
        loader->image_size = image_bytes(image);
    }
    if (only_channels && image->channels != about->channels)
        return fail("image %.*s has %u channel%s, but the header says %u", (int)image->key_size,
                    image->key, image->channels, plural(image->channels), about->channels);
    if (only_channels || (image->height == about->height && image->width == about->width &&
                          image->channels == about->channels))
        return 0;
    return fail("image %.*s is %ux%ux%u where %ux%ux%u is expected%s", (int)image->key_size,
                image->key, image->height, image->width, image->channels, about->height,
                about->width, about->channels,
                image_remedy(image, about->height, about->width, about->channels));
}

/* As many came as the header told: places in a run are counted by that. */
static int check_count(const struct loader *loader, enum split split, uint64_t came)
{
    uint64_t told = loader->about.counts[split];
    return came == told
               ? 0
               : fail_as(DAMAGED, "the input has %llu %s images, but its header says %llu",
                         (unsigned long long)came, split_name[split], (unsigned long long)told);
}

/* An epoch's mark tells which it was and how many images it had. One without images may come first:
 * then the epochs up to it are left out. */
static int check_mark(struct loader *loader, const struct record *mark)
{
    uint64_t images, epoch;
    int is_first = loader->marked == 0;
    if (record_uint(mark, "images", UINT64_MAX, &images) < 0 ||
        record_uint(mark, "epoch", UINT32_MAX, &epoch) < 0)
        return -1;
    if (epoch != loader->marked + 1 && !(images == 0 && is_first))
        return fail_as(DAMAGED, "the mark of epoch %llu comes where that of epoch %llu is expected",
                       (unsigned long long)epoch, (unsigned long long)loader->marked + 1);
    loader->marked = epoch;
    if (images != loader->images)
        return fail_as(DAMAGED, "an epoch of %llu images is marked as one of %llu",
                       (unsigned long long)loader->images, (unsigned long long)images);
    loader->images = 0;
    return images == 0 && is_first ? 0 : check_count(loader, SPLIT_TRAIN, images);
}

/* Views are drawn as they are told, and as the header said: it decides who draws them. */
static int check_views(const struct loader *loader)
{
    uint32_t channels = loader->views.channels;
    if (channels > 0 && channels != loader->about.channels)
        return fail_as(DAMAGED, "views of %u channel%s are of images with %u", channels,
                       plural(channels), loader->about.channels);
    for (size_t i = 0; i < loader->views.count && !loader->input->drawing; i++) {
        struct view view = views_view(&loader->views, i, 0, 0);
        if (!view_is_plain(&view))
            return fail_as(DAMAGED, "a view is more than a window and a flip, which the header "
                                    "does not say");
    }
    return 0;
}

/* The next image, views, mark or end, looked at; other records are skipped. */
static int next_item(struct loader *loader, struct image *image)
{
    struct record record;
    int item;
    do
        item = images_next(loader->input, image, &record);
    while (item == IMAGES_OTHER);
    loader->next_view = loader->views.count = 0; /* those at hand are gone with their record */
    if (item == IMAGES_IMAGE &&
        check_shape(loader, image, loader->input->views && image->split == SPLIT_TRAIN) < 0)
        return -1;
    if (item == IMAGES_VIEWS &&
        (views_read(&record, &loader->views) < 0 || check_views(loader) < 0))
        return -1;
    if (item == IMAGES_EPOCH && check_mark(loader, &record) < 0)
        return -1;
    return item;
}

/* Room for one more image in the mini-batch, which counts from now on; where its pixels belong. */
static uint8_t *batch_add(struct loader *loader, uint32_t label)
{
    if (loader->count == loader->room) {
        loader->room = loader->room ? 2 * loader->room : 128;
        loader->pixels = egrow(loader->pixels, loader->room, loader->image_size);
        loader->label = egrow(loader->label, loader->room, sizeof *loader->label);
    }
    loader->label[loader->count] = label;
    return loader->pixels + loader->count++ * loader->image_size;
}

/* A training image of the stream. */
static void add_image(struct loader *loader, const struct image *image)
{
    memcpy(batch_add(loader, image->label), image->pixels, loader->image_size);
    loader->images++;
}

/* A view of an image of the store: drawn, or as it is told. */
static void add_view(struct loader *loader, uint32_t place, const struct view *view)
{
    const struct store *store = &loader->store;
    uint8_t *pixels = batch_add(loader, store->label[place]);
    if (loader->view) {
        loader->view[loader->count - 1] =
            (struct kept_view){place, view->row, view->column, (uint32_t)view->flip};
        return;
    }
    struct image image = {.height = store->image[place].height,
                          .width = store->image[place].width,
                          .channels = loader->about.channels,
                          .pixels = store->pixels + store->image[place].place};
    view_draw(view, &image, pixels);
}

static void add_whole(struct loader *loader, size_t place)
{
    struct view whole = {.height = loader->about.height, .width = loader->about.width};
    add_view(loader, (uint32_t)place, &whole);
}

/* stored: the images are of the store. */
static int hand_out(struct loader *loader, int stored, struct batch *batch)
{
    *batch = (struct batch){.label = loader->label, .count = loader->count};
    if (loader->view && stored)
        batch->view = loader->view;
    else
        batch->pixels = loader->pixels;
    loader->handed = 1;
    return LOADER_BATCH;
}

/* Keeps a whole set: training images, validation images, and the figures of the former. */
static int read_set(struct loader *loader)
{
    struct images_sums sums = {0};
    struct image image;
    int item;
    while ((item = next_item(loader, &image)) == IMAGES_IMAGE) {
        loader->about.counts[image.split]++;
        if (image.split == SPLIT_TRAIN)
            images_add(&sums, &image);
        if (image.split != SPLIT_TEST)
            store_add(&loader->store, &image);
    }
    if (item != IMAGES_END)
        return item < 0 ? -1 : LOADER_WAIT;
    images_figures(&sums, loader->about.channels, &loader->about);
    uint32_t *label = images_settle(loader->input);
    for (size_t i = 0; label && i < loader->store.count; i++)
        loader->store.label[i] = label[loader->store.label[i]];
    free(label);
    loader->order = ealloc(loader->store.count, sizeof *loader->order);
    return 0;
}

/* Reads the validation images, up to the first training image, which it puts into the first batch;
 * with views the training images too, up to the first views. */
static int read_start(struct loader *loader)
{
    struct image image;
    int item, views = loader->input->views;
    uint64_t validation = 0;
    loader->image_size =
        (size_t)loader->about.height * loader->about.width * loader->about.channels;
    while ((item = next_item(loader, &image)) == IMAGES_IMAGE &&
           (views || image.split != SPLIT_TRAIN)) {
        if (image.split == SPLIT_VALIDATION) {
            store_add(&loader->store, &image);
            validation++;
        }
        if (image.split == SPLIT_TRAIN && store_add_known(&loader->store, &image) < 0)
            return -1;
    }
    if (item < 0)
        return -1;
    if (item == IMAGES_WAIT)
        return LOADER_WAIT;
    if (check_count(loader, SPLIT_VALIDATION, validation) < 0)
        return -1;
    loader->pending = IMAGES_OTHER;
    if (item == IMAGES_IMAGE)
        add_image(loader, &image);
    else if (item == IMAGES_EPOCH)
        loader->before = loader->marked;
    else
        loader->pending = item;
    return 0;
}

int loader_open(struct loader *loader, struct images *input, uint32_t batch, uint64_t data_seed)
{
    *loader =
        (struct loader){.input = input, .about = input->about, .batch = batch, .seed = data_seed};
    int result = (input->epochs ? read_start : read_set)(loader);
    if (result == 0 && loader->about.counts[SPLIT_TRAIN] == 0)
        return fail("%s holds no training images", record_name(input->reader));
    return result;
}

void loader_close(struct loader *loader)
{
    store_free(&loader->store);
    free(loader->pixels);
    free(loader->label);
    free(loader->view);
    free(loader->order);
}

void loader_by_views(struct loader *loader)
{
    loader->view = ealloc(loader->batch, sizeof *loader->view);
    store_forget_pixels(&loader->store);
}

/* Takes the views at hand into the mini-batch until that is full or they are used up. */
static int take_views(struct loader *loader)
{
    const struct images_about *about = &loader->about;
    for (; loader->next_view < loader->views.count && loader->count < loader->batch;
         loader->next_view++, loader->images++) {
        uint32_t place;
        struct view view =
            views_view(&loader->views, loader->next_view, about->height, about->width);
        if (store_find(&loader->store, views_id(&loader->views, loader->next_view), &place) < 0)
            return -1;
        add_view(loader, place, &view);
    }
    return 0;
}

/* At the end of an epoch, where only whole mini-batches count. */
static void leave_out_rest(struct loader *loader)
{
    if (loader->only_whole && loader->count < loader->batch)
        loader->count = 0;
}

/* From a stream with epochs: images, or views of stored ones, up to a full mini-batch or a mark. */
static int next_from_stream(struct loader *loader, struct batch *batch)
{
    struct image image;
    int item = loader->pending, views = loader->input->views;
    loader->pending = IMAGES_OTHER;
    while (item == IMAGES_OTHER || item == IMAGES_IMAGE || item == IMAGES_VIEWS) {
        if (take_views(loader) < 0)
            return -1;
        if (loader->count == loader->batch)
            return hand_out(loader, views, batch);
        item = next_item(loader, &image);
        if (item != IMAGES_IMAGE)
            continue;
        if (views)
            return fail_as(DAMAGED, "image %.*s comes after views of images", (int)image.key_size,
                           image.key);
        if (image.split != SPLIT_TRAIN)
            return fail_as(DAMAGED, "image %.*s is for %s, but it comes after training images",
                           (int)image.key_size, image.key, split_name[image.split]);
        add_image(loader, &image);
    }
    if (item < 0)
        return -1;
    if (item == IMAGES_WAIT)
        return LOADER_WAIT;
    if (item == IMAGES_END)
        return loader->count == 0 ? LOADER_END
                                  : fail_as(DAMAGED, "%s ends in the middle of an epoch",
                                            record_name(loader->input->reader));
    leave_out_rest(loader);
    if (loader->count == 0)
        return LOADER_EPOCH;
    loader->pending = IMAGES_EPOCH;
    return hand_out(loader, views, batch);
}

static int next_from_set(struct loader *loader, struct batch *batch)
{
    const struct store *store = &loader->store;
    if (!loader->in_epoch)
        shuffle(loader->seed, ++loader->epoch, PURPOSE_SHUFFLE, store->id, store->count,
                loader->order);
    loader->place = loader->in_epoch ? loader->place : 0;
    for (; loader->place < store->count && loader->count < loader->batch; loader->place++)
        if (store->split[loader->order[loader->place]] == SPLIT_TRAIN)
            add_whole(loader, loader->order[loader->place]);
    leave_out_rest(loader);
    loader->in_epoch = loader->count > 0;
    return loader->count > 0 ? hand_out(loader, 1, batch) : LOADER_EPOCH;
}

int loader_look_ahead(struct loader *loader, struct batch *batch)
{
    loader->found = loader_next(loader, &loader->ahead);
    loader->is_ahead = 1;
    *batch = loader->ahead;
    return loader->found;
}

int loader_next(struct loader *loader, struct batch *batch)
{
    if (loader->is_ahead) {
        *batch = loader->ahead;
        loader->is_ahead = 0;
        return loader->found;
    }
    if (loader->handed)
        loader->count = loader->handed = 0;
    return (loader->input->epochs ? next_from_stream : next_from_set)(loader, batch);
}

int loader_next_validation(struct loader *loader, size_t *place, struct batch *batch)
{
    for (loader->count = 0; *place < loader->store.count && loader->count < loader->batch; ++*place)
        if (loader->store.split[*place] == SPLIT_VALIDATION)
            add_whole(loader, *place);
    return loader->count > 0 ? hand_out(loader, 1, batch) : 0;
}
