#include "deliver.h"

#include "message.h"
#include "meter.h"
#include "resize.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WINDOW = 256,             /* images that threads may be ahead of the writer */
    WINDOW_BYTES = 256 << 20, /* of their pixels; the image to be written next comes in anyway */
    KEPT_BYTES = 1 << 20,     /* memory for files that a thread keeps for its next one */
    LOOK_MS = 200,            /* how often a writer that waits looks whether its reader is there */
};

/* A place in the window: what a thread made of image number index, where slot = index % WINDOW. An
 * image's memory is its own, made by the thread and freed when the image is written: places that
 * kept it for their next image would all grow to the largest. */
struct slot {
    int full;
    char *bad; /* the reason why there are no pixels */
    struct pixels pixels;
    uint8_t *file; /* for a shard, instead of pixels */
    size_t file_size;
    size_t came; /* bytes that were read for it */
};

static size_t bytes_of(const struct slot *slot)
{
    return slot->pixels.capacity + slot->file_size;
}

struct crew {
    struct source *source;
    const struct deliver_options *options;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct slot slot[WINDOW];
    size_t written; /* images that have left the window */
    size_t bytes;   /* of pixels in the window */
    int ending;     /* the writer has given up */
    char *broken;   /* why the source can give nothing more; its status */
    enum status broken_status;
};

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

/* --channels and --resize. */
static int shape(struct pixels *pixels, const struct deliver_options *options)
{
    struct pixels shaped = {0};
    if (options->channels && pixels->channels != options->channels) {
        if (set_channels(pixels, options->channels, &shaped) < 0)
            return -1;
        replace(pixels, &shaped);
    }
    const uint32_t *size = options->resize;
    if (size[0] && (pixels->height != size[0] || pixels->width != size[1])) {
        if (resize(pixels, size[0], size[1], &shaped) < 0)
            return -1;
        replace(pixels, &shaped);
    }
    return 0;
}

/* Whether image number index must wait outside of the window. Indices are handed out in order, so
 * the one that the writer wants next is always in a thread's hands, and it is never kept out. */
static int is_shut(const struct crew *crew, size_t index, size_t bytes)
{
    return index >= crew->written + WINDOW ||
           (index > crew->written && crew->bytes + bytes > WINDOW_BYTES);
}

static void free_slot(struct slot *slot)
{
    pixels_free(&slot->pixels);
    free(slot->file);
    free(slot->bad);
}

/* Puts a finished image into its slot, which takes its memory, when there is room. Returns 0 when
 * the crew goes home. */
static int put(struct crew *crew, size_t index, struct slot *finished)
{
    finished->full = 1;
    pthread_mutex_lock(&crew->lock);
    while (is_shut(crew, index, bytes_of(finished)) && !crew->ending)
        pthread_cond_wait(&crew->emptied, &crew->lock);
    int goes_on = !crew->ending;
    if (goes_on) {
        crew->bytes += bytes_of(finished);
        crew->slot[index % WINDOW] = *finished;
        pthread_cond_signal(&crew->filled);
    }
    pthread_mutex_unlock(&crew->lock);
    if (!goes_on)
        free_slot(finished);
    return goes_on;
}

/* Takes from fetched what the writer needs. -1 with a sentence when it is no good. */
static int finish(struct fetched *fetched, const struct deliver_options *options,
                  struct slot *finished)
{
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

static void *work(void *argument)
{
    struct crew *crew = argument;
    struct fetched fetched = {0};
    int got, goes_on = 1;
    while (goes_on && (got = crew->source->class->next(crew->source, &fetched)) > 0) {
        struct slot finished = {.came = fetched.size};
        if (got == SOURCE_BAD || finish(&fetched, crew->options, &finished) < 0)
            finished.bad = ecopy(why());
        pixels_free(&fetched.pixels);
        if (fetched.capacity > KEPT_BYTES) {
            free(fetched.bytes);
            fetched.bytes = NULL;
            fetched.capacity = 0;
        }
        goes_on = put(crew, fetched.index, &finished);
    }
    if (goes_on && got < 0) {
        pthread_mutex_lock(&crew->lock);
        if (crew->broken == NULL) {
            crew->broken = ecopy(why());
            crew->broken_status = why_status();
        }
        pthread_cond_signal(&crew->filled);
        pthread_mutex_unlock(&crew->lock);
    }
    fetched_free(&fetched);
    return NULL;
}

/* Waits for image number index, at most for LOOK_MS: 1 when it is in its slot, 0 when it is not
 * yet, -1 when the source broke before it. */
static int wait_a_little(struct crew *crew, size_t index)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    const struct slot *slot = &crew->slot[index % WINDOW];
    int late = 0;
    pthread_mutex_lock(&crew->lock);
    while (!slot->full && crew->broken == NULL && !late)
        late = pthread_cond_timedwait(&crew->filled, &crew->lock, &until) == ETIMEDOUT;
    int came = slot->full ? 1 : crew->broken ? fail_as(crew->broken_status, "%s", crew->broken) : 0;
    pthread_mutex_unlock(&crew->lock);
    return came;
}

/* Waits for image number index. The reader gets meanwhile what there is; when it has enough, we
 * need not wait. -1 when the source broke, or with the writer's failure. */
static int wait_for(struct crew *crew, struct writer *writer, size_t index)
{
    int came;
    while ((came = wait_a_little(crew, index)) == 0)
        if (writer != NULL && (write_flush(writer) < 0 || write_look(writer) < 0))
            return -1;
    return came > 0 ? 0 : -1;
}

static void leave(struct crew *crew, size_t index)
{
    struct slot *slot = &crew->slot[index % WINDOW];
    pthread_mutex_lock(&crew->lock);
    struct slot left = *slot;
    *slot = (struct slot){0};
    crew->bytes -= bytes_of(&left);
    crew->written++;
    pthread_cond_broadcast(&crew->emptied);
    pthread_mutex_unlock(&crew->lock);
    free_slot(&left);
}

static int write_slot(const struct crew *crew, struct writer *writer, const struct slot *slot,
                      const struct source_item *item, const struct planned *planned)
{
    if (crew->options->shard != NULL) {
        char *name = shard_name(item->key, item->class_name, item->has_file);
        int done = shard_add(crew->options->shard, name, slot->file, slot->file_size);
        free(name);
        return done;
    }
    struct image image = {
        .id = planned->id,
        .key = item->key,
        .key_size = (uint32_t)strlen(item->key),
        .label = planned->label,
        .split = planned->split,
        .height = slot->pixels.height,
        .width = slot->pixels.width,
        .channels = slot->pixels.channels,
        .pixels = slot->pixels.data,
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
    meter("%zu of %zu images, %.0f/s, %.1f MB/s, %.0f:%02.0f left", delivered, pace->total, rate,
          1e-6 * (double)pace->bytes / seconds, floor(left / 60), floor(fmod(left, 60)));
}

static int write_all(struct crew *crew, struct writer *writer, const struct planned *image,
                     size_t count, size_t *delivered)
{
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &crew->slot[i % WINDOW];
        const struct source_item *item = &crew->source->item[image[i].item];
        if (wait_for(crew, writer, i) < 0)
            return -1;
        if (slot->bad) {
            if (source_refuse(crew->source, item->key, slot->bad) < 0)
                return -1;
        } else {
            if (write_slot(crew, writer, slot, item, &image[i]) < 0)
                return -1;
            (*delivered)++;
            tell(crew->options->pace, *delivered, slot->came);
        }
        leave(crew, i);
    }
    return 0;
}

/* Starts the threads: how many. */
static unsigned hire(struct crew *crew, pthread_t *thread, unsigned threads)
{
    unsigned started = 0;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_condattr_t by_clock;
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&crew->filled, &by_clock);
    pthread_condattr_destroy(&by_clock);
    pthread_cond_init(&crew->emptied, NULL);
    while (started < threads && pthread_create(&thread[started], NULL, work, crew) == 0)
        started++;
    return started;
}

/* Lets the threads end, waits for them and frees what they left in the window. */
static void dismiss(struct crew *crew, pthread_t *thread, unsigned started)
{
    pthread_mutex_lock(&crew->lock);
    crew->ending = 1;
    pthread_cond_broadcast(&crew->emptied);
    pthread_mutex_unlock(&crew->lock);
    crew->source->class->end(crew->source);
    while (started > 0)
        pthread_join(thread[--started], NULL);
    for (int i = 0; i < WINDOW; i++)
        free_slot(&crew->slot[i]);
    free(crew->broken);
}

int deliver(struct writer *writer, struct source *source, const struct planned *image, size_t count,
            const struct deliver_options *options, size_t *delivered)
{
    size_t *choice = ealloc(count, sizeof *choice);
    for (size_t i = 0; i < count; i++)
        choice[i] = image[i].item;
    int result = source->class->start(source, choice, count, options->connections);
    if (result == 0) {
        struct crew *crew = ealloc(1, sizeof *crew);
        pthread_t *thread = ealloc(options->threads, sizeof *thread);
        crew->source = source;
        crew->options = options;
        unsigned started = hire(crew, thread, options->threads);
        result = started ? write_all(crew, writer, image, count, delivered)
                         : fail("cannot start a thread to decode images");
        dismiss(crew, thread, started);
        source->class->stop(source);
        free(thread);
        free(crew);
    }
    meter_clear();
    free(choice);
    return result;
}
