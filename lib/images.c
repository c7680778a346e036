#include "images.h"

#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* One more set: its header is kept, and ids are shifted by so much. */
static struct images_part *add_part(struct images *images, const struct record *header,
                                    uint64_t shift, uint32_t classes)
{
    size_t before = images->header_size;
    images->header = egrow(images->header, images->header_size + header->size, 1);
    memcpy(images->header + images->header_size, header->bytes, header->size);
    images->header_size += header->size;
    images->headers++;
    images->part = egrow(images->part, images->parts + 1, sizeof *images->part);
    struct images_part *part = &images->part[images->parts++];
    *part = (struct images_part){shift, before, classes, NULL};
    return part;
}

int images_open(struct images *images, int fd, const char *name, const char *wanted)
{
    struct record header;
    *images = (struct images){.reader = record_open(fd, name, READ_STREAM)};
    if (record_header(images->reader, wanted, &header) < 0 ||
        classes_read(&header, &images->classes) < 0)
        return -1;
    char kind[32];
    if (record_text(&header, "kind", kind, sizeof kind) < 0)
        return -1;
    images->epochs = strcmp(kind, "epochs") == 0;
    if (images->epochs && images_read_about(&header, &images->about) < 0)
        return -1;
    images->views = images->epochs && map_true(&header.map, "views");
    images->drawing = images->views && map_true(&header.map, "drawing");
    if (!images->epochs) {
        images->digest = XXH3_createState();
        if (images->digest == NULL)
            die(FAILED, "out of memory: a digest");
        XXH3_64bits_reset(images->digest);
    }
    add_part(images, &header, 0, images->classes.count);
    return 0;
}

void images_close(struct images *images)
{
    for (uint32_t i = 0; i < images->parts; i++)
        free(images->part[i].label);
    free(images->part);
    record_close(images->reader);
    classes_free(&images->classes);
    free(images->header);
    XXH3_freeState(images->digest);
    *images = (struct images){0};
}

/* A header in the middle: another set has been joined. */
static int join(struct images *images, const struct record *header)
{
    const char *name = record_name(images->reader);
    if (images->epochs)
        return fail("%s is two streams joined, and the first has epochs already: only sets of "
                    "images can be joined, before psaug",
                    name);
    if (record_check_kind(images->reader, header, "images") < 0)
        return -1;
    if (images->largest == UINT64_MAX)
        return fail_as(DAMAGED,
                       "%s joins two sets of images, but the first has the largest id there can be",
                       name);
    struct classes classes;
    if (classes_read(header, &classes) < 0)
        return -1;
    struct images_part *part = add_part(images, header, images->largest + 1, classes.count);
    part->label = ealloc(classes.count, sizeof *part->label);
    classes_join(&images->classes, &classes, part->label);
    classes_free(&classes);
    return 0;
}

/* From places in the set's own table to places in that of all. */
static void relabel(const struct images_part *part, struct image *image)
{
    if (part->label == NULL)
        return;
    if (image->label != NO_CLASS)
        image->label = part->label[image->label];
    for (uint32_t i = 0; i < image->guesses; i++)
        image->guess[i].class = part->label[image->guess[i].class];
}

static int take_image(struct images *images, const struct record *record, struct image *image)
{
    const struct images_part *part = &images->part[images->parts - 1];
    if (image_read(record, part->classes, image) < 0)
        return -1;
    if (image->label == NO_CLASS && !images->unlabelled)
        return fail("image %.*s has no label: psfetch gives it one without --unlabelled, and "
                    "pseval --predict says what a model takes it for",
                    (int)image->key_size, image->key);
    if (image->id > UINT64_MAX - part->shift)
        return fail_as(DAMAGED, "image %.*s has too large an id for a set that follows others",
                       (int)image->key_size, image->key);
    image->id += part->shift;
    if (image->id > images->largest)
        images->largest = image->id;
    relabel(part, image);
    return 0;
}

int images_next(struct images *images, struct image *image, struct record *record)
{
    for (;;) {
        int got = record_next(images->reader, record);
        if (got != RECORD_READ)
            return got < 0 ? -1 : got == RECORD_WAIT ? IMAGES_WAIT : IMAGES_END;
        if (images->digest && record->type != RECORD_HEADER && record->type != RECORD_END)
            XXH3_64bits_update(images->digest, record->bytes, record->size);
        switch (record->type) {
        case RECORD_IMAGE:
            return take_image(images, record, image) < 0 ? -1 : IMAGES_IMAGE;
        case RECORD_VIEW:
            if (!images->views)
                return fail_as(DAMAGED,
                               "there is a view record in a stream whose header promises pixels");
            return IMAGES_VIEWS;
        case RECORD_EPOCH:
            if (!images->epochs)
                return fail_as(DAMAGED, "there is an epoch mark in a set of images");
            return IMAGES_EPOCH;
        case RECORD_HEADER:
            if (join(images, record) < 0)
                return -1;
            break;
        case RECORD_END:
            break;
        default:
            return IMAGES_OTHER;
        }
    }
}

int images_prove(struct images *images)
{
    struct image image;
    struct record record;
    int item = IMAGES_OTHER, is_file = record_place(images->reader) >= 0;
    while (is_file && item != IMAGES_END && item != IMAGES_EPOCH)
        if ((item = images_next(images, &image, &record)) < 0)
            return -1;
    return 0;
}

uint32_t *images_settle(struct images *images)
{
    uint32_t count = images->classes.count;
    if (count == images->part[0].classes)
        return NULL;
    uint32_t *place = ealloc(count, sizeof *place);
    classes_sort(&images->classes, place);
    for (uint32_t p = 0; p < images->parts; p++) {
        struct images_part *part = &images->part[p];
        int same = part->label == NULL;
        if (same)
            part->label = ealloc(part->classes, sizeof *part->label);
        for (uint32_t i = 0; i < part->classes; i++)
            part->label[i] = place[same ? i : part->label[i]];
    }
    return place;
}

void images_relabel(const struct images *images, struct image *image)
{
    /* Of the sets whose ids begin at or below its id the last, for one may have had no images. */
    uint32_t first = 0, past = images->parts;
    while (past - first > 1) {
        uint32_t middle = first + (past - first) / 2;
        if (images->part[middle].shift <= image->id)
            first = middle;
        else
            past = middle;
    }
    relabel(&images->part[first], image);
}

uint64_t images_digest(const struct images *images)
{
    return XXH3_64bits_digest(images->digest);
}

void images_pack_upstream(struct writer *writer, const struct images *images)
{
    pack_array(writer, "upstream");
    pack_raw(writer, images->header, images->header_size, images->headers);
    pack_close(writer);
}

void images_pack_about(struct writer *writer, const struct images_about *about)
{
    pack_array(writer, "shape");
    pack_uint(writer, NULL, about->height);
    pack_uint(writer, NULL, about->width);
    pack_uint(writer, NULL, about->channels);
    pack_close(writer);
    pack_map(writer, "counts");
    for (int split = 0; split < SPLITS; split++)
        pack_uint(writer, split_name[split], about->counts[split]);
    pack_close(writer);
    pack_reals(writer, "mean", about->mean, about->channels);
    pack_reals(writer, "deviation", about->deviation, about->channels);
}

/* An array of count reals, from a header. */
static int read_reals(const struct record *header, const char *key, uint32_t count, double *values)
{
    const msgpack_object *list = record_field(header, key);
    if (list == NULL || list->type != MSGPACK_OBJECT_ARRAY || list->via.array.size != count)
        return fail_as(DAMAGED, "the header has no %s of %u number%s", key, count, plural(count));
    for (uint32_t i = 0; i < count; i++)
        if (real_of(&list->via.array.ptr[i], &values[i]) < 0)
            return fail_as(DAMAGED, "the header's %s has an element that is not a number", key);
    return 0;
}

int images_read_about(const struct record *header, struct images_about *about)
{
    const msgpack_object *shape = record_field(header, "shape");
    const msgpack_object *counts = record_field(header, "counts");
    uint64_t side[3];
    if (shape == NULL || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size != 3)
        return fail_as(DAMAGED, "the header has no shape of three numbers");
    for (int i = 0; i < 3; i++) {
        const msgpack_object *number = &shape->via.array.ptr[i];
        uint64_t most = i < 2 ? IMAGE_MAX_SIDE : IMAGE_MAX_CHANNELS;
        if (number->type != MSGPACK_OBJECT_POSITIVE_INTEGER || number->via.u64 > most ||
            number->via.u64 < 1)
            return fail_as(DAMAGED, "the header's shape is not that of an image");
        side[i] = number->via.u64;
    }
    about->height = (uint32_t)side[0];
    about->width = (uint32_t)side[1];
    about->channels = (uint32_t)side[2];
    for (int split = 0; split < SPLITS; split++) {
        const msgpack_object *count = map_field(counts, split_name[split]);
        if (count == NULL || count->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return fail_as(DAMAGED, "the header has no count of %s images", split_name[split]);
        about->counts[split] = count->via.u64;
    }
    if (read_reals(header, "mean", about->channels, about->mean) < 0)
        return -1;
    return read_reals(header, "deviation", about->channels, about->deviation);
}

void images_add(struct images_sums *sums, const struct image *image)
{
    size_t size = image_bytes(image);
    for (uint32_t c = 0; c < image->channels; c++) {
        uint64_t sum = 0, squares = 0;
        for (size_t i = c; i < size; i += image->channels) {
            sum += image->pixels[i];
            squares += (uint32_t)image->pixels[i] * image->pixels[i];
        }
        sums->sum[c] += sum;
        sums->squares[c] += squares;
    }
    sums->pixels += (uint64_t)image->height * image->width;
}

void images_figures(const struct images_sums *sums, uint32_t channels, struct images_about *about)
{
    for (uint32_t c = 0; c < channels; c++) {
        double count = sums->pixels ? (double)sums->pixels : 1;
        double mean = (double)sums->sum[c] / count;
        double variance = (double)sums->squares[c] / count - mean * mean;
        about->mean[c] = mean;
        about->deviation[c] = variance > 0 ? sqrt(variance) : 1;
    }
}
