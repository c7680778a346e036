/* The calls of psweep.h. What they are made of exits where there is no memory (message.h): here it
 * comes back to the call instead. */
#include "psweep.h"

#include "images.h"
#include "message.h"
#include "nn/cpu/cpu.h"
#include "nn/model.h"
#include "view.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* So many images at a time go through the engine. */
enum { BATCH = 64 };

struct psweep_stream {
    struct images images;
    struct image image; /* the last one */
    int failed;
};

struct psweep_output {
    struct writer *writer;
    const struct psweep_stream *from; /* or NULL */
    uint32_t classes;
    int failed;
};

struct psweep_model {
    struct model model;
    struct engine *engine;
};

/* The two enumerations are one. */
_Static_assert((int)PSWEEP_TRAIN == (int)SPLIT_TRAIN && (int)PSWEEP_TEST == (int)SPLIT_TEST &&
                   (int)PSWEEP_VALIDATION == (int)SPLIT_VALIDATION,
               "splits are numbered as in image.h");

/* All of a function that calls what may find no memory: it returns what that does, or -1. */
#define RETURN_ANYWAY(call)                                                                        \
    do {                                                                                           \
        jmp_buf here;                                                                              \
        int result = -1;                                                                           \
        instead_of_exit = &here;                                                                   \
        if (setjmp(here) == 0)                                                                     \
            result = (call);                                                                       \
        instead_of_exit = NULL;                                                                    \
        return result;                                                                             \
    } while (0)

/* The memory of an object, or NULL with a sentence. */
static void *allocate(size_t size)
{
    void *object = calloc(1, size);
    if (object == NULL)
        fail("out of memory");
    return object;
}

const char *psweep_why(void)
{
    return why();
}

int psweep_status(void)
{
    return (int)why_status();
}

const char *psweep_version(void)
{
    return PSWEEP_VERSION;
}

static int open_images(struct images *images, int descriptor, const char *name)
{
    if (images_open(images, descriptor, name, "images epochs") < 0)
        return -1;
    if (images->views)
        return fail("%s has views in place of images: psaug without --views draws them", name);
    images->unlabelled = 1;
    return 0;
}

static int try_open(struct images *images, int descriptor, const char *name)
{
    RETURN_ANYWAY(open_images(images, descriptor, name));
}

struct psweep_stream *psweep_open(int descriptor, const char *name)
{
    struct psweep_stream *stream = allocate(sizeof *stream);
    if (stream == NULL || try_open(&stream->images, descriptor, name) == 0)
        return stream;
    psweep_close(stream);
    return NULL;
}

void psweep_close(struct psweep_stream *stream)
{
    if (stream == NULL)
        return;
    images_close(&stream->images);
    free(stream);
}

/* What is neither an image nor a mark is for others. */
static int next(struct images *images, struct image *image)
{
    struct record record;
    int item;
    do
        item = images_next(images, image, &record);
    while (item == IMAGES_OTHER);
    return item < 0               ? -1
           : item == IMAGES_IMAGE ? PSWEEP_IMAGE
           : item == IMAGES_EPOCH ? PSWEEP_EPOCH
                                  : PSWEEP_END;
}

static int try_next(struct images *images, struct image *image)
{
    RETURN_ANYWAY(next(images, image));
}

int psweep_next(struct psweep_stream *stream, struct psweep_image *image)
{
    const struct image *read = &stream->image;
    int item = try_next(&stream->images, &stream->image);
    stream->failed |= item < 0;
    if (item == PSWEEP_IMAGE)
        *image = (struct psweep_image){
            .id = read->id,
            .key = read->key,
            .key_size = read->key_size,
            .label = read->label,
            .split = (enum psweep_split)read->split,
            .height = read->height,
            .width = read->width,
            .channels = read->channels,
            .pixels = read->pixels,
            .more = read,
        };
    return item;
}

const char *psweep_class(const struct psweep_stream *stream, uint32_t label)
{
    const struct classes *classes = &stream->images.classes;
    return label < classes->count ? classes->name[label] : NULL;
}

_Static_assert(PSWEEP_NO_LABEL == NO_CLASS, "the label of an image without one");

/* The header of a set. */
static int begin(struct psweep_output *output, int descriptor, const char *tool, char *const *name)
{
    struct writer *writer = output->writer = write_open(descriptor, "output");
    write_begin(writer, "header");
    pack_uint(writer, "version", 1);
    pack_text(writer, "kind", "images");
    pack_text(writer, "tool", tool);
    pack_map(writer, "options");
    pack_close(writer);
    if (output->from) {
        images_pack_upstream(writer, &output->from->images);
    } else {
        pack_array(writer, "upstream");
        pack_close(writer);
    }
    pack_texts(writer, "classes", name, output->classes);
    return write_end(writer);
}

static int try_begin(struct psweep_output *output, int descriptor, const char *tool,
                     char *const *name)
{
    RETURN_ANYWAY(begin(output, descriptor, tool, name));
}

struct psweep_output *psweep_create(int descriptor, const char *tool, const char *const *name,
                                    uint32_t count, const struct psweep_stream *from)
{
    int result;
    struct psweep_output *output = allocate(sizeof *output);
    if (output == NULL)
        return NULL;
    output->from = from;
    output->classes = name || from == NULL ? count : from->images.classes.count;
    if (name == NULL && from)
        name = (const char *const *)from->images.classes.name;
    if (from && from->images.epochs)
        result = fail("the input has epochs already: a set of images is wanted");
    else
        result = try_begin(output, descriptor, tool, (char *const *)name);
    if (result == 0)
        return output;
    psweep_discard(output);
    return NULL;
}

/* Of sets that come joined all headers would be needed before the first image. */
static int check_from(const struct psweep_output *output)
{
    if (output->from && output->from->images.headers > 1)
        return fail("the input is several sets: join them behind this program, with cat");
    return 0;
}

static int check_image(const struct psweep_output *output, const struct psweep_image *image)
{
    if (check_from(output) < 0)
        return -1;
    if (image->label >= output->classes && image->label != PSWEEP_NO_LABEL)
        return fail("image %.*s has label %u, but the header names %u class%s",
                    (int)image->key_size, image->key, image->label, output->classes,
                    output->classes == 1 ? "" : "es");
    if ((unsigned)image->split >= SPLITS)
        return fail("image %.*s has split %u, which there is not", (int)image->key_size, image->key,
                    (unsigned)image->split);
    if (image->height < 1 || image->height > IMAGE_MAX_SIDE || image->width < 1 ||
        image->width > IMAGE_MAX_SIDE || image->channels < 1 ||
        image->channels > IMAGE_MAX_CHANNELS)
        return fail("image %.*s is %ux%ux%u: there are images of up to %dx%dx%d",
                    (int)image->key_size, image->key, image->height, image->width, image->channels,
                    IMAGE_MAX_SIDE, IMAGE_MAX_SIDE, IMAGE_MAX_CHANNELS);
    return 0;
}

static int try_write(struct writer *writer, const struct image *image)
{
    RETURN_ANYWAY(image_write(writer, image));
}

int psweep_write(struct psweep_output *output, const struct psweep_image *image)
{
    if (check_image(output, image) < 0)
        return -1;
    struct image written = {0};
    if (image->more)
        written = *(const struct image *)image->more;
    written.id = image->id;
    written.key = image->key;
    written.key_size = image->key_size;
    written.label = image->label;
    written.split = (enum split)image->split;
    written.height = image->height;
    written.width = image->width;
    written.channels = image->channels;
    written.pixels = image->pixels;
    int result = try_write(output->writer, &written);
    output->failed |= result < 0;
    return result;
}

static int try_finish(struct writer *writer)
{
    RETURN_ANYWAY(write_finish(writer));
}

int psweep_finish(struct psweep_output *output)
{
    int result = check_from(output);
    if (result == 0 && (output->failed || (output->from && output->from->failed)))
        result = fail("the output is not whole: something failed before");
    if (result == 0)
        result = try_finish(output->writer);
    psweep_discard(output);
    return result;
}

void psweep_discard(struct psweep_output *output)
{
    if (output == NULL)
        return;
    write_close(output->writer);
    free(output);
}

static int load(struct psweep_model *model, const char *path, uint32_t threads)
{
    struct model *read = &model->model;
    struct engine_options options = {.batch = BATCH, .threads = threads};
    if (model_read(read, path) < 0)
        return -1;
    memcpy(options.mean, read->about.mean, sizeof options.mean);
    memcpy(options.deviation, read->about.deviation, sizeof options.deviation);
    if (engine_open_class(&model->engine, &cpu_class, &read->net, &options) < 0)
        return -1;
    return engine_write(model->engine, &(struct learnt){read->parameters, NULL, NULL});
}

static int try_load(struct psweep_model *model, const char *path, uint32_t threads)
{
    RETURN_ANYWAY(load(model, path, threads));
}

struct psweep_model *psweep_load(const char *path, uint32_t threads)
{
    struct psweep_model *model = allocate(sizeof *model);
    if (model == NULL || try_load(model, path, threads) == 0)
        return model;
    psweep_unload(model);
    return NULL;
}

void psweep_unload(struct psweep_model *model)
{
    if (model == NULL)
        return;
    engine_close(model->engine);
    model_free(&model->model);
    free(model);
}

struct psweep_shape psweep_shape(const struct psweep_model *model)
{
    const struct net_shape *shape = &model->model.net.shape;
    return (struct psweep_shape){shape->height, shape->width, shape->channels, shape->classes};
}

const char *psweep_model_class(const struct psweep_model *model, uint32_t label)
{
    const struct classes *classes = &model->model.classes;
    return label < classes->count ? classes->name[label] : NULL;
}

int psweep_fit(struct psweep_model *model, const struct psweep_image *image, uint8_t *pixels)
{
    const struct net_shape *shape = &model->model.net.shape;
    struct image whole = {.key = image->key,
                          .key_size = image->key_size,
                          .height = image->height,
                          .width = image->width,
                          .channels = image->channels,
                          .pixels = image->pixels};
    if (model_fits(&model->model, &whole) < 0)
        return -1;
    struct view view = view_middle(&whole, shape->height, shape->width);
    view_draw(&view, &whole, pixels);
    return 0;
}

int psweep_predict(struct psweep_model *model, const uint8_t *pixels, size_t count,
                   float *probability)
{
    struct psweep_shape shape = psweep_shape(model);
    size_t image = (size_t)shape.height * shape.width * shape.channels;
    int result = 0;
    for (size_t done = 0; result == 0 && done < count; done += BATCH) {
        uint32_t part = count - done < BATCH ? (uint32_t)(count - done) : BATCH;
        result = engine_predict(model->engine, pixels + done * image, NULL, part,
                                probability + done * shape.classes, NULL);
    }
    return result;
}
