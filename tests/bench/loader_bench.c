/* How fast mini-batches come out of a stream, when nothing is done with them: what a trainer could
 * at most be fed with.
 *
 *     psaug -e 20 < set.ps | loader_bench          psaug --views -e 20 < set.ps | loader_bench
 * [kept]
 *
 * With "kept" as for an engine that keeps the images and draws the views itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "images.h"
#include "message.h"
#include "tools/train/loader.h"

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    enum { BATCH = 128 };
    struct images input;
    struct loader loader;
    struct batch batch;
    int got;
    uint64_t images = 0;
    program = "loader_bench";
    if (images_open(&input, STDIN_FILENO, "input", "epochs") < 0 ||
        loader_open(&loader, &input, BATCH, 0) < 0)
        die_why();
    int kept = argc > 1 && strcmp(argv[1], "kept") == 0;
    if (kept)
        loader_by_views(&loader);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    while ((got = loader_next(&loader, &batch)) != LOADER_END) {
        if (got < 0)
            die_why();
        if (got == LOADER_BATCH)
            images += batch.count;
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    const struct images_about *about = &loader.about;
    printf("%-20s %ux%ux%u: %9.0f images/s, %9.0f a second of this program's own time\n",
           kept          ? "views of kept images"
           : input.views ? "views, drawn"
                         : "pixels",
           about->height, about->width, about->channels, (double)images / wall,
           (double)images / cpu);
    loader_close(&loader);
    images_close(&input);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
