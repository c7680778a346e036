#include "deliver.h"

#include "decoding/orient.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AHEAD = 256 /* of the writer, images; more of them with many connections */ };

void tally_open(struct tally *tally, const struct selection *selection)
{
    uint32_t count = selection->classes.count;
    *tally = (struct tally){.classes = &selection->classes,
                            .written = ealloc(count, sizeof *tally->written),
                            .selected = ealloc(count, sizeof *tally->selected),
                            .total = selection->count};
    for (size_t i = 0; i < selection->count; i++)
        if (selection->image[i].label != NO_CLASS)
            tally->selected[selection->image[i].label]++;
    clock_gettime(CLOCK_MONOTONIC, &tally->start);
}

void tally_close(struct tally *tally)
{
    free(tally->written);
    free(tally->selected);
}

void tally_tell(const struct tally *tally)
{
    struct some_names lost = {0};
    struct text text = {0};
    uint32_t absent = 0, count = tally->classes->count;
    for (uint32_t c = 0; c < count; c++)
        if (tally->written[c] == 0 && tally->selected[c] > 0)
            some_names_add(&lost, tally->classes->name[c]);
        else
            absent += tally->written[c] == 0;
    if (lost.count > 0) {
        const char *them = lost.count == 1 ? "it" : "them";
        note("all images of the class%s %s are bad, and the header has named %s: --exclude leaves "
             "%s out",
             lost.count == 1 ? "" : "es", some_names_told(&lost), them, them);
    }
    if (absent > 0)
        note("%u of the %u classes %s no image here", absent, count, absent == 1 ? "has" : "have");
    count -= absent + (uint32_t)lost.count;
    some_names_free(&lost);
    /* "1000 images of 4 classes: 900 train, 100 validation" */
    text_clear(&text);
    if (tally->classes->count > 0)
        text_format(&text, " of %u class%s", count, count == 1 ? "" : "es");
    const char *before = ": ";
    for (int split = 0; split < SPLITS; split++)
        if (tally->splits[split] > 0) {
            text_format(&text, "%s%zu %s", before, tally->splits[split], split_name[split]);
            before = ", ";
        }
    if (verbosity > 1 || (verbosity == 1 && isatty(STDERR_FILENO)))
        note("%zu image%s%s", tally->images, plural(tally->images), text.at);
    text_free(&text);
}

/* Grey to colour and back; luma is (77 R + 150 G + 29 B + 128) / 256. */
static int set_channels(const struct pixels *pixels, uint32_t channels, struct pixels *out)
{
    size_t count = (size_t)pixels->height * pixels->width;
    if (pixels->channels != 1 && pixels->channels != 3) /* of a stream */
        return fail("it has %u channels, neither 1 (grey) nor 3 (colour)", pixels->channels);
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

/* Orientation, --channels and --resize. */
static int shape(struct pixels *pixels, const struct deliver_options *options)
{
    const uint32_t *size = options->resize;
    for (int step = 0; step < 3; step++) {
        struct pixels shaped = {0};
        int done = 0;
        if (step == 0 && !options->no_orientation && pixels->orientation > 1)
            done = orient(pixels, &shaped);
        else if (step == 1 && options->channels && pixels->channels != options->channels)
            done = set_channels(pixels, options->channels, &shaped);
        else if (step == 2 && size[0] && (pixels->height != size[0] || pixels->width != size[1]))
            done = resize_to_fit(pixels, size[0], size[1], options->fit, &shaped);
        else
            continue;
        if (done < 0)
            return -1;
        pixels_free(pixels);
        *pixels = shaped;
    }
    return 0;
}

/* Images of a source on their way to the writer. */
struct delivery {
    struct source *source;
    const struct selected *image;
    const struct deliver_options *options;
};

/* For the decoders: loads image index, where that is not done, and makes of it what is written. */
static int prepare(void *user, size_t index, struct fetched *fetched)
{
    const struct delivery *delivery = user;
    struct source *source = delivery->source;
    const struct source_item *item = &source->item[delivery->image[index].item];
    int got = 0;
    if (source->kind->load != NULL)
        got = source->kind->load(source, delivery->image[index].item, fetched);
    if (got < 0)
        return -1;
    fetched->came = item->has_file ? fetched->size : 0;
    if (got == 0 && item->has_file)
        got = decode(fetched->bytes, fetched->size, &fetched->pixels);
    int is_for_shard = delivery->options->shard != NULL;
    if (!item->has_file || !is_for_shard) {
        free(fetched->bytes);
        fetched->bytes = NULL;
        fetched->size = 0;
    }
    if (got == 0 && !is_for_shard) {
        got = shape(&fetched->pixels, delivery->options);
    } else if (got == 0) { /* the file is wanted, which pixels without one become */
        if (!item->has_file)
            fetched->bytes = encode_png(&fetched->pixels, &fetched->size);
        got = fetched->bytes != NULL ? 0 : -1;
        pixels_free(&fetched->pixels);
    }
    if (got == 0)
        return 0;
    fetched_free(fetched);
    fetched->bad = ecopy(why());
    return 0;
}

/* "1200 of 5000 images, 310/s, 0.3 MB/s, 0:12 left" */
static void tell_progress(const struct tally *tally)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - tally->start.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - tally->start.tv_nsec) + 1e-9;
    double rate = (double)tally->images / seconds;
    double left = tally->total > tally->images ? (double)(tally->total - tally->images) / rate : 0;
    meter("%zu of %zu image%s, %.0f/s, %.1f MB/s, %.0f:%02.0f left", tally->images, tally->total,
          plural(tally->total), rate, 1e-6 * (double)tally->bytes / seconds, floor(left / 60),
          floor(fmod(left, 60)));
}

/* Writes one image, or says why it is left out. */
static int hand_out(struct writer *writer, struct source *source, const struct fetched *fetched,
                    const struct selected *selected, const struct deliver_options *options)
{
    const struct source_item *item = &source->item[selected->item];
    struct tally *tally = options->tally;
    int done;
    if (fetched->bad)
        return source_refuse(source, item->key, fetched->bad);
    if (options->shard != NULL) {
        char *name =
            layout_member(item->key, tally->classes->name[selected->label], item->has_file);
        done = shard_add(options->shard, name, fetched->bytes, fetched->size);
        free(name);
    } else {
        const struct image image = {
            .id = selected->id,
            .key = item->key,
            .key_size = (uint32_t)strlen(item->key),
            .label = selected->label,
            .split = selected->split,
            .height = fetched->pixels.height,
            .width = fetched->pixels.width,
            .channels = fetched->pixels.channels,
            .pixels = fetched->pixels.data,
        };
        done = image_write(writer, &image);
    }
    if (done < 0)
        return -1;
    if (selected->label != NO_CLASS)
        tally->written[selected->label]++;
    tally->splits[selected->split]++;
    tally->images++;
    tally->bytes += fetched->came;
    tell_progress(tally);
    return 0;
}

int deliver(struct writer *writer, struct source *source, const struct selected *image,
            size_t count, const struct deliver_options *options)
{
    const struct source_kind *kind = source->kind;
    struct delivery delivery = {source, image, options};
    struct prefetch_options window = {count,   AHEAD,    options->threads, kind->start != NULL,
                                      prepare, &delivery};
    if (window.has_transfers && AHEAD < IMAGES_PER_CONNECTION * options->connections)
        window.images = IMAGES_PER_CONNECTION * options->connections;
    struct prefetch *prefetch = prefetch_open(&window);
    if (prefetch == NULL)
        return -1;
    size_t *choice = ealloc(count, sizeof *choice);
    for (size_t i = 0; i < count; i++)
        choice[i] = image[i].item;
    int result = 0;
    if (kind->start != NULL)
        result = kind->start(source, choice, count, options->connections, prefetch);
    for (size_t i = 0; i < count && result == 0;) {
        int late;
        ssize_t ready = prefetch_wait(prefetch, &late);
        result = ready < 0 ? -1 : 0;
        for (ssize_t n = 0; n < ready && result == 0; n++, i++)
            result =
                hand_out(writer, source, prefetch_ready(prefetch, (size_t)n), &image[i], options);
        if (result < 0)
            break;
        prefetch_leave(prefetch, (size_t)ready);
        /* While there is nothing to write, the reader gets what there is; and when it has enough,
         * we need not wait. */
        if (late && writer != NULL)
            result = write_flush(writer) < 0 ? -1 : write_look(writer);
    }
    prefetch_stop(prefetch);
    if (kind->stop != NULL)
        kind->stop(source);
    prefetch_close(prefetch);
    meter_clear();
    free(choice);
    return result;
}
