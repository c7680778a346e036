/* psfetch's network alone: getter_bench CONNECTIONS s3://bucket/prefix lists, gets every object in
 * order with all its checks, and prints their bytes; nothing is decoded or written. */
#include "tools/fetch/s3.h"

#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    program = "getter_bench";
    if (argc != 3)
        die(USAGE, "usage: getter_bench CONNECTIONS s3://bucket/prefix");
    struct access_options options = {0};
    struct look look = {0};
    struct s3 *s3;
    struct s3_listing listing;
    struct s3_getter *getter;
    if (s3_open(&s3, &options, &look) < 0 || s3_list(s3, argv[2], &listing) < 0 ||
        s3_get_start(&getter, s3, &listing, NULL, listing.count, (unsigned)atoi(argv[1])) < 0)
        die_why();
    struct s3_body body = {0};
    uint64_t bytes = 0;
    int got;
    while ((got = s3_get_next(getter, &body)) == 1)
        bytes += body.size;
    if (got != 0)
        die_why();
    printf("%" PRIu64 " bytes\n", bytes);
    s3_get_stop(getter);
    s3_listing_free(&listing);
    s3_close(s3);
    free(body.bytes);
    return 0;
}
