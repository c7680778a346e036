#include "credentials/cache.h"

#include "message.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { EARLY = 300 /* seconds before they expire, or a quarter of the time they have left */ };

struct keyring {
    pthread_mutex_t lock;
    struct keyset *newest;
    struct provider provider;
};

/* A copy of what goes into a header line; -1 with a sentence that tells what it is, not what it
 * holds. */
static int keep(char **kept, const struct text *value, const char *what)
{
    if (value->size == 0)
        return 0;
    if (!text_is_plain(value->at))
        return fail("the S3 %s holds a blank, a control character or one beyond ASCII", what);
    *kept = ecopy(value->at);
    return 0;
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void free_set(struct keyset *set)
{
    free(set->key_id);
    free_secret(set->secret);
    free_secret(set->token);
    free(set);
}

/* When to ask again, of keys that expire then. Those that have expired already by our clock, which
 * may be wrong, are the server's to refuse. */
static time_t renew_at(time_t expires, time_t now)
{
    time_t left = expires - now;
    return left <= 0 ? 0 : expires - (left / 4 < EARLY ? left / 4 : EARLY);
}

/* The keys become the newest set. */
static int add(struct keyring *ring, const struct keys *keys, time_t now)
{
    struct keyset *set = ealloc(1, sizeof *set);
    if (keep(&set->key_id, &keys->key_id, "access key id") < 0 ||
        keep(&set->secret, &keys->secret, "secret access key") < 0 ||
        keep(&set->token, &keys->token, "session token") < 0) {
        free_set(set);
        return -1;
    }
    set->renew = renew_at(keys->expires, now);
    set->expires = set->renew ? keys->expires : 0;
    set->older = ring->newest;
    ring->newest = set;
    return 0;
}

struct keyring *keyring_new(const struct keys *first, struct provider *provider, time_t now)
{
    struct keyring *ring = ealloc(1, sizeof *ring);
    pthread_mutex_init(&ring->lock, NULL);
    ring->provider = *provider;
    *provider = (struct provider){0};
    if (add(ring, first, now) == 0)
        return ring;
    keyring_free(ring);
    return NULL;
}

void keyring_free(struct keyring *ring)
{
    if (ring == NULL)
        return;
    while (ring->newest != NULL) {
        struct keyset *set = ring->newest;
        ring->newest = set->older;
        free_set(set);
    }
    provider_free(&ring->provider);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

/* Under the lock. */
static int fetch(struct keyring *ring, time_t now)
{
    struct keys keys = {0};
    const char *name = provider_name(ring->provider.kind);
    int got = provider_ask(&ring->provider, &keys);
    if (got > 0)
        got = add(ring, &keys, now);
    else if (got == 0)
        got = fail("%s does not answer any more", name);
    keys_free(&keys);
    if (got == 0)
        explain("%s has handed out new S3 keys", name);
    return got;
}

struct keyset *keyring_now(struct keyring *ring, time_t now)
{
    pthread_mutex_lock(&ring->lock);
    struct keyset *set = ring->newest;
    if (set->renew != 0 && now >= set->renew && fetch(ring, now) < 0) {
        explain("%s; the S3 keys at hand serve on", why());
        set->renew = now < set->expires ? now + 1 + (set->expires - now) / 4 : 0;
    }
    set = ring->newest;
    pthread_mutex_unlock(&ring->lock);
    return set;
}

static int same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static int same(const struct keyset *left, const struct keyset *right)
{
    return same_text(left->key_id, right->key_id) && same_text(left->secret, right->secret) &&
           same_text(left->token, right->token);
}

int keyring_renew(struct keyring *ring, const struct keyset *refused, time_t now)
{
    int done = 0;
    pthread_mutex_lock(&ring->lock);
    const char *name = provider_name(ring->provider.kind);
    if (ring->provider.kind == PROVIDER_NONE) {
        done = fail("the S3 keys have expired: set new ones, or write a credential_process into "
                    "the profile, which is then asked for new ones");
    } else if (same(ring->newest, refused)) {
        if (refused->was_asked_for && !atomic_load(&refused->served))
            done = fail("%s hands out S3 keys that have expired too", name);
        else
            done = fetch(ring, now);
        if (done == 0 && same(ring->newest, refused))
            done = fail("%s hands out the same S3 keys again", name);
        if (done == 0)
            ring->newest->was_asked_for = 1;
    }
    pthread_mutex_unlock(&ring->lock);
    return done;
}
