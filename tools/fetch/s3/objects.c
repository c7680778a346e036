#include "s3/objects.h"

#include "message.h"
#include "s3/transfers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct objects {
    const struct s3_listing *listing;
    const size_t *chosen; /* or NULL */
    size_t count, next;   /* to be asked for */
    struct prefetch *prefetch;
    struct transfers *transfers;
    pthread_t thread;
};

static const struct s3_object *object_at(const struct objects *objects, size_t job)
{
    return &objects->listing->object[objects->chosen ? objects->chosen[job] : job];
}

static int claim(void *user, size_t *job)
{
    struct objects *objects = user;
    *job = objects->next;
    if (*job == objects->count)
        return CLAIM_NONE;
    if (!prefetch_ask(objects->prefetch, *job, object_at(objects, *job)->size))
        return CLAIM_LATER;
    objects->next++;
    return CLAIM_TAKEN;
}

static void address(void *user, size_t job, struct request *request)
{
    const struct objects *objects = user;
    request_object(request, objects->listing->bucket, object_at(objects, job));
}

/* The body's memory becomes the window's. */
static int came(void *user, size_t job, struct request *request, const char *gone)
{
    const struct objects *objects = user;
    struct fetched fetched = {0};
    if (gone != NULL) {
        fetched.bad = ecopy(gone);
    } else {
        fetched.bytes = request->body.bytes;
        fetched.size = request->body.size;
        request->body = (struct body){0};
    }
    prefetch_arrive(objects->prefetch, job, &fetched);
    return CAME_DONE;
}

static int is_window_over(void *prefetch)
{
    return prefetch_is_over(prefetch) ? fail("no more is wanted") : 0;
}

static void *run(void *user)
{
    struct objects *objects = user;
    const struct transfers_client client = {claim, address, came, objects};
    const struct cancellation cancellation = {is_window_over, objects->prefetch};
    if (transfers_run(objects->transfers, &client, &cancellation) < 0)
        prefetch_break(objects->prefetch);
    return NULL;
}

struct objects *objects_start(struct s3 *s3, const struct s3_listing *listing, const size_t *chosen,
                              size_t count, unsigned connections, struct prefetch *prefetch)
{
    struct objects *objects = ealloc(1, sizeof *objects);
    *objects = (struct objects){
        .listing = listing, .chosen = chosen, .count = count, .prefetch = prefetch};
    if (connections > count)
        connections = count ? (unsigned)count : 1;
    objects->transfers = transfers_open(s3, connections, prefetch_wake(prefetch));
    int error = 0;
    if (objects->transfers != NULL &&
        (error = pthread_create(&objects->thread, NULL, run, objects)) == 0)
        return objects;
    if (error != 0)
        fail("cannot start the network thread: %s", strerror(error));
    transfers_close(objects->transfers);
    free(objects);
    return NULL;
}

void objects_stop(struct objects *objects)
{
    if (objects == NULL)
        return;
    pthread_join(objects->thread, NULL);
    transfers_close(objects->transfers);
    free(objects);
}
