/* An S3 bucket, or a folder in it.
 *
 * It is listed to its end before an object is asked for. Nothing could be written before: the
 * stream's header names all classes, and the images come sorted by key. Objects could be asked for
 * before, on a guess, for --limit and what comes last decide which are wanted; but that would gain
 * no more than the listing takes. At radosgw, of the 3.9 s for 10,000 small JPEGs in ten folders,
 * which are listed side by side, that is 0.18 s; of the 3.3 s for as many in one folder, 0.47 s.
 */
#include "sources/open.h"

#include "message.h"
#include "s3/listing.h"
#include "s3/transfers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct bucket {
    struct s3 *s3;
    struct s3_listing listing; /* source_item.index: an object's place in it */

    /* Objects on their way: into a window, by a thread of their own, or to be sniffed. */
    struct source *source;
    const size_t *choice;
    size_t count, next;          /* to be asked for */
    struct prefetch *prefetch;   /* NULL: to be sniffed */
    struct transfers *transfers; /* NULL: none are */
    pthread_t thread;
};

static const struct s3_object *object_at(const struct bucket *bucket, size_t job)
{
    return &bucket->listing.object[bucket->source->item[bucket->choice[job]].index];
}

static int claim(void *user, size_t *job)
{
    struct bucket *bucket = user;
    *job = bucket->next;
    if (*job == bucket->count)
        return CLAIM_NONE;
    if (bucket->prefetch != NULL &&
        !prefetch_ask(bucket->prefetch, *job, object_at(bucket, *job)->size))
        return CLAIM_LATER;
    bucket->next++;
    return CLAIM_TAKEN;
}

static void address(void *user, size_t job, struct request *request)
{
    const struct bucket *bucket = user;
    request_object(request, bucket->listing.bucket, object_at(bucket, job));
}

/* The body's memory becomes the window's. One that cannot be had and is to be sniffed stays, and is
 * a bad image when its turn comes. */
static int came(void *user, size_t job, struct request *request, const char *gone)
{
    const struct bucket *bucket = user;
    struct fetched fetched = {.bytes = request->body.bytes, .size = request->body.size};
    if (bucket->prefetch == NULL) {
        if (gone == NULL)
            source_sniff(bucket->source, &bucket->source->item[bucket->choice[job]], fetched.bytes,
                         fetched.size);
        return CAME_DONE;
    }
    if (gone != NULL)
        fetched = (struct fetched){.bad = ecopy(gone)};
    else
        request->body = (struct body){0};
    prefetch_arrive(bucket->prefetch, job, &fetched);
    return CAME_DONE;
}

static int is_window_over(void *prefetch)
{
    return prefetch_is_over(prefetch) ? fail("no more is wanted") : 0;
}

static int run_transfers(struct bucket *bucket, const struct cancellation *cancellation)
{
    const struct transfers_client client = {claim, address, came, bucket};
    return transfers_run(bucket->transfers, &client, cancellation);
}

static void *transfer_all(void *user)
{
    struct bucket *bucket = user;
    const struct cancellation cancellation = {is_window_over, bucket->prefetch};
    if (run_transfers(bucket, &cancellation) < 0)
        prefetch_break(bucket->prefetch);
    return NULL;
}

static int open_transfers(struct source *source, const size_t *choice, size_t count,
                          unsigned connections, struct prefetch *prefetch)
{
    struct bucket *bucket = source->state;
    bucket->source = source;
    bucket->choice = choice;
    bucket->count = count;
    bucket->next = 0;
    bucket->prefetch = prefetch;
    if (connections > count)
        connections = count ? (unsigned)count : 1;
    bucket->transfers =
        transfers_open(bucket->s3, connections, prefetch ? prefetch_wake(prefetch) : -1);
    return bucket->transfers != NULL ? 0 : -1;
}

/* An object that was listed and cannot be had arrives as bad (it is gone, or refused to us, or in
 * an archive: 404, 410, 403 AccessDenied and InvalidObjectState); other failures break the window.
 */
static int start(struct source *source, const size_t *choice, size_t count, unsigned connections,
                 struct prefetch *prefetch)
{
    struct bucket *bucket = source->state;
    if (open_transfers(source, choice, count, connections, prefetch) < 0)
        return -1;
    int error = pthread_create(&bucket->thread, NULL, transfer_all, bucket);
    if (error == 0)
        return 0;
    transfers_close(bucket->transfers);
    bucket->transfers = NULL;
    return fail("cannot start the network thread: %s", strerror(error));
}

static void stop(struct source *source)
{
    struct bucket *bucket = source->state;
    if (bucket->transfers == NULL)
        return;
    pthread_join(bucket->thread, NULL);
    transfers_close(bucket->transfers);
    bucket->transfers = NULL;
}

static void close_bucket(struct source *source)
{
    struct bucket *bucket = source->state;
    s3_listing_free(&bucket->listing);
    s3_close(bucket->s3);
    free(bucket);
}

static int by_key(const void *left, const void *right)
{
    const struct s3_object *a = left, *b = right;
    return strcmp(a->key, b->key);
}

/* Makes items of the listing, with keys as they are within its folder. Servers list in the order of
 * keys, but not all in that of their bytes. */
static int take_objects(struct source *source, struct s3_listing *listing)
{
    if (listing->count > 0)
        qsort(listing->object, listing->count, sizeof *listing->object, by_key);
    for (size_t i = 0; i < listing->count; i++) {
        const struct s3_object *object = &listing->object[i];
        if (i > 0 && strcmp(object[-1].key, object->key) == 0)
            return fail("cannot list %s: an object is listed twice", source->name);
        int taken = source_take(source, object->key + strlen(listing->folder), object->size);
        if (taken < 0)
            return -1;
        if (taken > 0)
            source->item[source->count - 1].index = i;
    }
    return 0;
}

/* A listing tells nothing of objects without a suffix. A few small ones are fetched; of many the
 * others decide: where more are named as images, these are none, else they are what the set is made
 * of. */
static int sniff_all(struct source *source, const struct cancellation *cancellation)
{
    enum { MOST = 64, MOST_BYTES = 64 << 20 };
    struct bucket *bucket = source->state;
    size_t choice[MOST], all = 0;
    uint64_t bytes = 0;
    int done = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (!source->item[i].is_doubtful)
            continue;
        bytes += source->item[i].size;
        if (all < MOST)
            choice[all] = i;
        all++;
    }
    if (all > MOST || bytes > MOST_BYTES) {
        for (size_t i = 0; i < source->count && all < source->count - all; i++)
            if (source->item[i].is_doubtful)
                source_sniff(source, &source->item[i], NULL, 0);
    } else if (all > 0) {
        done = open_transfers(source, choice, all, MOST, NULL);
        if (done == 0)
            done = run_transfers(bucket, cancellation);
        transfers_close(bucket->transfers);
        bucket->transfers = NULL;
    }
    source_sift(source);
    return done;
}

static int open_bucket(struct source *source, const char *name,
                       const struct source_options *options)
{
    struct bucket *bucket = source->state = ealloc(1, sizeof *bucket);
    struct s3_listing *listing = &bucket->listing;
    source->described = ecopy(name);
    bucket->s3 = s3_open(options->access, &options->cancellation);
    if (bucket->s3 == NULL || s3_list(bucket->s3, name, listing) < 0)
        return -1;
    /* The last folder of the prefix, or the bucket. */
    size_t end = strlen(listing->folder), from = end ? end - 1 : 0;
    while (from > 0 && listing->folder[from - 1] != '/')
        from--;
    source->root = ecopy(end ? listing->folder + from : listing->bucket);
    if (end > 0)
        source->root[end - 1 - from] = '\0';
    return take_objects(source, listing) < 0 ? -1 : sniff_all(source, &options->cancellation);
}

const struct source_kind source_bucket = {
    .open = open_bucket, .start = start, .stop = stop, .close = close_bucket};
