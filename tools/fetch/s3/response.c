/* The class of a response: whole and verified, worth another attempt, or refused (request.h). */
#include "s3/request.h"

#include "message.h"
#include "s3/s3xml.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Troubles of the way there and back. */
static int is_passing(const struct request *request, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: /* a name that is not found twice is wrong */
        return request->attempt < 2;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return 1;
    default:
        return 0;
    }
}

/* What people can make of a code that says who may not ask; NULL: nothing. */
static const char *explain_code(const char *code)
{
    static const char *const known[][2] = {
        {"NoSuchBucket", "there is no bucket of that name"},
        {"SignatureDoesNotMatch", "the secret access key is not the one of the access key id"},
        {"InvalidAccessKeyId", "the server does not know the access key id"},
        {"InvalidToken", "the server does not take the session token"},
        {"AccessDenied", "these keys do not permit it"},
        {"InvalidObjectState", "the object lies in an archive class, such as GLACIER or "
                               "DEEP_ARCHIVE, and must be restored before it can be read"},
        {"RequestTimeTooSkewed", "the time it was signed is not the server's; is the clock of "
                                 "this machine right?"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(code, known[i][0]) == 0)
            return known[i][1];
    return NULL;
}

/* The sentence for a status that is not 200; alone: without the object's name. */
static void refuse(const struct request *request, long status, const char *code, int alone)
{
    char id[160] = "", hint[160] = "";
    if (request->id[0] != '\0')
        snprintf(id, sizeof id, " (request id %s)", request->id);
    if (status == 412)
        snprintf(hint, sizeof hint, ": the object was replaced after it was listed");
    else if (status >= 300 && request->region[0] != '\0' &&
             strcmp(request->region, request->s3->access.region) != 0)
        snprintf(hint, sizeof hint, ": the bucket lives in region %s", request->region);
    else if (strcmp(code, "AuthorizationHeaderMalformed") == 0)
        snprintf(hint, sizeof hint, ": %s may be the wrong region", request->s3->access.region);
    else if ((status == 401 || status == 403) && request->s3->access.keyring == NULL &&
             strcmp(code, "InvalidObjectState") != 0)
        snprintf(hint, sizeof hint, ": it cannot be had unsigned");
    else if (explain_code(code) != NULL)
        snprintf(hint, sizeof hint, ": %s", explain_code(code));
    fail("%s%s%s%s%sstatus %ld%s%s%s%s", alone ? "" : "cannot ", alone ? "" : request->verb,
         alone ? "" : " ", alone ? "" : request->name.at, alone ? "" : ": ", status,
         code[0] ? " " : "", code, hint, id);
}

static int is_one_of(const char *code, const char *const *codes)
{
    while (*codes != NULL && strcmp(code, *codes) != 0)
        codes++;
    return *codes != NULL;
}

/* The server tells the bucket's region in a header, or in the document, and it is not ours. Without
 * signature, or with a server of one's own, regions mean nothing but in such answers. */
static int is_elsewhere(struct request *request, long status)
{
    const struct s3 *s3 = request->s3;
    if (s3->moved || s3->access.region == NULL || (status != 301 && status != 307 && status != 400))
        return 0;
    if (request->region[0] == '\0')
        s3xml_region(request->body.bytes, request->body.size, request->region);
    return request->region[0] != '\0' && strcmp(request->region, s3->access.region) != 0;
}

/* What is refused for the object's own sake. NoSuchBucket and the many codes for wrong keys concern
 * all objects. */
static int is_gone(const struct request *request, long status, const char *code)
{
    static const char *const of_object[] = {"AccessDenied", "InvalidObjectState", NULL};
    if (request->object == NULL)
        return 0;
    return (status == 404 && strcmp(code, "NoSuchBucket") != 0) || status == 410 ||
           (status == 403 && is_one_of(code, of_object));
}

/* The server finds the time of a signature too far from its own: our clock is wrong, or the request
 * was long on its way, or waited at the server. Another attempt is signed anew, and where the
 * answer tells the server's time, from now on by its clock. */
static int is_out_of_time(const struct request *request, const char *code)
{
    static const char *const codes[] = {"RequestTimeTooSkewed", "RequestExpired",
                                        "RequestInTheFuture", NULL};
    if (!is_one_of(code, codes) || request->keys == NULL)
        return 0;
    if (request->date >= 0)
        atomic_store(&request->s3->skew, (long)(request->date - time(NULL)));
    return 1;
}

/* The keys have expired: from now on all attempts are signed with others, if there are any. */
static int renews_keys(struct request *request, const char *code)
{
    static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException",
                                          "TokenRefreshRequired", NULL};
    if (!is_one_of(code, expired) || request->keys == NULL)
        return 0;
    char *refusal = ecopy(why());
    int done = keyring_renew(request->s3->access.keyring, request->keys, request_now(request));
    if (done < 0)
        fail("%s: %s", refusal, why());
    else
        fail("%s", refusal);
    free(refusal);
    return done == 0;
}

static enum response_class classify_status(struct request *request, long status)
{
    static const char *const passing[] = {"RequestTimeout", "InternalError", NULL};
    static const char *const slower[] = {"SlowDown",
                                         "Throttling",
                                         "ThrottlingException",
                                         "RequestLimitExceeded",
                                         "BandwidthLimitExceeded",
                                         NULL};
    char code[64];
    s3xml_code(request->body.bytes, request->body.size, code);
    int elsewhere = is_elsewhere(request, status), gone = is_gone(request, status, code);
    refuse(request, status, code, gone);
    if (elsewhere)
        return RESPONSE_MOVED;
    if (gone)
        return RESPONSE_GONE;
    if (status == 429 || status == 503 || is_one_of(code, slower))
        return RESPONSE_SLOWER;
    if (status == 408 || status >= 500 || is_one_of(code, passing) ||
        is_out_of_time(request, code) || renews_keys(request, code))
        return RESPONSE_AGAIN;
    return RESPONSE_REFUSED;
}

int request_etag_is_md5(const struct request *request, const char *etag)
{
    return request->etag_is_md5 && strlen(etag) == 32 &&
           strspn(etag, "0123456789abcdefABCDEF") == 32;
}

int md5_is(const unsigned char md5[16], const char *etag)
{
    char hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", md5[i]);
    return strcasecmp(hex, etag) == 0;
}

/* 1 when the MD5 of the body is the ETag. A libcrypto that is not allowed MD5 (FIPS) leaves the
 * length as the only check. */
static int md5_matches(const struct request *request)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(request->body.bytes, request->body.size, hash, NULL, EVP_md5(), NULL) != 1)
        return 1;
    return md5_is(hash, request->object->etag);
}

/* Status 200: is it all there, and is it what was listed? An answer without Content-Length that
 * ends early is no error to libcurl. */
static enum response_class classify_body(const struct request *request)
{
    curl_off_t promised = -1;
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &promised);
    size_t size = request->body.size;
    const char *name = request->name.at;
    if (promised >= 0 && (uint64_t)promised != size)
        fail("cannot %s %s: %zu byte%s came and %lld had been announced", request->verb, name, size,
             plural(size), (long long)promised);
    else if (request->object == NULL)
        return RESPONSE_DONE; /* a page ends with its own closing tag */
    else if (size != request->object->size)
        fail("cannot read %s: %zu byte%s came and %llu had been listed", name, size, plural(size),
             (unsigned long long)request->object->size);
    else if (request_etag_is_md5(request, request->object->etag) && !md5_matches(request))
        fail("cannot read %s: its MD5 is not the one listed", name);
    else
        return RESPONSE_DONE;
    return RESPONSE_AGAIN;
}

/* What may be wrong where no server speaks to us. */
static const char *explain_silence(const struct request *request, CURLcode code)
{
    int is_amazon = request->host.size > 0 && request->s3->access.endpoint == NULL;
    if ((code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT) && is_amazon)
        return " (Amazon's server; another one is named by --endpoint-url or AWS_ENDPOINT_URL)";
    return code == CURLE_SSL_CONNECT_ERROR ? " (does that server speak https?)" : "";
}

static enum response_class classify(struct request *request, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (request->keys != NULL && (status == 200 || status == 206))
        atomic_store(&request->keys->served, 1);
    if (request->too_long && status == 200) {
        fail("cannot %s %s: more bytes came than %s", request->verb, request->name.at,
             request->object ? "were listed" : "a page can have");
        return request->object ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (code != CURLE_OK && !request->too_long) {
        fail("cannot %s %s: %s%s", request->verb, request->name.at,
             request->trouble[0] ? request->trouble : curl_easy_strerror(code),
             explain_silence(request, code));
        return is_passing(request, code) ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (request->streams && (status == 200 || status == 206))
        return RESPONSE_DONE; /* as far as it goes */
    return status == 200 ? classify_body(request) : classify_status(request, status);
}

/* Nobody answered, and others wait for us to say so: no more than SILENT attempts. */
static int is_silence(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT ||
           code == CURLE_SSL_CONNECT_ERROR;
}

enum response_class request_classify(struct request *request, CURLcode code)
{
    enum { SILENT = 5 };
    enum response_class response = classify(request, code);
    unsigned most = request->s3->access.attempts;
    if (is_silence(code) && most > SILENT)
        most = SILENT;
    if ((response != RESPONSE_AGAIN && response != RESPONSE_SLOWER) || request->attempt < most)
        return response;
    if (request->attempt > 1)
        fail("%s; tried %u times", why(), request->attempt);
    return RESPONSE_REFUSED;
}
