/* An S3 bucket, or a folder in it.
 *
 * It is listed to its end before an object is asked for. Nothing could be written before: the
 * stream's header names all classes, and the images come sorted by key. Objects could be asked for
 * before, on a guess, for --limit and what comes last decide which are wanted; but that would gain
 * no more than the listing takes. At radosgw, of the 3.9 s for 10,000 small JPEGs in ten folders,
 * which are listed side by side, that is 0.18 s; of the 3.3 s for as many in one folder, 0.47 s.
 */
#include "sources/source.h"

#include "message.h"
#include "name.h"
#include "s3/objects.h"

#include <stdlib.h>
#include <string.h>

struct bucket {
    struct s3 *s3;
    struct s3_listing listing; /* source_item.place: an object's place in it */
    struct objects *objects;
    size_t *choice; /* places in the listing */
};

static int start(struct source *source, const size_t *choice, size_t count, unsigned connections,
                 struct prefetch *prefetch)
{
    struct bucket *bucket = source->state;
    bucket->choice = ealloc(count, sizeof *bucket->choice);
    for (size_t i = 0; i < count; i++)
        bucket->choice[i] = source->item[choice[i]].place;
    bucket->objects =
        objects_start(bucket->s3, &bucket->listing, bucket->choice, count, connections, prefetch);
    return bucket->objects != NULL ? 0 : -1;
}

static void stop(struct source *source)
{
    struct bucket *bucket = source->state;
    objects_stop(bucket->objects);
    free(bucket->choice);
    bucket->objects = NULL;
    bucket->choice = NULL;
}

static void close_bucket(struct source *source)
{
    struct bucket *bucket = source->state;
    s3_listing_free(&bucket->listing);
    s3_close(bucket->s3);
    free(bucket);
}

static const struct source_class s3_class = {.start = start, .stop = stop, .close = close_bucket};

static int by_key(const void *left, const void *right)
{
    const struct s3_object *a = left, *b = right;
    return strcmp(a->key, b->key);
}

/* The last folder of the prefix, or the bucket. */
static char *root_name(const struct s3_listing *listing)
{
    size_t length = strlen(listing->folder);
    if (length == 0)
        return ecopy(listing->bucket);
    char *copy = ecopy(listing->folder);
    copy[length - 1] = 0; /* the slash */
    char *slash = strrchr(copy, '/'), *root = ecopy(slash ? slash + 1 : copy);
    free(copy);
    return root;
}

/* Makes items of the listing, with keys as they are within its folder. */
static int take(struct source *source, struct bucket *bucket)
{
    struct s3_listing *listing = &bucket->listing;
    /* Servers list in the order of keys, but not all in that of their bytes. */
    if (listing->count > 0)
        qsort(listing->object, listing->count, sizeof *listing->object, by_key);
    int taken = 0;
    for (size_t i = 1; i < listing->count; i++)
        if (strcmp(listing->object[i - 1].key, listing->object[i].key) == 0)
            taken = fail("cannot list %s: an object is listed twice", source->name);
    for (size_t i = 0; i < listing->count && taken >= 0; i++) {
        const char *key = listing->object[i].key + strlen(listing->folder);
        taken = source_take(source, key, listing->object[i].size);
        if (taken > 0)
            source->item[source->count - 1].place = i;
    }
    return taken < 0 ? -1 : 0;
}

/* What a listing tells nothing of: an object without a suffix. */
struct doubt {
    struct source *source;
    struct source_item *item[64];
    size_t count;
};

static int judge(void *user, size_t index, struct fetched *fetched)
{
    const struct doubt *doubt = user;
    source_judge(doubt->source, doubt->item[index], fetched->bytes, fetched->size);
    return 0;
}

/* Fetches them and looks at them. One that cannot be had stays, and is a bad image when its turn
 * comes. */
static int fetch(struct bucket *bucket, struct doubt *doubt,
                 const struct cancellation *cancellation)
{
    size_t choice[sizeof doubt->item / sizeof *doubt->item], left = doubt->count;
    struct prefetch *prefetch = prefetch_open(&(struct prefetch_options){
        left, left, .threads = 1, .has_transfers = 1, .decode = judge, .user = doubt});
    if (prefetch == NULL)
        return -1;
    for (size_t i = 0; i < left; i++)
        choice[i] = doubt->item[i]->place;
    struct objects *objects =
        objects_start(bucket->s3, &bucket->listing, choice, left, (unsigned)left, prefetch);
    int done = objects != NULL ? 0 : -1, late;
    while (done == 0 && left > 0) {
        ssize_t ready = prefetch_wait(prefetch, &late);
        if (ready < 0 || (late && is_cancelled(cancellation)))
            done = -1;
        else
            prefetch_leave(prefetch, (size_t)ready);
        left -= done == 0 ? (size_t)ready : 0;
    }
    prefetch_stop(prefetch);
    objects_stop(objects);
    prefetch_close(prefetch);
    return done;
}

/* A few small ones are fetched; of many the others decide: where more are named as images, these
 * are none, else they are what the set is made of. */
static int look_into(struct source *source, struct bucket *bucket,
                     const struct cancellation *cancellation)
{
    enum { MOST_BYTES = 64 << 20 };
    struct doubt doubt = {.source = source};
    size_t most = sizeof doubt.item / sizeof *doubt.item, all = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (!source->item[i].is_doubtful)
            continue;
        bytes += source->item[i].size;
        if (all++ < most)
            doubt.item[doubt.count++] = &source->item[i];
    }
    int done = 0;
    if (all > most || bytes > MOST_BYTES) {
        for (size_t i = 0; i < source->count && all < source->count - all; i++)
            if (source->item[i].is_doubtful)
                source_judge(source, &source->item[i], NULL, 0);
    } else if (all > 0) {
        done = fetch(bucket, &doubt, cancellation);
    }
    source_sift(source);
    return done;
}

int source_open_s3(struct source *source, const char *name, const struct source_options *options)
{
    struct bucket *bucket = ealloc(1, sizeof *bucket);
    source->state = bucket;
    source->class = &s3_class;
    source->described = ecopy(name);
    if (!name_is_utf8(name)) { /* it stands in the stream's header */
        char *shown = name_show(name);
        fail("the name %s is not UTF-8", shown);
        free(shown);
        return -1;
    }
    if (s3_open(&bucket->s3, options->access, &options->cancellation) < 0 ||
        s3_list(bucket->s3, name, &bucket->listing) < 0)
        return -1;
    source->root = root_name(&bucket->listing);
    return take(source, bucket) < 0 ? -1 : look_into(source, bucket, &options->cancellation);
}
