/* Those who hand out S3 keys for a time: a program, Amazon's token service, the container that we
 * run in, the machine.
 *
 *   a program     credential_process of a profile; writes one JSON object to its stdout
 *   the service   AssumeRoleWithWebIdentity of Amazon's Security Token Service (STS API reference),
 *                 for a role and the token in a file, as pods of Kubernetes have one. Nothing is
 *                 signed, and the file is read anew each time, for tokens change
 *   a container   AWS_CONTAINER_CREDENTIALS_FULL_URI (https, or on this machine or at 169.254.170.2
 *                 or .23), or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2; with
 *                 AWS_CONTAINER_AUTHORIZATION_TOKEN or that in the file …_TOKEN_FILE
 *   the machine   the metadata service, version 2, at AWS_EC2_METADATA_SERVICE_ENDPOINT or
 *                 http://169.254.169.254, unless AWS_EC2_METADATA_DISABLED is true; given a second
 *                 to answer
 *
 * No sentence has anything of what a provider answered but the code of an error.
 */
#ifndef PSWEEP_PROVIDER_H
#define PSWEEP_PROVIDER_H

#include <stdatomic.h>
#include <time.h>

/* All zero at first; freed, and overwritten, by keys_free(). */
struct keys {
    char *key_id, *secret, *token; /* token NULL: none */
    time_t expires;                /* 0: nobody says */

    /* What the cache (cache.h) makes of them. */
    time_t renew;           /* when new ones are due; 0: nobody knows */
    int was_asked_for;      /* because a server had said that those before it have expired */
    atomic_int have_served; /* something was had with them */
    struct keys *older;
};
void keys_free(struct keys *keys);

enum provider_kind {
    PROVIDER_NONE,
    PROVIDER_PROCESS,
    PROVIDER_WEB_IDENTITY,
    PROVIDER_CONTAINER,
    PROVIDER_MACHINE,
};

/* Who is asked, and for what; all strings are owned, and NULL where they do not matter. */
struct provider {
    enum provider_kind kind;
    char *command;                       /* a program's */
    char *token_file, *role, *session;   /* for the token service: file with a token, role's ARN */
    char *region, *endpoint, *ca_bundle; /* and where that is; endpoint NULL: Amazon's in region */
};
void provider_free(struct provider *provider);

/* How it is called in sentences. */
const char *provider_name(enum provider_kind kind);

/* 1 with new keys; 0 when there is no such provider here; -1 with a sentence when it failed. From
 * any thread, one at a time. */
int provider_ask(const struct provider *provider, struct keys *keys);

/* 2026-01-31T23:59:59Z, or with an offset, as time; 0 when it is none. */
time_t provider_time(const char *text);

#endif
