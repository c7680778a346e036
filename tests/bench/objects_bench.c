/* psfetch's network alone: objects_bench CONNECTIONS s3://bucket/prefix lists, gets every object in
 * order with all its checks, and prints their bytes; nothing is decoded or written. */
#include "tools/fetch/sources/open.h"

#include "message.h"
#include "options.h"

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
    struct access_options access = {0};
    struct source_options options = {.access = &access, .layout = {.class_level = OPTION_UNSET}};
    struct source source;
    unsigned connections = (unsigned)atoi(argv[1]);
    if (source_open(&source, argv[2], &options) < 0)
        die_why();
    size_t *choice = ealloc(source.count, sizeof *choice);
    for (size_t i = 0; i < source.count; i++)
        choice[i] = i;
    struct prefetch *prefetch = prefetch_open(&(struct prefetch_options){
        source.count, IMAGES_PER_CONNECTION * connections, 1, 1, pass_on, NULL});
    if (prefetch == NULL ||
        source.kind->start(&source, choice, source.count, connections, prefetch) < 0)
        die_why();
    uint64_t bytes = 0;
    for (size_t left = source.count; left > 0;) {
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
    source.kind->stop(&source);
    prefetch_close(prefetch);
    source_close(&source);
    free(choice);
    return 0;
}
