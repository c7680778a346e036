#include "s3/sigv4.h"

#include "message.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

enum { HASH = SHA256_DIGEST_LENGTH };

void sigv4_time(char stamp[17], time_t now)
{
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, 17, "%Y%m%dT%H%M%SZ", &utc);
}

static void add_hex(struct text *out, const unsigned char hash[HASH])
{
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < HASH; i++)
        text_bytes(out, (char[]){digit[hash[i] >> 4], digit[hash[i] & 15]}, 2);
}

static int hmac(unsigned char out[HASH], const void *key, size_t key_size, const char *text,
                size_t size)
{
    if (HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, size, out, NULL) ==
        NULL)
        return fail("cannot sign the request: HMAC-SHA256 failed in libcrypto");
    return 0;
}

/* kDate, kRegion, kService and kSigning of the specification; once a day, for the chain costs five
 * times what one signature does. */
static int derive_key(struct sigv4_signer *signer, const char stamp[17])
{
    if (memcmp(signer->date, stamp, 8) == 0)
        return 0;
    struct text start = {0};
    text_format(&start, "AWS4%s", signer->secret);
    unsigned char a[HASH], b[HASH];
    int done = hmac(a, start.at, start.size, stamp, 8);
    if (done == 0)
        done = hmac(b, a, HASH, signer->region, strlen(signer->region));
    if (done == 0)
        done = hmac(a, b, HASH, signer->service, strlen(signer->service));
    if (done == 0)
        done = hmac(signer->key, a, HASH, "aws4_request", 12);
    if (done == 0)
        memcpy(signer->date, stamp, 8);
    explicit_bzero(start.at, start.capacity);
    explicit_bzero(a, sizeof a);
    explicit_bzero(b, sizeof b);
    text_free(&start);
    return done;
}

static void add_names(struct text *out, const struct sigv4_request *request)
{
    for (size_t i = 0; i < request->fields; i++)
        text_format(out, i ? ";%s" : "%s", request->field[i].name);
}

/* The canonical request and the string to sign are built, one after the other, where the result
 * goes. */
int sigv4_sign(struct sigv4_signer *signer, const struct sigv4_request *request,
               const char stamp[17], struct text *authorization)
{
    if (derive_key(signer, stamp) < 0)
        return -1;
    struct text *work = authorization;
    text_clear(work);
    text_format(work, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->fields; i++)
        text_format(work, "%s:%s\n", request->field[i].name, request->field[i].value);
    text_bytes(work, "\n", 1);
    add_names(work, request);
    text_format(work, "\n%s", request->payload);

    unsigned char hash[HASH];
    SHA256((const unsigned char *)work->at, work->size, hash);
    text_clear(work);
    text_format(work, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n", stamp, signer->date,
                signer->region, signer->service);
    add_hex(work, hash);
    if (hmac(hash, signer->key, HASH, work->at, work->size) < 0)
        return -1;

    text_clear(work);
    text_format(work, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=",
                signer->key_id, signer->date, signer->region, signer->service);
    add_names(work, request);
    text_format(work, ", Signature=");
    add_hex(work, hash);
    return 0;
}
