/* Many requests to one server in flight, on one thread: libcurl's sockets under epoll. Objects and
 * pages of listings are had so; only the bytes of an archive come in another way (blob.h).
 *
 * Whose they are tells by a client what is to be asked, and is told what came. Passing troubles are
 * tried again after a pause, as request.h has it, and over all of them up to 100 times and 8 a
 * connection and one for every two answers that came: so a server is borne that fails one request
 * in four. A server that wants it slower gets half as many at once, and more again when it goes
 * well.
 */
#ifndef PSWEEP_TRANSFERS_H
#define PSWEEP_TRANSFERS_H

#include "cancellation.h"
#include "s3/request.h"

enum { CLAIM_NONE, CLAIM_LATER, CLAIM_TAKEN };
enum { CAME_DONE, CAME_MORE, CAME_AGAIN };

/* All are called with user, on the thread that runs. */
struct transfers_client {
    /* The next job, in *job: CLAIM_TAKEN; or CLAIM_LATER: the wake of transfers_open() tells when
     * there is one; or CLAIM_NONE: there are no more. */
    int (*claim)(void *user, size_t *job);
    /* Addresses what the job asks (request_object, request_page), also once more in another region.
     */
    void (*address)(void *user, size_t job, struct request *request);
    /* The answer is whole, and its body may be taken away, or gone says why it cannot be had.
     * CAME_DONE: that was the job; CAME_MORE: it goes on, addressed anew; CAME_AGAIN: the same,
     * after a pause, for the answer made no sense; -1 with a sentence: all has failed. */
    int (*came)(void *user, size_t job, struct request *request, const char *gone);
    void *user;
};

struct transfers;

/* NULL with a sentence. s3 is borrowed; wake: an eventfd, or -1. */
struct transfers *transfers_open(struct s3 *s3, unsigned connections, int wake);
void transfers_close(struct transfers *transfers); /* NULL is allowed */

/* Runs until all jobs are done. -1 with a sentence, also that of cancellation, which is asked at
 * least every 200 ms; then only transfers_close() is left. */
int transfers_run(struct transfers *transfers, const struct transfers_client *client,
                  const struct cancellation *cancellation);

#endif
