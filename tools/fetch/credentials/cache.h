/* The credential cache: the S3 keys of a run, which all threads that sign share; keys for a time
 * are renewed.
 *
 * Those who hand them out say as a rule when they expire: new ones are fetched before that, five
 * minutes or a quarter of their time. Where that fails, the old ones serve on. When a server says
 * that keys have expired, new ones are fetched once, however many requests are refused at once; and
 * where these are refused before they served, that is the end. The texts of keys never change and
 * live as long as the cache: who signs with them needs no lock.
 */
#ifndef PSWEEP_CACHE_H
#define PSWEEP_CACHE_H

#include "credentials/provider.h"

struct cache;

/* The first keys, and who handed them out, whose strings become the cache's; all zero: nobody, they
 * stood somewhere. now: by the server's clock. NULL with a sentence when a key cannot be part of a
 * header line. */
struct cache *cache_new(struct keys *first, struct provider *provider, time_t now);
void cache_free(struct cache *cache); /* overwrites all; NULL is allowed */

/* The keys to sign with; new ones when these are about to expire. */
struct keys *cache_keys(struct cache *cache, time_t now);

/* The server says that these have expired: 0 when there are other ones, now or already; -1 with a
 * sentence (a reason, to stand behind what the server said). */
int cache_renew(struct cache *cache, const struct keys *refused, time_t now);

#endif
