#include "image.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

const char *const split_name[SPLITS] = {"train", "validation", "test"};

int split_parse(const char *name)
{
    for (int split = 0; split < SPLITS; split++)
        if (strcmp(name, split_name[split]) == 0)
            return split;
    return fail("there is no split %s: it is train, validation or test", name);
}

static const char *const known_field[] = {
    "type",   "id",    "key",   "split",       "height",  "width",        "channels",
    "pixels", "label", "guess", "probability", "guesses", "probabilities"};
enum { KNOWN_FIELDS = sizeof known_field / sizeof known_field[0], REQUIRED_FIELDS = 8 };

static int is_known(const msgpack_object *key)
{
    for (int i = 0; i < KNOWN_FIELDS; i++)
        if (object_is(key, known_field[i]))
            return 1;
    return 0;
}

/* The two lists, of which the two figures that have been read are the first. */
static int read_guesses(const struct record *record, uint32_t classes, struct image *image)
{
    const msgpack_object *guesses = record_field(record, "guesses"),
                         *probabilities = record_field(record, "probabilities");
    if (guesses == NULL)
        return 0;
    uint32_t count = guesses->type == MSGPACK_OBJECT_ARRAY ? guesses->via.array.size : 0;
    int are_good = count > 0 && count <= IMAGE_MAX_GUESSES && probabilities &&
                   probabilities->type == MSGPACK_OBJECT_ARRAY &&
                   probabilities->via.array.size == count;
    for (uint32_t i = 0; i < count && are_good; i++) {
        const msgpack_object *class = &guesses->via.array.ptr[i];
        are_good = class->type == MSGPACK_OBJECT_POSITIVE_INTEGER && class->via.u64 < classes &&
                   real_of(&probabilities->via.array.ptr[i], &image->guess[i].probability) == 0;
        image->guess[i].class = (uint32_t) class->via.u64;
    }
    image->guesses = count;
    return are_good ? 0
                    : fail_as(DAMAGED,
                              "image %.*s has guesses and probabilities that are not two lists of "
                              "1 to %d classes and numbers",
                              (int)image->key_size, image->key, IMAGE_MAX_GUESSES);
}

static int read_guess(const struct record *record, uint32_t classes, struct image *image)
{
    uint64_t guess;
    if (record_field(record, "guess") == NULL)
        return 0;
    if (classes == 0)
        return fail_as(DAMAGED, "image %.*s has a guess, but the header names no classes",
                       (int)image->key_size, image->key);
    if (record_uint(record, "guess", classes - 1, &guess) < 0 ||
        record_real(record, "probability", &image->guess[0].probability) < 0)
        return -1;
    image->guesses = 1;
    image->guess[0].class = (uint32_t)guess;
    return read_guesses(record, classes, image);
}

int image_read(const struct record *record, uint32_t classes, struct image *image)
{
    uint64_t label = NO_CLASS, height, width, channels;
    char split[16];
    size_t size;
    if (record_uint(record, "id", UINT64_MAX, &image->id) < 0 ||
        (record_field(record, "label") && record_uint(record, "label", NO_CLASS - 1, &label) < 0) ||
        record_text(record, "split", split, sizeof split) < 0 ||
        record_uint(record, "height", IMAGE_MAX_SIDE, &height) < 0 ||
        record_uint(record, "width", IMAGE_MAX_SIDE, &width) < 0 ||
        record_uint(record, "channels", IMAGE_MAX_CHANNELS, &channels) < 0 ||
        record_bin(record, "pixels", &image->pixels, &size) < 0)
        return -1;
    const msgpack_object *key = record_field(record, "key");
    if (key == NULL || key->type != MSGPACK_OBJECT_STR)
        return fail_as(DAMAGED, "a record of type image has no key");
    image->key = key->via.str.ptr;
    image->key_size = key->via.str.size;
    image->label = (uint32_t)label;
    image->height = (uint32_t)height;
    image->width = (uint32_t)width;
    image->channels = (uint32_t)channels;
    int which = split_parse(split);
    if (which < 0)
        return fail_as(DAMAGED, "image %.*s: %s", (int)image->key_size, image->key, why());
    image->split = (enum split)which;
    if (label != NO_CLASS && label >= classes)
        return fail_as(DAMAGED, "image %.*s has label %u, but the header names %u class%s",
                       (int)image->key_size, image->key, image->label, classes,
                       classes == 1 ? "" : "es");
    if (size == 0 || size != image_bytes(image))
        return fail_as(DAMAGED, "image %.*s has %zu byte%s of pixels for a shape of %ux%ux%u",
                       (int)image->key_size, image->key, size, plural(size), image->height,
                       image->width, image->channels);
    image->fields = record->map.via.map;
    image->guesses = 0;
    int has_more = image->fields.size > REQUIRED_FIELDS + (label != NO_CLASS);
    return has_more ? read_guess(record, classes, image) : 0;
}

const char *image_remedy(const struct image *image, uint32_t height, uint32_t width,
                         uint32_t channels)
{
    static _Thread_local char remedy[96];
    char resize[48] = "", colours[24] = "";
    if (image->height != height || image->width != width)
        snprintf(resize, sizeof resize, " --resize %ux%u", height, width);
    if (image->channels != channels)
        snprintf(colours, sizeof colours, " --channels %u", channels);
    snprintf(remedy, sizeof remedy, " (psfetch%s%s makes them agree)", resize, colours);
    int none = !*resize && !*colours, impossible = *colours && channels != 1 && channels != 3;
    return none || impossible ? "" : remedy;
}

int image_write(struct writer *writer, const struct image *image)
{
    write_begin(writer, "image");
    pack_uint(writer, "id", image->id);
    pack_text_sized(writer, "key", image->key, image->key_size);
    if (image->label != NO_CLASS)
        pack_uint(writer, "label", image->label);
    pack_text(writer, "split", split_name[image->split]);
    pack_uint(writer, "height", image->height);
    pack_uint(writer, "width", image->width);
    pack_uint(writer, "channels", image->channels);
    pack_bin(writer, "pixels", image->pixels, image_bytes(image));
    if (image->guesses > 0) {
        pack_uint(writer, "guess", image->guess[0].class);
        pack_real(writer, "probability", image->guess[0].probability);
    }
    if (image->guesses > 1) {
        pack_array(writer, "guesses");
        for (uint32_t i = 0; i < image->guesses; i++)
            pack_uint(writer, NULL, image->guess[i].class);
        pack_close(writer);
        pack_array(writer, "probabilities");
        for (uint32_t i = 0; i < image->guesses; i++)
            pack_real(writer, NULL, image->guess[i].probability);
        pack_close(writer);
    }
    int has_more = image->fields.size > REQUIRED_FIELDS + (image->label != NO_CLASS);
    for (uint32_t i = 0; has_more && i < image->fields.size; i++)
        if (!is_known(&image->fields.ptr[i].key))
            pack_pair(writer, &image->fields.ptr[i]);
    return write_end(writer);
}
