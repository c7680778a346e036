#include "deliver.h"

#include "message.h"
#include "meter.h"
#include "s3/objects.h"
#include "decoding/orient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 256 /* of the writer, images; more of them with many connections */ };

/* Grey to colour and back; luma is (77 R + 150 G + 29 B + 128) / 256. */
static int set_channels(const struct pixels *pixels, uint32_t channels, struct pixels *out)
{
    size_t count = (size_t)pixels->height * pixels->width;
    if (pixels_shape(out, pixels->height, pixels->width, channels) < 0)
        return -1;
    const uint8_t *from = pixels->data;
    uint8_t *to = out->data;
    for (size_t i = 0; i < count; i++)
        if (channels == 3)
            to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
        else
            to[i] =
                (uint8_t)((77 * from[3 * i] + 150 * from[3 * i + 1] + 29 * from[3 * i + 2] + 128) >>
                          8);
    return 0;
}

/* Gives pixels the memory of shaped, and frees its own. */
static void replace(struct pixels *pixels, struct pixels *shaped)
{
    pixels_free(pixels);
    *pixels = *shaped;
    *shaped = (struct pixels){0};
}

/* Orientation, --channels and --resize. */
static int shape(struct pixels *pixels, const struct deliver_options *options)
{
    struct pixels shaped = {0};
    if (!options->no_orientation && orient_is_due(pixels)) {
        if (orient(pixels, &shaped) < 0)
            return -1;
        replace(pixels, &shaped);
    }
    if (options->channels && pixels->channels != options->channels) {
        if (set_channels(pixels, options->channels, &shaped) < 0)
            return -1;
        replace(pixels, &shaped);
    }
    const uint32_t *size = options->resize;
    if (size[0] && (pixels->height != size[0] || pixels->width != size[1])) {
        if (resize_to_fit(pixels, size[0], size[1], options->fit, &shaped) < 0)
            return -1;
        replace(pixels, &shaped);
    }
    return 0;
}

/* Images of a source on their way to the writer. */
struct delivery {
    struct source *source;
    const struct planned *image;
    const struct deliver_options *options;
};

/* Of a shard's image the file is wanted, which pixels without one become. */
static int keep_file(struct fetched *fetched)
{
    if (fetched->size == 0)
        fetched->bytes = encode_png(&fetched->pixels, &fetched->size);
    pixels_free(&fetched->pixels);
    return fetched->bytes != NULL ? 0 : -1;
}

static void drop_file(struct fetched *fetched)
{
    free(fetched->bytes);
    fetched->bytes = NULL;
    fetched->size = 0;
}

/* For the decoders: loads image index, where that is not done, and makes of it what is written. */
static int load(void *user, size_t index, struct fetched *fetched)
{
    const struct delivery *delivery = user;
    struct source *source = delivery->source;
    const struct source_item *item = &source->item[delivery->image[index].item];
    int got = 0;
    if (source->class->load != NULL)
        got = source->class->load(source, delivery->image[index].item, fetched);
    if (got < 0)
        return -1;
    fetched->came = item->has_file ? fetched->size : 0;
    if (got == 0 && item->has_file)
        got = decode(fetched->bytes, fetched->size, &fetched->pixels);
    if (!item->has_file || delivery->options->shard == NULL)
        drop_file(fetched);
    if (got == 0 && delivery->options->shard != NULL)
        got = keep_file(fetched);
    else if (got == 0)
        got = shape(&fetched->pixels, delivery->options);
    if (got == 0)
        return 0;
    fetched_free(fetched);
    fetched->bad = ecopy(why());
    return 0;
}

static int write_image(struct writer *writer, const struct fetched *fetched,
                       const struct source_item *item, const struct planned *planned,
                       const struct deliver_options *options)
{
    if (options->shard != NULL) {
        char *name =
            shard_name(item->key, options->tally->classes->name[planned->label], item->has_file);
        int done = shard_add(options->shard, name, fetched->bytes, fetched->size);
        free(name);
        return done;
    }
    struct image image = {
        .id = planned->id,
        .key = item->key,
        .key_size = (uint32_t)strlen(item->key),
        .label = planned->label,
        .split = planned->split,
        .height = fetched->pixels.height,
        .width = fetched->pixels.width,
        .channels = fetched->pixels.channels,
        .pixels = fetched->pixels.data,
    };
    return image_write(writer, &image);
}

/* "1200 of 5000 images, 310/s, 0.3 MB/s, 0:12 left" */
static void tell(struct pace *pace, size_t delivered, size_t came)
{
    struct timespec now;
    pace->bytes += came;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - pace->start.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - pace->start.tv_nsec) + 1e-9;
    double rate = (double)delivered / seconds;
    double left = pace->total > delivered ? (double)(pace->total - delivered) / rate : 0;
    meter("%zu of %zu image%s, %.0f/s, %.1f MB/s, %.0f:%02.0f left", delivered, pace->total,
          plural(pace->total), rate, 1e-6 * (double)pace->bytes / seconds, floor(left / 60),
          floor(fmod(left, 60)));
}

/* Writes one image, or says why it is left out. */
static int hand_out(struct writer *writer, struct source *source, const struct fetched *fetched,
                    const struct planned *planned, const struct deliver_options *options)
{
    const struct source_item *item = &source->item[planned->item];
    if (fetched->bad)
        return source_refuse(source, item->key, fetched->bad);
    if (write_image(writer, fetched, item, planned, options) < 0)
        return -1;
    tally_add(options->tally, planned);
    tell(options->pace, options->tally->images, fetched->came);
    return 0;
}

/* While there is nothing to write, the reader gets what there is; and when it has enough, we need
 * not wait. */
static int write_all(struct prefetch *prefetch, struct writer *writer, size_t count,
                     const struct delivery *delivery)
{
    for (size_t i = 0; i < count;) {
        int late;
        ssize_t ready = prefetch_wait(prefetch, &late);
        if (ready < 0)
            return -1;
        for (ssize_t n = 0; n < ready; n++)
            if (hand_out(writer, delivery->source, prefetch_ready(prefetch, (size_t)n),
                         &delivery->image[i++], delivery->options) < 0)
                return -1;
        prefetch_leave(prefetch, (size_t)ready);
        if (late && writer != NULL && (write_flush(writer) < 0 || write_look(writer) < 0))
            return -1;
    }
    return 0;
}

int deliver(struct writer *writer, struct source *source, const struct planned *image, size_t count,
            const struct deliver_options *options)
{
    const struct source_class *class = source->class;
    struct delivery delivery = {source, image, options};
    struct prefetch_options window = {count, AHEAD,    options->threads, class->start != NULL,
                                      load,  &delivery};
    if (window.has_transfers && AHEAD < OBJECTS_PER_CONNECTION * options->connections)
        window.images = OBJECTS_PER_CONNECTION * options->connections;
    struct prefetch *prefetch = prefetch_open(&window);
    if (prefetch == NULL)
        return -1;
    size_t *choice = ealloc(count, sizeof *choice);
    for (size_t i = 0; i < count; i++)
        choice[i] = image[i].item;
    int result = 0;
    if (class->start != NULL)
        result = class->start(source, choice, count, options->connections, prefetch);
    if (result == 0)
        result = write_all(prefetch, writer, count, &delivery);
    prefetch_stop(prefetch);
    if (class->stop != NULL)
        class->stop(source);
    prefetch_close(prefetch);
    meter_clear();
    free(choice);
    return result;
}
