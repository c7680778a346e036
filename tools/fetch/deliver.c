#include "deliver.h"

#include "crew.h"
#include "message.h"
#include "meter.h"
#include "orient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Takes from fetched what the writer needs. -1 with a sentence when it is no good. */
static int finish(struct fetched *fetched, const void *user, struct finished *finished)
{
    const struct deliver_options *options = user;
    if (options->shard != NULL) {
        finished->file =
            fetched->size ? fetched->bytes : encode_png(&fetched->pixels, &finished->file_size);
        if (finished->file == NULL)
            return -1;
        if (fetched->size > 0) {
            finished->file_size = fetched->size;
            fetched->bytes = NULL;
            fetched->capacity = 0;
        }
        return 0;
    }
    if (shape(&fetched->pixels, options) < 0)
        return -1;
    finished->pixels = fetched->pixels;
    fetched->pixels = (struct pixels){0};
    return 0;
}

static int write_image(struct writer *writer, const struct finished *finished,
                       const struct source_item *item, const struct planned *planned,
                       const struct deliver_options *options)
{
    if (options->shard != NULL) {
        char *name =
            shard_name(item->key, options->tally->classes->name[planned->label], item->has_file);
        int done = shard_add(options->shard, name, finished->file, finished->file_size);
        free(name);
        return done;
    }
    struct image image = {
        .id = planned->id,
        .key = item->key,
        .key_size = (uint32_t)strlen(item->key),
        .label = planned->label,
        .split = planned->split,
        .height = finished->pixels.height,
        .width = finished->pixels.width,
        .channels = finished->pixels.channels,
        .pixels = finished->pixels.data,
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
static int hand_out(struct writer *writer, struct source *source, const struct finished *finished,
                    const struct planned *planned, const struct deliver_options *options)
{
    const struct source_item *item = &source->item[planned->item];
    if (finished->bad)
        return source_refuse(source, item->key, finished->bad);
    if (write_image(writer, finished, item, planned, options) < 0)
        return -1;
    tally_add(options->tally, planned);
    tell(options->pace, options->tally->images, finished->came);
    return 0;
}

/* While there is nothing to write, the reader gets what there is; and when it has enough, we need
 * not wait. */
static int write_all(struct crew *crew, struct writer *writer, struct source *source,
                     const struct planned *image, size_t count,
                     const struct deliver_options *options)
{
    for (size_t i = 0; i < count;) {
        int late;
        ssize_t ready = crew_wait(crew, &late);
        if (ready < 0)
            return -1;
        for (ssize_t n = 0; n < ready; n++)
            if (hand_out(writer, source, crew_ready(crew, (size_t)n), &image[i++], options) < 0)
                return -1;
        crew_leave(crew, (size_t)ready);
        if (late && writer != NULL && (write_flush(writer) < 0 || write_look(writer) < 0))
            return -1;
    }
    return 0;
}

int deliver(struct writer *writer, struct source *source, const struct planned *image, size_t count,
            const struct deliver_options *options)
{
    size_t *choice = ealloc(count, sizeof *choice);
    for (size_t i = 0; i < count; i++)
        choice[i] = image[i].item;
    int result = source->class->start(source, choice, count, options->connections);
    if (result == 0) {
        struct crew *crew = crew_hire(source, count, options->threads, finish, options);
        result = crew ? write_all(crew, writer, source, image, count, options) : -1;
        if (crew != NULL)
            crew_dismiss(crew);
        source->class->stop(source);
    }
    meter_clear();
    free(choice);
    return result;
}
