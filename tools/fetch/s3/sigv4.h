/* Request signatures of Amazon Web Services, version 4 ("AWS Signature Version 4", in the S3 API
 * reference: "Authenticating Requests: Using the Authorization Header").
 *
 * The caller brings everything in its canonical form, and sends exactly that: path and query
 * strictly encoded (text_encode), the query sorted by name with "name=value" throughout, header
 * names in lower case, sorted, values without leading, trailing or double blanks. Nothing is
 * normalised here: S3 keys may hold "//" and "/../".
 *
 * A signer belongs to one thread. It keeps the key derived for a day.
 */
#ifndef PSWEEP_SIGV4_H
#define PSWEEP_SIGV4_H

#include "text.h"

#include <stddef.h>
#include <time.h>

/* SHA-256 of nothing: the payload hash of a request without a body. */
#define SIGV4_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_signer {
    const char *key_id, *secret, *region, *service; /* borrowed; fixed for the life of the signer */
    char date[9];                                   /* YYYYMMDD the key below is for; "" at first */
    unsigned char key[32];                          /* derived from secret, date, region, service */
};

struct sigv4_field {
    const char *name, *value;
};

struct sigv4_request {
    const char *method; /* "GET" */
    const char *path;   /* "/bucket/a%20key" */
    const char *query;  /* "list-type=2&prefix=" or "" */
    const struct sigv4_field
        *field; /* the headers to sign, host and x-amz-date among them, sorted */
    size_t fields;
    const char *payload; /* SHA-256 of the body in hex, or "UNSIGNED-PAYLOAD" */
};

/* Writes now as YYYYMMDDTHHMMSSZ, the value of x-amz-date. */
void sigv4_time(char stamp[17], time_t now);

/* Replaces authorization by the value of the Authorization header. stamp is that of x-amz-date. 0,
 * or -1 with a sentence when the cryptographic library fails. */
int sigv4_sign(struct sigv4_signer *signer, const struct sigv4_request *request,
               const char stamp[17], struct text *authorization);

#endif
