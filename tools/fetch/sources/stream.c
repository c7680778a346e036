/* A stream of images: standard input (-), a file, or whatever else is no folder, such as a FIFO;
 * several that cat has joined are one.
 *
 * So what comes of a filter is divided, resized and joined as other images are. Its images keep
 * their order, their splits and the table of their classes. As the whole must be known before the
 * first image is written, a file is read twice, and the pixels of what cannot be read twice wait
 * in a spool file.
 */
#include "sources/open.h"

#include "images.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The pixels of an item, by source_item.index. */
struct place {
    uint64_t at;
    uint32_t height, width, channels;
};

struct stream {
    int fd;
    int is_spooled; /* pixels are in the spool, else in the file */
    int unlabelled; /* labels are not asked for */
    struct spool spool;
    struct place *place;
    size_t places;
};

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    const struct stream *stream = source->state;
    const struct place *place = &stream->place[source->item[item].index];
    struct pixels *pixels = &fetched->pixels;
    if (pixels_shape(pixels, place->height, place->width, place->channels) < 0)
        return 1;
    return read_at(stream->is_spooled ? stream->spool.fd : stream->fd, place->at, pixels->data,
                   (size_t)place->height * place->width * place->channels);
}

/* record is that of the image, and begins at offset in the file, or at -1. */
static int take_image(struct source *source, const struct image *image, const struct record *record,
                      int64_t offset)
{
    struct stream *stream = source->state;
    char *key = eformat("%.*s", (int)image->key_size, image->key);
    int has_label = image->label != NO_CLASS;
    const char *class_name = has_label ? source->stream->classes.name[image->label] : "";
    int done = 0, is_wanted = source_wants(source, key);
    if (!has_label && !stream->unlabelled) {
        done = fail("%s has no label; --unlabelled takes all without", source_show(source, key));
    } else if (is_wanted && !name_is_utf8(key)) {
        done = source_refuse(source, key, "its name is not UTF-8");
    } else if (is_wanted) {
        struct source_item *item =
            source_add(source, key, class_name, strlen(class_name), image_bytes(image));
        item->split = (int)image->split;
        item->index = stream->places;
        stream->place = egrow_by_one(stream->place, stream->places, sizeof *stream->place);
        struct place *place = &stream->place[stream->places++];
        *place = (struct place){stream->spool.size, image->height, image->width, image->channels};
        if (stream->is_spooled)
            done = spool_add(&stream->spool, image->pixels, image_bytes(image));
        else
            place->at = (uint64_t)(offset + (image->pixels - record->bytes));
    }
    free(key);
    return done;
}

static int take_images(struct source *source)
{
    struct stream *stream = source->state;
    struct images *images = source->stream;
    struct image image;
    struct record record;
    int item;
    stream->is_spooled = record_place(images->reader) < 0;
    while ((item = images_next(images, &image, &record)) > IMAGES_END) {
        if (item != IMAGES_IMAGE)
            continue;
        if (take_image(source, &image, &record, record_place(images->reader)) < 0)
            return -1;
        meter("%s: %zu image%s", source->name, source->count, plural(source->count));
    }
    if (item < 0)
        return -1;
    free(images_settle(images)); /* items have the names of their classes, not their places */
    record_close(images->reader);
    images->reader = NULL;
    return spool_flush(&stream->spool);
}

static int open_stream(struct source *source, const char *name,
                       const struct source_options *options)
{
    int is_input = strcmp(name, "-") == 0;
    struct stream *stream = source->state = ealloc(1, sizeof *stream);
    stream->spool = SPOOL_NEW;
    stream->unlabelled = options->layout.unlabelled;
    stream->fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    source->stream = ealloc(1, sizeof *source->stream);
    if (stream->fd < 0)
        return fail("cannot read %s: %s", name, strerror(errno));
    if (isatty(stream->fd))
        return fail("%s is a terminal: a stream of images is wanted",
                    is_input ? "the input" : name);
    if (images_open(source->stream, stream->fd, is_input ? "input" : name, "images") < 0)
        return -1;
    source->stream->unlabelled = 1;
    if (take_images(source) < 0)
        return -1;
    source->described = eformat("images:%016" PRIx64, images_digest(source->stream));
    return 0;
}

static void close_stream(struct source *source)
{
    struct stream *stream = source->state;
    if (source->stream != NULL)
        images_close(source->stream);
    free(source->stream);
    spool_close(&stream->spool);
    if (stream->fd > STDIN_FILENO)
        close(stream->fd);
    free(stream->place);
    free(stream);
}

const struct source_kind source_stream = {.open = open_stream, .load = load, .close = close_stream};
