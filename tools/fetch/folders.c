/* Folders of a bucket, listed side by side: a server tells a thousand keys at a time, and the next
 * thousand of one folder only when these are there. */
#include "listing.h"

#include "message.h"
#include "meter.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTERS = 16,  /* at most, at once */
    LOOK_MS = 200, /* how often we look whether our reader is there */
};

struct folders {
    struct s3 *s3;
    const struct s3_listing *whole; /* bucket, and the folders' names */
    struct s3_listing *part;        /* one a folder */
    atomic_size_t next;             /* folder to be listed */
    atomic_size_t objects;          /* listed so far, for the meter */
    atomic_int stop;

    pthread_mutex_t lock;
    pthread_cond_t ended; /* one of them */
    unsigned running;
    char *why; /* the first failure */
};

static int look_at_stop(void *user)
{
    return atomic_load(&((struct folders *)user)->stop) ? fail("another listing failed") : 0;
}

static int list_one(struct lister *lister, struct folders *folders, size_t number)
{
    struct s3_listing *part = &folders->part[number];
    struct text token = {0};
    int done;
    part->bucket = ecopy(folders->whole->bucket);
    part->folder = ecopy(folders->whole->prefix[number]);
    do {
        size_t before = part->count;
        done = lister_pages(lister, part, 1, 1, &token);
        atomic_fetch_add(&folders->objects, part->count - before);
    } while (done == 0 && token.size > 0);
    text_free(&token);
    return done;
}

static void *run(void *user)
{
    struct folders *folders = user;
    struct look look = {look_at_stop, folders};
    struct lister lister;
    int done = lister_open(&lister, folders->s3, &look);
    while (done == 0) {
        size_t number = atomic_fetch_add(&folders->next, 1);
        if (number >= folders->whole->prefixes)
            break;
        done = list_one(&lister, folders, number);
    }
    lister_close(&lister);
    pthread_mutex_lock(&folders->lock);
    if (done < 0 && folders->why == NULL) {
        folders->why = ecopy(why());
        atomic_store(&folders->stop, 1);
    }
    folders->running--;
    pthread_cond_signal(&folders->ended);
    pthread_mutex_unlock(&folders->lock);
    return NULL;
}

/* Until all have ended. */
static void wait_for_all(struct folders *folders)
{
    const struct look *look = &folders->s3->look;
    pthread_mutex_lock(&folders->lock);
    while (folders->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&folders->ended, &folders->lock, &until) != ETIMEDOUT)
            continue;
        size_t objects = atomic_load(&folders->objects);
        meter("s3://%s/%s: %zu object%s listed", folders->whole->bucket, folders->whole->folder,
              objects, plural(objects));
        if (folders->why == NULL && look->at != NULL && look->at(look->user) < 0) {
            folders->why = ecopy(why());
            atomic_store(&folders->stop, 1);
        }
    }
    pthread_mutex_unlock(&folders->lock);
}

static void run_all(struct folders *folders)
{
    pthread_t thread[LISTERS];
    size_t wanted = folders->whole->prefixes < LISTERS ? folders->whole->prefixes : LISTERS;
    unsigned started = 0;
    pthread_condattr_t by_clock;
    pthread_mutex_init(&folders->lock, NULL);
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&folders->ended, &by_clock);
    pthread_condattr_destroy(&by_clock);
    while (started < wanted) {
        pthread_mutex_lock(&folders->lock);
        folders->running++;
        pthread_mutex_unlock(&folders->lock);
        if (pthread_create(&thread[started], NULL, run, folders) != 0)
            break;
        started++;
    }
    if (started < wanted) {
        pthread_mutex_lock(&folders->lock);
        folders->running--;
        if (started == 0)
            folders->why = ecopy("cannot start a thread to list a bucket");
        pthread_mutex_unlock(&folders->lock);
    }
    wait_for_all(folders);
    while (started > 0)
        pthread_join(thread[--started], NULL);
    pthread_cond_destroy(&folders->ended);
    pthread_mutex_destroy(&folders->lock);
}

/* Moves the objects of part behind those of listing. */
static void append(struct s3_listing *listing, struct s3_listing *part)
{
    for (size_t i = 0; i < part->count; i++)
        s3_listing_add(listing, &part->object[i]);
    part->count = 0;
    s3_listing_free(part);
}

int list_folders(struct s3 *s3, struct s3_listing *listing)
{
    struct folders folders = {.s3 = s3, .whole = listing};
    size_t count = listing->prefixes;
    folders.part = ealloc(count, sizeof *folders.part);
    s3->moved = 1; /* the region is right, and stays: others read it from now on */
    run_all(&folders);
    for (size_t i = 0; i < count; i++) {
        append(listing, &folders.part[i]);
        free(listing->prefix[i]);
    }
    listing->prefixes = 0;
    free(folders.part);
    int done = folders.why ? fail("%s", folders.why) : 0;
    free(folders.why);
    return done;
}
