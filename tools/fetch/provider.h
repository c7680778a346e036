/* Those who hand out S3 keys for a time: a program, the container that we run in, the machine.
 *
 *   a program     credential_process of a profile; writes one JSON object to its stdout
 *   a container   AWS_CONTAINER_CREDENTIALS_FULL_URI (https, or on this machine or at 169.254.170.2
 *                 or .23), or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2; with
 *                 AWS_CONTAINER_AUTHORIZATION_TOKEN or that in the file …_TOKEN_FILE
 *   the machine   the metadata service, version 2, at AWS_EC2_METADATA_SERVICE_ENDPOINT or
 *                 http://169.254.169.254, unless AWS_EC2_METADATA_DISABLED is true; asked once, and
 *                 given a second to answer
 *
 * Each returns 1 with keys, 0 when there is no such provider, -1 with a sentence when it failed. No
 * sentence has anything of what a provider answered. Keys are not asked for again when they expire:
 * then requests are refused.
 */
#ifndef PSWEEP_PROVIDER_H
#define PSWEEP_PROVIDER_H

#include "text.h"

/* All zero at first; freed, and overwritten, by keys_free(). */
struct keys {
    struct text key_id, secret, token; /* token may be "" */
};
void keys_free(struct keys *keys);

int provider_process(struct keys *keys, const char *command);
int provider_container(struct keys *keys);
int provider_machine(struct keys *keys);

#endif
