/* psfetch's network alone: objects_bench CONNECTIONS s3://bucket/prefix lists, gets every object in
 * order with all its checks, and prints their bytes; nothing is decoded or written. */
#include "tools/fetch/s3/objects.h"

#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* In the place of a decoder. */
static int pass_on(void *user, size_t index, struct fetched *fetched)
{
    (void)user, (void)index, (void)fetched;
    return 0;
}

int main(int argc, char **argv)
{
    program = "objects_bench";
    if (argc != 3)
        die(USAGE, "usage: objects_bench CONNECTIONS s3://bucket/prefix");
    struct access_options options = {0};
    struct cancellation cancellation = {0};
    struct s3 *s3;
    struct s3_listing listing;
    unsigned connections = (unsigned)atoi(argv[1]);
    if (s3_open(&s3, &options, &cancellation) < 0 || s3_list(s3, argv[2], &listing) < 0)
        die_why();
    struct prefetch *prefetch = prefetch_open(&(struct prefetch_options){
        listing.count, OBJECTS_PER_CONNECTION * connections, 1, 1, pass_on, NULL});
    struct objects *objects =
        prefetch ? objects_start(s3, &listing, NULL, listing.count, connections, prefetch) : NULL;
    if (objects == NULL)
        die_why();
    uint64_t bytes = 0;
    for (size_t left = listing.count; left > 0;) {
        int late;
        ssize_t ready = prefetch_wait(prefetch, &late);
        if (ready < 0)
            die_why();
        for (size_t i = 0; i < (size_t)ready; i++)
            bytes += prefetch_ready(prefetch, i)->size;
        prefetch_leave(prefetch, (size_t)ready);
        left -= (size_t)ready;
    }
    printf("%" PRIu64 " bytes\n", bytes);
    prefetch_stop(prefetch);
    objects_stop(objects);
    prefetch_close(prefetch);
    s3_listing_free(&listing);
    s3_close(s3);
    return 0;
}
