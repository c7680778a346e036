#include "credentials/cache.h"

#include "message.h"
#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { EARLY = 300 /* seconds before they expire, or a quarter of the time they have left */ };

struct cache {
    pthread_mutex_t lock;
    struct keys *newest;
    struct provider provider;
};

/* The keys become the newest ones, if they can be part of header lines. Those that have expired
 * already by our clock, which may be wrong, are the server's to refuse. */
static int add_keys(struct cache *cache, struct keys *keys, time_t now)
{
    const char *const part[][2] = {{keys->key_id, "access key id"},
                                   {keys->secret, "secret access key"},
                                   {keys->token, "session token"}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (part[i][0] != NULL && !text_is_plain(part[i][0]))
            return fail("the S3 %s holds a blank, a control character or one beyond ASCII",
                        part[i][1]);
    if (keys->token != NULL && keys->token[0] == '\0') {
        free(keys->token);
        keys->token = NULL;
    }
    time_t left = keys->expires - now;
    keys->renew = left <= 0 ? 0 : keys->expires - (left / 4 < EARLY ? left / 4 : EARLY);
    keys->older = cache->newest;
    cache->newest = ealloc(1, sizeof *keys);
    *cache->newest = *keys;
    *keys = (struct keys){0};
    return 0;
}

struct cache *cache_new(struct keys *first, struct provider *provider, time_t now)
{
    struct cache *cache = ealloc(1, sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
    cache->provider = *provider;
    *provider = (struct provider){0};
    if (add_keys(cache, first, now) == 0)
        return cache;
    cache_free(cache);
    return NULL;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->newest != NULL) {
        struct keys *keys = cache->newest;
        cache->newest = keys->older;
        keys_free(keys);
        free(keys);
    }
    provider_free(&cache->provider);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Under the lock. */
static int fetch_keys(struct cache *cache, time_t now)
{
    struct keys keys = {0};
    const char *name = provider_name(cache->provider.kind);
    int got = provider_ask(&cache->provider, &keys);
    if (got > 0)
        got = add_keys(cache, &keys, now);
    else if (got == 0)
        got = fail("%s does not answer any more", name);
    keys_free(&keys);
    if (got == 0)
        explain("%s has handed out new S3 keys", name);
    return got;
}

struct keys *cache_keys(struct cache *cache, time_t now)
{
    pthread_mutex_lock(&cache->lock);
    struct keys *keys = cache->newest;
    if (keys->renew != 0 && now >= keys->renew && fetch_keys(cache, now) < 0) {
        explain("%s; the S3 keys at hand serve on", why());
        keys->renew = now < keys->expires ? now + 1 + (keys->expires - now) / 4 : 0;
    }
    keys = cache->newest;
    pthread_mutex_unlock(&cache->lock);
    return keys;
}

static int are_same(const struct keys *left, const struct keys *right)
{
    return strcmp(left->key_id, right->key_id) == 0 && strcmp(left->secret, right->secret) == 0 &&
           strcmp(left->token ? left->token : "", right->token ? right->token : "") == 0;
}

int cache_renew(struct cache *cache, const struct keys *refused, time_t now)
{
    int done = 0;
    pthread_mutex_lock(&cache->lock);
    const char *name = provider_name(cache->provider.kind);
    if (cache->provider.kind == PROVIDER_NONE) {
        done = fail("the S3 keys have expired: set new ones, or write a credential_process into "
                    "the profile, which is then asked for new ones");
    } else if (are_same(cache->newest, refused)) {
        if (refused->was_asked_for && !atomic_load(&refused->have_served))
            done = fail("%s hands out S3 keys that have expired too", name);
        else
            done = fetch_keys(cache, now);
        if (done == 0 && are_same(cache->newest, refused))
            done = fail("%s hands out the same S3 keys again", name);
        if (done == 0)
            cache->newest->was_asked_for = 1;
    }
    pthread_mutex_unlock(&cache->lock);
    return done;
}
