/* An S3 bucket, or a folder in it.
 *
 * It is listed to its end before an object is asked for. Nothing could be written before: the
 * stream's header names all classes, and the images come sorted by key. Objects could be asked for
 * before, on a guess, for --limit and what comes last decide which are wanted; but that would gain
 * no more than the listing takes. At radosgw, of the 3.9 s for 10,000 small JPEGs in ten folders,
 * which are listed side by side, that is 0.18 s; of the 3.3 s for as many in one folder, 0.47 s.
 */
#include "source.h"

#include "message.h"
#include "name.h"
#include "s3.h"

#include <stdlib.h>
#include <string.h>

struct bucket {
    struct s3 *s3;
    struct s3_listing listing; /* source_item.place: an object's place in it */
    struct s3_getter *getter;
    size_t *choice; /* places in the listing */
};

static int start(struct source *source, const size_t *choice, size_t count, unsigned connections)
{
    struct bucket *bucket = source->state;
    bucket->choice = ealloc(count, sizeof *bucket->choice);
    for (size_t i = 0; i < count; i++)
        bucket->choice[i] = source->item[choice[i]].place;
    return s3_get_start(&bucket->getter, bucket->s3, &bucket->listing, bucket->choice, count,
                        connections);
}

static int next(struct source *source, struct fetched *fetched)
{
    struct bucket *bucket = source->state;
    struct s3_body body = {0, fetched->bytes, fetched->size, fetched->capacity};
    int got = s3_get_next(bucket->getter, &body);
    fetched->bytes = body.bytes;
    fetched->size = body.size;
    fetched->capacity = body.capacity;
    fetched->index = body.index;
    if (got <= 0)
        return got;
    if (got == 2)
        return SOURCE_BAD;
    return decode(fetched->bytes, fetched->size, &fetched->pixels) < 0 ? SOURCE_BAD : SOURCE_IMAGE;
}

static void end(struct source *source)
{
    s3_get_end(((struct bucket *)source->state)->getter);
}

static void stop(struct source *source)
{
    struct bucket *bucket = source->state;
    s3_get_stop(bucket->getter);
    free(bucket->choice);
    bucket->getter = NULL;
    bucket->choice = NULL;
}

static void close_bucket(struct source *source)
{
    struct bucket *bucket = source->state;
    s3_listing_free(&bucket->listing);
    s3_close(bucket->s3);
    free(bucket);
}

static const struct source_class s3_class = {start, next, end, stop, close_bucket};

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

/* A listing tells nothing of objects without a suffix. A few small ones are fetched and looked at;
 * of many the others decide: where more are named as images, these are none, else they are what the
 * set is made of. */
static int look_into(struct source *source, struct bucket *bucket)
{
    enum { MOST = 64, MOST_BYTES = 64 << 20 };
    struct source_item *doubtful[MOST];
    size_t count = 0, all = 0, choice[MOST];
    uint64_t bytes = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (!source->item[i].is_doubtful)
            continue;
        bytes += source->item[i].size;
        if (all++ < MOST)
            doubtful[count++] = &source->item[i];
    }
    if (all > MOST || bytes > MOST_BYTES) {
        for (size_t i = 0; i < source->count && all < source->count - all; i++)
            if (source->item[i].is_doubtful)
                source_judge(source, &source->item[i], NULL, 0);
        source_sift(source);
        return 0;
    }
    if (all == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        choice[i] = doubtful[i]->place;
    struct s3_getter *getter;
    if (s3_get_start(&getter, bucket->s3, &bucket->listing, choice, count, count) < 0)
        return -1;
    struct s3_body body = {0};
    int got;
    while ((got = s3_get_next(getter, &body)) > 0)
        if (got == 1) /* what cannot be had stays, and is a bad image when its turn comes */
            source_judge(source, doubtful[body.index], body.bytes, body.size);
    s3_get_stop(getter);
    free(body.bytes);
    source_sift(source);
    return got;
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
    if (s3_open(&bucket->s3, options->access, &options->look) < 0 ||
        s3_list(bucket->s3, name, &bucket->listing) < 0)
        return -1;
    source->root = root_name(&bucket->listing);
    return take(source, bucket) < 0 ? -1 : look_into(source, bucket);
}
