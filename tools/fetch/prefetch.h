/* The prefetch window: images on their way, ahead of one who writes them in order.
 *
 *     transfers --file--> [ entry | entry | … ] --pixels--> writer
 *     (one thread)              |        ^                  (one thread)
 *                             file    pixels
 *                               v        |
 *                            decoders (threads)
 *
 * Image i has the entry i % images. An entry goes round: free, asked for, arrived, in the hands of
 * a decoder, ready, and free again when it was written. Transfers (bucket.c) ask in order, and
 * what they bring arrives in any; decoders take the first one that has arrived; the writer takes
 * what is ready in order, and waits for nothing else. Where no network is between, a decoder reads
 * the file itself: its image goes from free into its hands.
 *
 * Memory. An image's is its own: made by who reads or decodes it, handed over with it, freed when
 * it leaves. The window counts the bytes in all its entries, a file's by the size that is expected
 * as soon as it is asked for, and pixels when they are there. A decoder takes an image while the
 * count is below 256 MiB, transfers ask for one while it is below half of that, so that what waits
 * to be decoded leaves room for what comes of it, and the image that is next to be written always
 * gets in. With what the decoders have in hand it is at most 1 GiB where images are large, and one
 * more image, for a small file may be a large image, and threads are many.
 *
 * The writer takes many at once: to wake it for each costs more than a small image does. It is
 * woken for some of them, for the last ones, when others wait for room, or when a fifth of a second
 * has passed.
 *
 * An error of one image (bad) travels with it, and the writer judges. When nothing more can be had,
 * prefetch_break() keeps the sentence; the writer finds it behind the images that are ready. When
 * the writer has enough, prefetch_stop() turns everybody away: decoders end, and transfers see it
 * by prefetch_is_over(), which their wake (an eventfd) tells them to ask.
 */
#ifndef PSWEEP_PREFETCH_H
#define PSWEEP_PREFETCH_H

#include "decoding/decode.h"

#include <sys/types.h>

/* An image on its way: its file, its pixels, or why there is neither. */
struct fetched {
    uint8_t *bytes; /* of the file, from malloc() */
    size_t size;
    struct pixels pixels;
    char *bad;   /* the reason */
    size_t came; /* bytes that were read for it */
};
void fetched_free(struct fetched *fetched);

struct prefetch_options {
    size_t count;      /* of images in all */
    size_t images;     /* in the window, at most, ≥ 1 */
    unsigned threads;  /* that decode, ≥ 1 */
    int has_transfers; /* bring the files; else decode() reads them */
    /* Makes of image index what the writer wants, leaving bad in it when it is none. -1 with a
     * sentence when no image can be had any more. Threads call it at once, with user. */
    int (*decode)(void *user, size_t index, struct fetched *fetched);
    void *user; /* borrowed until prefetch_stop() */
};

struct prefetch;

/* Starts the decoders. NULL with a sentence. */
struct prefetch *prefetch_open(const struct prefetch_options *options);
/* No more is wanted: ends the decoders, and wakes the transfers to end. */
void prefetch_stop(struct prefetch *prefetch);
/* Frees all; stopped before, and nobody transfers any more. */
void prefetch_close(struct prefetch *prefetch);

/* For the writer. How many images are ready, from the next one on; waits for them a fifth of a
 * second at most, and then *late: 0 when there is none yet. -1 with a sentence when it broke before
 * the next one. */
ssize_t prefetch_wait(struct prefetch *prefetch, int *late);
/* Of those that are ready, number 0, 1, …; and: the first so many have been written. */
const struct fetched *prefetch_ready(const struct prefetch *prefetch, size_t number);
void prefetch_leave(struct prefetch *prefetch, size_t count);

/* For transfers, on one thread. Takes an entry for image index, the next one, whose file has size
 * bytes: 1; 0: there is no room, and when there is, wake will be readable. */
int prefetch_ask(struct prefetch *prefetch, size_t index, uint64_t size);
/* Its file, which becomes the window's, has arrived, or is bad. */
void prefetch_arrive(struct prefetch *prefetch, size_t index, const struct fetched *fetched);
/* No image can be had any more, for the reason of why(). */
void prefetch_break(struct prefetch *prefetch);
int prefetch_is_over(struct prefetch *prefetch);    /* stopped or broken */
int prefetch_wake(const struct prefetch *prefetch); /* the eventfd */

#endif
