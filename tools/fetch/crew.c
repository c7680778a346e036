#include "crew.h"

#include "message.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    WINDOW = 256,             /* images that threads may be ahead of the writer */
    WINDOW_BYTES = 256 << 20, /* of them; the image to be written next comes in anyway */
    HANDS_BYTES = 1 << 30,    /* of images that are being decoded, or wait for the window; */
    LARGE = 1 << 20,          /* counted are those with more than that */
    WORTH = 32,               /* so many are worth waking the writer, */
    WORTH_BYTES = 1 << 20,    /* or so large ones, of which it takes no more at once */
    KEPT_BYTES = 1 << 20,     /* memory for files that a thread keeps for its next one */
    WAIT_MS = 200,            /* how long a writer waits at most */
};

struct crew {
    struct source *source;
    size_t count;
    int (*finish)(struct fetched *fetched, const void *user, struct finished *finished);
    const void *user;
    pthread_t *thread;
    unsigned started;

    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct finished image[WINDOW]; /* image i has the place i % WINDOW */
    size_t written;                /* images that have left */
    size_t full;                   /* images in the window, and their bytes */
    size_t bytes;
    size_t in_hands; /* bytes outside of the window */
    unsigned stuck;  /* threads that wait for room */
    int ending;      /* the writer wants no more */
    char *broken;    /* why the source can give nothing more; its status */
    enum status broken_status;
};

static size_t bytes_of(const struct finished *image)
{
    return image->pixels.capacity + image->file_size;
}

static void free_image(struct finished *image)
{
    pixels_free(&image->pixels);
    free(image->file);
    free(image->bad);
}

/* Whether image number index must wait outside of the window. Indices are handed out in order, so
 * the one that the writer wants next is always in a thread's hands, and it is never kept out. */
static int is_shut(const struct crew *crew, size_t index, size_t bytes)
{
    return index >= crew->written + WINDOW ||
           (index > crew->written && crew->bytes + bytes > WINDOW_BYTES);
}

/* Whether the writer had better begin. */
static int is_worth_it(const struct crew *crew)
{
    return crew->image[crew->written % WINDOW].full &&
           (crew->full >= WORTH || crew->bytes >= WORTH_BYTES ||
            crew->written + crew->full == crew->count || crew->stuck > 0);
}

static void wait_for_room(struct crew *crew)
{
    crew->stuck++;
    if (is_worth_it(crew))
        pthread_cond_signal(&crew->filled);
    pthread_cond_wait(&crew->emptied, &crew->lock);
    crew->stuck--;
}

/* The image that a thread works at. */
struct hand {
    struct room room; /* first: the decoder hands back its address */
    struct crew *crew;
    const size_t *index;
    size_t bytes;
};

/* Waits until a thread may take so much memory; for the image that is written next it may. */
static void wait_in_hand(struct room *room, size_t bytes)
{
    struct hand *hand = (struct hand *)room;
    struct crew *crew = hand->crew;
    if (bytes <= LARGE)
        return;
    pthread_mutex_lock(&crew->lock);
    while (*hand->index > crew->written && crew->in_hands + bytes > HANDS_BYTES && !crew->ending)
        wait_for_room(crew);
    crew->in_hands += bytes;
    hand->bytes += bytes;
    pthread_mutex_unlock(&crew->lock);
}

/* Puts an image, with its memory, into the window when there is room. Returns 0 when the crew goes
 * home. */
static int put(struct crew *crew, struct hand *hand, struct finished *image)
{
    size_t index = *hand->index;
    image->full = 1;
    pthread_mutex_lock(&crew->lock);
    while (is_shut(crew, index, bytes_of(image)) && !crew->ending)
        wait_for_room(crew);
    int goes_on = !crew->ending;
    if (goes_on) {
        crew->image[index % WINDOW] = *image;
        crew->bytes += bytes_of(image);
        crew->full++;
        if (is_worth_it(crew))
            pthread_cond_signal(&crew->filled);
    }
    if (hand->bytes > 0 && crew->stuck > 0)
        pthread_cond_broadcast(&crew->emptied);
    crew->in_hands -= hand->bytes;
    hand->bytes = 0;
    pthread_mutex_unlock(&crew->lock);
    if (!goes_on)
        free_image(image);
    return goes_on;
}

/* The source can give nothing more, for the reason of why(). */
static void break_off(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->broken == NULL) {
        crew->broken = ecopy(why());
        crew->broken_status = why_status();
    }
    pthread_cond_signal(&crew->filled);
    pthread_mutex_unlock(&crew->lock);
}

static void *work(void *argument)
{
    struct crew *crew = argument;
    struct fetched fetched = {0};
    struct hand hand = {{wait_in_hand}, crew, &fetched.index, 0};
    int got, goes_on = 1;
    fetched.pixels.room = &hand.room;
    while (goes_on && (got = crew->source->class->next(crew->source, &fetched)) > 0) {
        struct finished image = {.came = fetched.size};
        if (got == SOURCE_BAD || crew->finish(&fetched, crew->user, &image) < 0)
            image.bad = ecopy(why());
        pixels_free(&fetched.pixels);
        fetched.pixels.room = &hand.room;
        if (fetched.capacity > KEPT_BYTES) {
            free(fetched.bytes);
            fetched.bytes = NULL;
            fetched.capacity = 0;
        }
        goes_on = put(crew, &hand, &image);
    }
    if (goes_on && got < 0)
        break_off(crew);
    fetched_free(&fetched);
    return NULL;
}

struct crew *crew_hire(struct source *source, size_t count, unsigned threads,
                       int (*finish)(struct fetched *fetched, const void *user,
                                     struct finished *finished),
                       const void *user)
{
    struct crew *crew = ealloc(1, sizeof *crew);
    crew->source = source;
    crew->count = count;
    crew->finish = finish;
    crew->user = user;
    crew->thread = ealloc(threads, sizeof *crew->thread);
    pthread_condattr_t by_clock;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&crew->filled, &by_clock);
    pthread_condattr_destroy(&by_clock);
    pthread_cond_init(&crew->emptied, NULL);
    while (crew->started < threads &&
           pthread_create(&crew->thread[crew->started], NULL, work, crew) == 0)
        crew->started++;
    if (crew->started > 0)
        return crew;
    crew_dismiss(crew);
    fail("cannot start a thread to decode images");
    return NULL;
}

const struct finished *crew_ready(const struct crew *crew, size_t number)
{
    return &crew->image[(crew->written + number) % WINDOW];
}

ssize_t crew_wait(struct crew *crew, int *late)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    ssize_t ready = 0;
    size_t bytes = 0;
    *late = 0;
    pthread_mutex_lock(&crew->lock);
    while (!is_worth_it(crew) && crew->broken == NULL && !*late)
        *late = pthread_cond_timedwait(&crew->filled, &crew->lock, &until) == ETIMEDOUT;
    for (const struct finished *image;
         ready < WINDOW && bytes < WORTH_BYTES && (image = crew_ready(crew, (size_t)ready))->full;
         ready++)
        bytes += bytes_of(image);
    if (ready == 0 && crew->broken != NULL)
        ready = fail_as(crew->broken_status, "%s", crew->broken);
    pthread_mutex_unlock(&crew->lock);
    return ready;
}

void crew_leave(struct crew *crew, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct finished *image = &crew->image[(crew->written + i) % WINDOW];
        bytes += bytes_of(image);
        free_image(image);
    }
    pthread_mutex_lock(&crew->lock);
    for (size_t i = 0; i < count; i++)
        crew->image[crew->written++ % WINDOW] = (struct finished){0};
    crew->full -= count;
    crew->bytes -= bytes;
    if (crew->stuck > 0)
        pthread_cond_broadcast(&crew->emptied);
    pthread_mutex_unlock(&crew->lock);
}

void crew_dismiss(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->ending = 1;
    pthread_cond_broadcast(&crew->emptied);
    pthread_mutex_unlock(&crew->lock);
    crew->source->class->end(crew->source);
    while (crew->started > 0)
        pthread_join(crew->thread[--crew->started], NULL);
    for (int i = 0; i < WINDOW; i++)
        free_image(&crew->image[i]);
    pthread_cond_destroy(&crew->filled);
    pthread_cond_destroy(&crew->emptied);
    pthread_mutex_destroy(&crew->lock);
    free(crew->broken);
    free(crew->thread);
    free(crew);
}
