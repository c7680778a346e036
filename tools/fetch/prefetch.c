#include "prefetch.h"

#include "message.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_BYTES = 256 << 20,
    MOST_ASKED = MOST_BYTES / 2,
    HANDS_BYTES = 1 << 30, /* in the window and being decoded; */
    LARGE = 1 << 20,       /* counted are those with more than that */
    WORTH = 32,            /* so many are worth waking the writer, */
    WORTH_BYTES = 1 << 20, /* or so large ones, of which it takes no more at once */
    WAIT_MS = 200,         /* how long a writer waits at most */
};

enum entry_state { ENTRY_FREE, ENTRY_ASKED, ENTRY_ARRIVED, ENTRY_IN_HAND, ENTRY_READY };

struct entry {
    enum entry_state state;
    uint64_t bytes; /* that are counted for it */
    struct fetched image;
};

struct prefetch {
    struct prefetch_options options;
    pthread_t *thread;
    unsigned started;
    int wake;

    pthread_mutex_t lock;
    pthread_cond_t filled;  /* the writer may go on */
    pthread_cond_t emptied; /* a decoder may */
    struct entry *entry;    /* [options.images] */
    size_t written;         /* images that have left: the next to be written */
    size_t taken;           /* no image before this one waits for a decoder */
    size_t arrived;         /* images that do */
    size_t ready;           /* images, and their bytes */
    uint64_t ready_bytes;
    uint64_t bytes;     /* in all entries */
    size_t in_hands;    /* pixels that decoders make just now */
    unsigned stuck;     /* decoders that wait for room */
    int transfers_wait; /* for room */
    int stopped;        /* the writer wants no more */
    char *broken;       /* why nothing more can be had; its status */
    enum status broken_status;
};

void fetched_free(struct fetched *fetched)
{
    pixels_free(&fetched->pixels);
    free(fetched->bytes);
    free(fetched->bad);
    *fetched = (struct fetched){0};
}

static struct entry *entry_of(const struct prefetch *prefetch, size_t index)
{
    return &prefetch->entry[index % prefetch->options.images];
}

/* Under the lock: the entry is in that state now, and counts for so many bytes. */
static void set_entry(struct prefetch *prefetch, struct entry *entry, enum entry_state state,
                      uint64_t bytes)
{
    prefetch->bytes += bytes - entry->bytes;
    entry->bytes = bytes;
    entry->state = state;
}

static int is_over(const struct prefetch *prefetch)
{
    return prefetch->stopped || prefetch->broken != NULL;
}

/* Whether the writer had better begin. */
static int is_worth_it(const struct prefetch *prefetch)
{
    return entry_of(prefetch, prefetch->written)->state == ENTRY_READY &&
           (prefetch->ready >= WORTH || prefetch->ready_bytes >= WORTH_BYTES ||
            prefetch->written + prefetch->ready == prefetch->options.count || prefetch->stuck > 0);
}

static void wake_writer(struct prefetch *prefetch)
{
    if (is_worth_it(prefetch))
        pthread_cond_signal(&prefetch->filled);
}

static void wake_transfers(struct prefetch *prefetch)
{
    uint64_t one = 1;
    prefetch->transfers_wait = 0;
    if (write(prefetch->wake, &one, sizeof one) < 0)
        return; /* the counter is full: the thread will wake in any case */
}

/* There is more room: those who wait for it look again. */
static void tell_room(struct prefetch *prefetch)
{
    if (prefetch->stuck > 0)
        pthread_cond_broadcast(&prefetch->emptied);
    if (prefetch->transfers_wait && prefetch->bytes < MOST_ASKED)
        wake_transfers(prefetch);
}

/* The first image that waits for a decoder; 0: there is none. */
static int find_waiting(struct prefetch *prefetch, size_t *index)
{
    const struct prefetch_options *options = &prefetch->options;
    if (prefetch->taken < prefetch->written)
        prefetch->taken = prefetch->written;
    while (prefetch->arrived > 0 && entry_of(prefetch, prefetch->taken)->state != ENTRY_ARRIVED)
        prefetch->taken++;
    *index = prefetch->taken;
    return options->has_transfers ? prefetch->arrived > 0 : *index < options->count;
}

/* Takes an image to be decoded; waits for it, and for room. 0: no decoder is needed any more. */
static int take_image(struct prefetch *prefetch, size_t *index, struct fetched *image)
{
    pthread_mutex_lock(&prefetch->lock);
    int over;
    while (!(over = is_over(prefetch))) {
        int found = find_waiting(prefetch, index);
        if (found && (*index == prefetch->written ||
                      (prefetch->bytes < MOST_BYTES &&
                       *index < prefetch->written + prefetch->options.images)))
            break;
        prefetch->stuck += (unsigned)found;
        if (found)
            wake_writer(prefetch);
        pthread_cond_wait(&prefetch->emptied, &prefetch->lock);
        prefetch->stuck -= (unsigned)found;
    }
    if (!over) {
        struct entry *entry = entry_of(prefetch, *index);
        *image = entry->image;
        entry->image = (struct fetched){0};
        prefetch->arrived -= entry->state == ENTRY_ARRIVED;
        entry->state = ENTRY_IN_HAND;
        prefetch->taken = *index + 1;
    }
    pthread_mutex_unlock(&prefetch->lock);
    return !over;
}

/* The image that a decoder works at. */
struct hand {
    struct room room; /* first: decode() hands back its address */
    struct prefetch *prefetch;
    size_t index, bytes;
};

/* Waits until a decoder may take so much memory; for the image that is written next it may. */
static void wait_in_hand(struct room *room, size_t bytes)
{
    struct hand *hand = (struct hand *)room;
    struct prefetch *prefetch = hand->prefetch;
    if (bytes <= LARGE)
        return;
    pthread_mutex_lock(&prefetch->lock);
    while (hand->index > prefetch->written &&
           prefetch->in_hands + prefetch->bytes + bytes > HANDS_BYTES && !is_over(prefetch)) {
        prefetch->stuck++;
        wake_writer(prefetch);
        pthread_cond_wait(&prefetch->emptied, &prefetch->lock);
        prefetch->stuck--;
    }
    prefetch->in_hands += bytes;
    hand->bytes += bytes;
    pthread_mutex_unlock(&prefetch->lock);
}

/* A decoder: takes images, and gives them back with their memory. */
static void *work(void *user)
{
    struct prefetch *prefetch = user;
    const struct prefetch_options *options = &prefetch->options;
    struct hand hand = {{wait_in_hand}, prefetch, 0, 0};
    struct fetched image;
    while (take_image(prefetch, &hand.index, &image)) {
        image.pixels.room = &hand.room;
        if (image.bad == NULL && options->decode(options->user, hand.index, &image) < 0) {
            fetched_free(&image);
            prefetch_break(prefetch);
            break;
        }
        image.pixels.room = NULL;
        pthread_mutex_lock(&prefetch->lock);
        struct entry *entry = entry_of(prefetch, hand.index);
        uint64_t before = prefetch->bytes;
        entry->image = image;
        set_entry(prefetch, entry, ENTRY_READY, image.size + image.pixels.capacity);
        prefetch->ready++;
        prefetch->ready_bytes += entry->bytes;
        wake_writer(prefetch);
        prefetch->in_hands -= hand.bytes;
        if (hand.bytes > 0 && prefetch->stuck > 0)
            pthread_cond_broadcast(&prefetch->emptied);
        hand.bytes = 0;
        if (before >= MOST_ASKED)
            tell_room(prefetch);
        pthread_mutex_unlock(&prefetch->lock);
    }
    return NULL;
}

struct prefetch *prefetch_open(const struct prefetch_options *options)
{
    struct prefetch *prefetch = ealloc(1, sizeof *prefetch);
    prefetch->options = *options;
    prefetch->entry = ealloc(options->images, sizeof *prefetch->entry);
    prefetch->thread = ealloc(options->threads, sizeof *prefetch->thread);
    pthread_condattr_t by_clock;
    pthread_mutex_init(&prefetch->lock, NULL);
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&prefetch->filled, &by_clock);
    pthread_condattr_destroy(&by_clock);
    pthread_cond_init(&prefetch->emptied, NULL);
    prefetch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = prefetch->wake < 0 ? errno : 0;
    while (error == 0 && prefetch->started < options->threads) {
        error = pthread_create(&prefetch->thread[prefetch->started], NULL, work, prefetch);
        prefetch->started += error == 0;
    }
    if (prefetch->started > 0)
        return prefetch;
    prefetch_close(prefetch);
    fail("cannot start a thread to decode images: %s", strerror(error));
    return NULL;
}

void prefetch_stop(struct prefetch *prefetch)
{
    pthread_mutex_lock(&prefetch->lock);
    prefetch->stopped = 1;
    wake_transfers(prefetch);
    pthread_cond_broadcast(&prefetch->emptied);
    pthread_mutex_unlock(&prefetch->lock);
    while (prefetch->started > 0)
        pthread_join(prefetch->thread[--prefetch->started], NULL);
}

void prefetch_close(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->options.images; i++)
        fetched_free(&prefetch->entry[i].image);
    pthread_cond_destroy(&prefetch->filled);
    pthread_cond_destroy(&prefetch->emptied);
    pthread_mutex_destroy(&prefetch->lock);
    if (prefetch->wake >= 0)
        close(prefetch->wake);
    free(prefetch->broken);
    free(prefetch->entry);
    free(prefetch->thread);
    free(prefetch);
}

const struct fetched *prefetch_ready(const struct prefetch *prefetch, size_t number)
{
    return &entry_of(prefetch, prefetch->written + number)->image;
}

ssize_t prefetch_wait(struct prefetch *prefetch, int *late)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    *late = 0;
    pthread_mutex_lock(&prefetch->lock);
    while (!is_worth_it(prefetch) && prefetch->broken == NULL && !*late)
        *late = pthread_cond_timedwait(&prefetch->filled, &prefetch->lock, &until) == ETIMEDOUT;
    ssize_t ready = 0; /* that the writer takes at once, of those that are */
    uint64_t bytes = 0;
    const struct entry *entry;
    while ((size_t)ready < prefetch->options.images && bytes < WORTH_BYTES &&
           (entry = entry_of(prefetch, prefetch->written + (size_t)ready))->state == ENTRY_READY) {
        bytes += entry->bytes;
        ready++;
    }
    if (ready == 0 && prefetch->broken != NULL)
        ready = fail_as(prefetch->broken_status, "%s", prefetch->broken);
    pthread_mutex_unlock(&prefetch->lock);
    return ready;
}

void prefetch_leave(struct prefetch *prefetch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fetched_free(&entry_of(prefetch, prefetch->written + i)->image);
    pthread_mutex_lock(&prefetch->lock);
    prefetch->ready -= count;
    for (; count > 0; count--) {
        struct entry *entry = entry_of(prefetch, prefetch->written++);
        prefetch->ready_bytes -= entry->bytes;
        set_entry(prefetch, entry, ENTRY_FREE, 0);
    }
    tell_room(prefetch);
    pthread_mutex_unlock(&prefetch->lock);
}

int prefetch_ask(struct prefetch *prefetch, size_t index, uint64_t size)
{
    pthread_mutex_lock(&prefetch->lock);
    struct entry *entry = entry_of(prefetch, index);
    int room = entry->state == ENTRY_FREE && prefetch->bytes < MOST_ASKED;
    if (room)
        set_entry(prefetch, entry, ENTRY_ASKED, size);
    prefetch->transfers_wait = !room;
    pthread_mutex_unlock(&prefetch->lock);
    return room;
}

void prefetch_arrive(struct prefetch *prefetch, size_t index, const struct fetched *fetched)
{
    pthread_mutex_lock(&prefetch->lock);
    struct entry *entry = entry_of(prefetch, index);
    entry->image = *fetched;
    set_entry(prefetch, entry, ENTRY_ARRIVED,
              fetched->size > entry->bytes ? fetched->size : entry->bytes);
    prefetch->arrived++;
    if (index < prefetch->taken)
        prefetch->taken = index;
    if (prefetch->stuck > 0) /* these wait for something else */
        pthread_cond_broadcast(&prefetch->emptied);
    else
        pthread_cond_signal(&prefetch->emptied);
    pthread_mutex_unlock(&prefetch->lock);
}

void prefetch_break(struct prefetch *prefetch)
{
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->broken == NULL) {
        prefetch->broken = ecopy(why());
        prefetch->broken_status = why_status();
    }
    pthread_cond_signal(&prefetch->filled);
    pthread_cond_broadcast(&prefetch->emptied);
    pthread_mutex_unlock(&prefetch->lock);
}

int prefetch_is_over(struct prefetch *prefetch)
{
    pthread_mutex_lock(&prefetch->lock);
    int over = is_over(prefetch);
    pthread_mutex_unlock(&prefetch->lock);
    return over;
}

int prefetch_wake(const struct prefetch *prefetch)
{
    return prefetch->wake;
}
