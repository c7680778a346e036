/* The S3 keys of a run, which all threads that sign share; keys for a time are renewed.
 *
 * Those who hand them out say as a rule when they expire: new ones are fetched before that, five
 * minutes or a quarter of their time. Where that fails, the old ones serve on. When a server says
 * that keys have expired, new ones are fetched once, however many requests are refused at once; and
 * where these are refused before they served, that is the end. The texts of a set never change and
 * live as long as the ring: who signs with them needs no lock.
 */
#ifndef PSWEEP_KEYRING_H
#define PSWEEP_KEYRING_H

#include "credentials/provider.h"

#include <stdatomic.h>

struct keyset {
    char *key_id, *secret, *token; /* token NULL: none */
    time_t renew;                  /* when new ones are due; 0: nobody knows */
    time_t expires;                /* after that they are of no use; 0 with renew */
    int was_asked_for;             /* because a server had said that those before it have expired */
    atomic_int served;             /* something was had with them */
    struct keyset *older;
};

struct keyring;

/* The first keys, and who handed them out, whose strings become the ring's; all zero: nobody, they
 * stood somewhere. now: by the server's clock. NULL with a sentence when a key cannot be part of a
 * header line. */
struct keyring *keyring_new(const struct keys *first, struct provider *provider, time_t now);
void keyring_free(struct keyring *ring); /* overwrites all; NULL is allowed */

/* The keys to sign with; new ones when these are about to expire. */
struct keyset *keyring_now(struct keyring *ring, time_t now);

/* The server says that these have expired: 0 when there are other ones, now or already; -1 with a
 * sentence (a reason, to stand behind what the server said). */
int keyring_renew(struct keyring *ring, const struct keyset *refused, time_t now);

#endif
