#include "getter.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Everything but the thread. */
static void getter_free(struct s3_getter *getter)
{
    network_close(getter);
    if (getter->wake >= 0)
        close(getter->wake);
    for (size_t i = 0; i < getter->window; i++) {
        free(getter->place[i].body.bytes);
        free(getter->place[i].gone);
    }
    free(getter->place);
    free(getter->lost);
    pthread_cond_destroy(&getter->arrival);
    pthread_mutex_destroy(&getter->lock);
    free(getter);
}

static int start(struct s3_getter *getter)
{
    getter->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (getter->wake < 0)
        return fail("cannot make an eventfd: %s", strerror(errno));
    if (network_open(getter) < 0)
        return -1;
    int error = pthread_create(&getter->thread, NULL, network_run, getter);
    return error ? fail("cannot start the network thread: %s", strerror(error)) : 0;
}

int s3_get_start(struct s3_getter **out, struct s3 *s3, const struct s3_listing *listing,
                 const size_t *chosen, size_t count, unsigned connections)
{
    *out = NULL;
    struct s3_getter *getter = ealloc(1, sizeof *getter);
    if (connections > count)
        connections = count ? (unsigned)count : 1;
    getter->s3 = s3;
    getter->listing = listing;
    getter->chosen = chosen;
    getter->count = count;
    getter->connections = connections;
    getter->window = (size_t)connections * WINDOW_PER_CONNECTION;
    getter->place = ealloc(getter->window, sizeof *getter->place);
    getter->wake = getter->epoll = -1;
    pthread_mutex_init(&getter->lock, NULL);
    pthread_cond_init(&getter->arrival, NULL);
    if (start(getter) < 0) {
        getter_free(getter);
        return -1;
    }
    *out = getter;
    return 0;
}

static void wake(struct s3_getter *getter)
{
    uint64_t one = 1;
    if (write(getter->wake, &one, sizeof one) < 0)
        return; /* the counter is full: the thread will wake in any case */
}

/* Trades the body at place for the caller's, and frees the place. Under the lock. Free places keep
 * WINDOW_BYTES together: more than its share would let every place grow to the largest object. */
static void take(struct s3_getter *getter, struct place *place, size_t index, struct s3_body *body)
{
    struct s3_body used = *body;
    if (used.capacity > WINDOW_BYTES / getter->window) {
        free(used.bytes);
        used = (struct s3_body){0};
    }
    *body = place->body;
    body->index = index;
    place->body = (struct s3_body){.bytes = used.bytes, .capacity = used.capacity};
    place->state = PLACE_FREE;
    getter->bytes -= getter_object(getter, index)->size;
    if (getter->network_waits) {
        getter->network_waits = 0;
        wake(getter);
    }
}

int s3_get_next(struct s3_getter *getter, struct s3_body *body)
{
    int found = 0;
    pthread_mutex_lock(&getter->lock);
    if (getter->next_taken < getter->count && !getter->stop) {
        size_t index = getter->next_taken++;
        struct place *place = &getter->place[index % getter->window];
        /* The place may still hold the object one window before, which another caller waits for. */
        while (!getter->lost && !getter->stop &&
               (place->state != PLACE_ARRIVED || place->body.index != index))
            pthread_cond_wait(&getter->arrival, &getter->lock);
        if (!getter->lost && !getter->stop) {
            char *gone = place->gone;
            place->gone = NULL;
            take(getter, place, index, body);
            found = gone ? 2 : 1;
            if (gone)
                fail("%s", gone);
            free(gone);
        }
    }
    if (getter->lost && !getter->stop)
        found = fail("%s", getter->lost);
    pthread_mutex_unlock(&getter->lock);
    return found;
}

void s3_get_end(struct s3_getter *getter)
{
    pthread_mutex_lock(&getter->lock);
    getter->stop = 1;
    pthread_cond_broadcast(&getter->arrival);
    pthread_mutex_unlock(&getter->lock);
    wake(getter);
}

void s3_get_stop(struct s3_getter *getter)
{
    if (getter == NULL)
        return;
    s3_get_end(getter);
    pthread_join(getter->thread, NULL);
    getter_free(getter);
}
