/* Threads that fetch and decode the images of a source, ahead of one who writes them in order.
 *
 * Between them is a window of finished images, at most 256 of them and 256 MiB (and one more image,
 * so that the next to be written always gets in); and what the threads have in hands is at most 1
 * GiB of pixels (and one more image): a small file may be a large image, and threads are many. They
 * are handed over many at once: to wake a writer for each costs more than a small image does.
 * Whoever writes is woken for some of them, for the last ones, when a thread waits for room, or
 * when a fifth of a second has passed.
 */
#ifndef PSWEEP_CREW_H
#define PSWEEP_CREW_H

#include "source.h"

#include <sys/types.h>

/* What a thread made of an image. Its memory is its own, made by the thread and freed when the
 * image leaves: places that kept it for their next image would all grow to the largest. */
struct finished {
    int full;  /* the crew's */
    char *bad; /* the reason why there is nothing else */
    struct pixels pixels;
    uint8_t *file; /* instead of pixels */
    size_t file_size;
    size_t came; /* bytes that were read for it */
};

struct crew;

/* Starts threads (≥ 1) on count images of a source that was started. finish, called by any of them,
 * takes from fetched what the writer needs; -1 with a sentence when the image is no good. user is
 * handed to it. All is borrowed until crew_dismiss(). NULL with a sentence. */
struct crew *crew_hire(struct source *source, size_t count, unsigned threads,
                       int (*finish)(struct fetched *fetched, const void *user,
                                     struct finished *finished),
                       const void *user);

/* How many images are ready, from the next one on; waits for them a fifth of a second at most, and
 * then *late: 0 when there is none yet. -1 with a sentence when the source broke before it. */
ssize_t crew_wait(struct crew *crew, int *late);
/* Of those that are ready, number 0, 1, …; and: the first so many have been written. */
const struct finished *crew_ready(const struct crew *crew, size_t number);
void crew_leave(struct crew *crew, size_t count);

/* Lets the threads end, waits for them and frees all. */
void crew_dismiss(struct crew *crew);

#endif
