#include "epochs.h"

#include "message.h"
#include "shuffle.h"

#include <stdlib.h>
#include <string.h>

/* Shape of the first image, to which the others are held. */
struct first {
    int seen;
    char key[256];
    uint32_t height, width, channels;
};

static int check_crop(const struct view_options *options, const struct image *image)
{
    if (image->height >= options->crop[0] && image->width >= options->crop[1])
        return 0;
    return fail("image %.*s is %ux%u, smaller than --crop %ux%u", (int)image->key_size, image->key,
                image->height, image->width, options->crop[0], options->crop[1]);
}

static int check_shape(struct first *first, const struct view_options *options,
                       const struct image *image)
{
    if (!first->seen) {
        *first = (struct first){1, "", image->height, image->width, image->channels};
        snprintf(first->key, sizeof first->key, "%.*s", (int)image->key_size, image->key);
    }
    if (image->channels != first->channels)
        return fail(
            "image %.*s has %u channel%s, but %s has %u (psfetch --channels makes them agree)",
            (int)image->key_size, image->key, image->channels, plural(image->channels), first->key,
            first->channels);
    if (options->crop[0] > 0)
        return check_crop(options, image);
    if (image->height == first->height && image->width == first->width)
        return 0;
    return fail("image %.*s is %ux%u, but %s is %ux%u: give --crop here or --resize to psfetch",
                (int)image->key_size, image->key, image->height, image->width, first->key,
                first->height, first->width);
}

static void keep_unknown(struct gathered *gathered, const struct record *record)
{
    gathered->unknown = egrow(gathered->unknown, gathered->unknown_size + record->size, 1);
    memcpy(gathered->unknown + gathered->unknown_size, record->bytes, record->size);
    gathered->unknown_size += record->size;
    gathered->unknown_count++;
}

static int keep_image(struct gathered *gathered, struct images_sums *sums,
                      const struct image *image, const struct record *record, int64_t place)
{
    gathered->about.counts[image->split]++;
    if (image->split != SPLIT_TRAIN)
        return set_add(gathered->others, image, record, place);
    images_add(sums, image);
    return set_add(gathered->train, image, record, place);
}

/* Reads and keeps all records. */
static int keep_all(struct images *input, const struct view_options *options,
                    struct gathered *gathered, struct first *first)
{
    struct image image;
    struct record record;
    struct images_sums sums = {0};
    int item;
    while ((item = images_next(input, &image, &record)) != IMAGES_END) {
        if (item < 0)
            return -1;
        if (item == IMAGES_OTHER)
            keep_unknown(gathered, &record);
        else if (check_shape(first, options, &image) < 0 ||
                 keep_image(gathered, &sums, &image, &record, record_place(input->reader)) < 0)
            return -1;
    }
    images_figures(&sums, first->channels, &gathered->about);
    free(images_settle(input)); /* labels are looked up when an image is read again */
    return 0;
}

int gather(struct images *input, int fd, uint64_t memory, const struct view_options *options,
           struct gathered *gathered)
{
    struct first first = {0};
    *gathered = (struct gathered){.input = input, .memory = memory};
    gathered->train = set_open(&gathered->memory, fd);
    gathered->others = set_open(&gathered->memory, fd);
    if (keep_all(input, options, gathered, &first) < 0)
        return -1;
    if (!first.seen)
        return fail("%s holds no images", record_name(input->reader));
    int crops = options->crop[0] > 0;
    gathered->about.height = crops ? options->crop[0] : first.height;
    gathered->about.width = crops ? options->crop[1] : first.width;
    gathered->about.channels = first.channels;
    return 0;
}

void gathered_free(struct gathered *gathered)
{
    set_close(gathered->train);
    set_close(gathered->others);
    free(gathered->unknown);
}

static int read_again(const struct gathered *gathered, struct set *set, size_t place,
                      struct image *image)
{
    if (set_image(set, place, image) < 0)
        return -1;
    images_relabel(gathered->input, image);
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

static uint8_t *new_pixels(const struct gathered *gathered)
{
    const struct images_about *about = &gathered->about;
    return ealloc((size_t)about->height * about->width, about->channels);
}

/* The kept records stand one behind the other; each is passed on as it came. */
static int write_unknown(struct writer *writer, const struct gathered *gathered)
{
    const uint8_t *bytes = gathered->unknown;
    size_t left = gathered->unknown_size;
    while (left > 0) {
        size_t size = (size_t)record_span(bytes, left);
        if (write_record(writer, bytes, size) < 0)
            return -1;
        bytes += size;
        left -= size;
    }
    return 0;
}

/* The training images as they came, for a consumer that draws the views itself. */
static int write_train(struct writer *writer, struct gathered *gathered)
{
    for (size_t i = 0; i < set_count(gathered->train); i++) {
        struct image image;
        if (read_again(gathered, gathered->train, i, &image) < 0 || image_write(writer, &image) < 0)
            return -1;
    }
    return 0;
}

int write_once(struct writer *writer, struct gathered *gathered, int views)
{
    const struct images_about *about = &gathered->about;
    uint8_t *pixels = new_pixels(gathered);
    int result = write_unknown(writer, gathered);
    for (size_t i = 0; result == 0 && i < set_count(gathered->others); i++) {
        struct image image;
        result = read_again(gathered, gathered->others, i, &image);
        if (result < 0)
            break;
        struct view view = view_middle(&image, about->height, about->width);
        result = write_view(writer, &view, &image, pixels);
    }
    free(pixels);
    return result == 0 && views ? write_train(writer, gathered) : result;
}

/* The training images of an epoch, drawn, in their order. */
static int write_drawn(struct writer *writer, struct gathered *gathered,
                       const struct view_options *options, uint32_t epoch, const size_t *order)
{
    uint8_t *pixels = new_pixels(gathered);
    int result = 0;
    for (size_t i = 0; result == 0 && i < set_count(gathered->train); i++) {
        struct image image;
        result = read_again(gathered, gathered->train, order[i], &image);
        if (result < 0)
            break;
        struct view view = view_random(options, epoch, &image);
        result = write_view(writer, &view, &image, pixels);
    }
    free(pixels);
    return result;
}

/* Their views alone, for which no pixel is needed. */
static int write_views(struct writer *writer, struct gathered *gathered,
                       const struct view_options *options, uint32_t epoch, const size_t *order)
{
    size_t count = set_count(gathered->train);
    uint64_t ids[VIEWS_MOST];
    struct view view[VIEWS_MOST];
    for (size_t i = 0, filled = 0; i < count; i++) {
        struct image image = set_outline(gathered->train, order[i]);
        ids[filled] = image.id;
        view[filled++] = view_random(options, epoch, &image);
        if (filled < VIEWS_MOST && i + 1 < count)
            continue;
        if (views_write(writer, ids, view, filled) < 0)
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

int write_epoch(struct writer *writer, struct gathered *gathered,
                const struct view_options *options, uint32_t epoch, int views)
{
    size_t count = set_count(gathered->train);
    size_t *order = ealloc(count, sizeof *order);
    shuffle(options->seed, epoch, PURPOSE_SHUFFLE, set_ids(gathered->train), count, order);
    int result = (views ? write_views : write_drawn)(writer, gathered, options, epoch, order);
    free(order);
    return result < 0 ? -1 : write_mark(writer, epoch, count);
}
