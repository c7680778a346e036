/* What came of a request: whole and verified, worth another attempt, or refused (request.h). */
#include "request.h"

#include "message.h"
#include "s3xml.h"

#include <openssl/evp.h>
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
        return 1;
    default:
        return 0;
    }
}

/* The sentence for a status that is not 200. */
static void refuse(const struct request *request, long status, const char *code)
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
    else if ((status == 401 || status == 403) && request->s3->access.key_id == NULL)
        snprintf(hint, sizeof hint, ": it cannot be had unsigned");
    fail("cannot %s %s: status %ld%s%s%s%s", request->verb, request->name.at, status,
         code[0] ? " " : "", code, hint, id);
}

static enum verdict judge_status(const struct request *request, long status)
{
    static const char *const passing[] = {"RequestTimeout", "InternalError", "SlowDown",
                                          "ServiceUnavailable"};
    static const char *const slower[] = {"SlowDown", "Throttling", "ThrottlingException",
                                         "RequestLimitExceeded", "BandwidthLimitExceeded"};
    char code[64];
    s3xml_code(request->body.bytes, request->body.size, code);
    refuse(request, status, code);
    for (size_t i = 0; i < sizeof slower / sizeof *slower; i++)
        if (strcmp(code, slower[i]) == 0)
            return VERDICT_SLOWER;
    if (status == 429 || status == 503)
        return VERDICT_SLOWER;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcmp(code, passing[i]) == 0)
            return VERDICT_AGAIN;
    return status == 408 || status >= 500 ? VERDICT_AGAIN : VERDICT_REFUSED;
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
static enum verdict judge_body(const struct request *request)
{
    curl_off_t promised = -1;
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &promised);
    size_t size = request->body.size;
    const char *name = request->name.at;
    if (promised >= 0 && (uint64_t)promised != size)
        fail("cannot %s %s: %zu bytes came and %lld were announced", request->verb, name, size,
             (long long)promised);
    else if (request->object == NULL)
        return VERDICT_DONE; /* a page ends with its own closing tag */
    else if (size != request->object->size)
        fail("cannot read %s: %zu bytes came and %llu were listed", name, size,
             (unsigned long long)request->object->size);
    else if (request_etag_is_md5(request, request->object->etag) && !md5_matches(request))
        fail("cannot read %s: its MD5 is not the one listed", name);
    else
        return VERDICT_DONE;
    return VERDICT_AGAIN;
}

static enum verdict judge(const struct request *request, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (request->too_long && status == 200) {
        fail("cannot %s %s: more bytes came than %s", request->verb, request->name.at,
             request->object ? "were listed" : "a page can have");
        return request->object ? VERDICT_AGAIN : VERDICT_REFUSED;
    }
    if (code != CURLE_OK && !request->too_long) {
        fail("cannot %s %s: %s", request->verb, request->name.at,
             request->trouble[0] ? request->trouble : curl_easy_strerror(code));
        return is_passing(request, code) ? VERDICT_AGAIN : VERDICT_REFUSED;
    }
    if (request->streams && (status == 200 || status == 206))
        return VERDICT_DONE; /* as far as it goes */
    return status == 200 ? judge_body(request) : judge_status(request, status);
}

enum verdict request_judge(const struct request *request, CURLcode code)
{
    enum verdict verdict = judge(request, code);
    if (verdict == VERDICT_DONE || request->attempt < request->s3->access.attempts)
        return verdict;
    if (verdict != VERDICT_REFUSED && request->attempt > 1)
        fail("%s; tried %u times", why(), request->attempt);
    return VERDICT_REFUSED;
}
