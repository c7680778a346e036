#include "s3/request.h"

#include "message.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CONNECT_MS = 5000, /* to a connection, TLS included */
    STALL_S = 10,      /* without a byte, also before the first one */
    MAX_PAGE =
        32 << 20, /* bytes of a listing's page: 1000 keys of 1 KiB, encoded threefold, fit well */
    MAX_ERROR = 64 << 10, /* bytes kept of an error document */
};

struct s3 *s3_open(const struct access_options *options, const struct cancellation *cancellation)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fail("libcurl cannot start");
        return NULL;
    }
    struct s3 *s3 = ealloc(1, sizeof *s3);
    s3->cancellation = *cancellation;
    if (access_find(&s3->access, options) == 0)
        return s3;
    curl_global_cleanup();
    free(s3);
    return NULL;
}

void s3_close(struct s3 *s3)
{
    if (s3 == NULL)
        return;
    access_free(&s3->access);
    curl_global_cleanup();
    explicit_bzero(s3, sizeof *s3);
    free(s3);
}

/* libcurl brings a part of the body. How many bytes may come depends on the status, which is known
 * by then. The first part of an object makes room for the whole of it. */
static size_t on_body(char *bytes, size_t one, size_t size, void *user)
{
    (void)one;
    struct request *request = user;
    struct body *body = &request->body;
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    int is_object = request->object != NULL && status == 200;
    int is_listed = is_object && request->object->size != S3_ANY_SIZE;
    size_t most = request->streams && (status == 200 || status == 206) ? SIZE_MAX
                  : status != 200                                      ? MAX_ERROR
                  : is_listed                                          ? request->object->size
                  : is_object                                          ? REQUEST_MAX_FILE
                                                                       : MAX_PAGE;
    if (size > most - body->size) {
        request->too_long = 1;
        return 0;
    }
    if (body->size + size > body->capacity) {
        body->capacity = is_listed ? most : 2 * (body->size + size);
        body->bytes = egrow(body->bytes, body->capacity, 1);
    }
    memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
    return size;
}

void request_header(const struct request *request, const char *name, char *value, size_t room)
{
    struct curl_header *header;
    size_t used = 0;
    if (curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        for (const char *from = header->value; *from != '\0' && used + 1 < room; from++)
            if (*from >= ' ' && *from <= '~')
                value[used++] = *from;
    value[used] = '\0';
}

int request_open(struct request *request, struct s3 *s3)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return fail("libcurl cannot start a transfer");
    *request = (struct request){.s3 = s3, .easy = easy};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->trouble);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "psfetch/" PSWEEP_VERSION);
    /* HTTP/2 where a server offers it, with many requests on one connection: the first one shows,
     * and the others wait for it. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a key may hold /../ */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    if (s3->access.ca_bundle != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, s3->access.ca_bundle);
    return 0;
}

void request_close(struct request *request)
{
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    struct text *texts[] = {&request->name,  &request->host, &request->path,
                            &request->query, &request->url,  &request->authorization,
                            &request->line};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text_free(texts[i]);
    free(request->body.bytes);
    *request = (struct request){0};
}

static void clear_address(struct request *request, const char *verb)
{
    struct text *const parts[] = {&request->name, &request->host, &request->path, &request->query,
                                  &request->url};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        text_clear(parts[i]);
    request->verb = verb;
    curl_easy_setopt(request->easy, CURLOPT_FOLLOWLOCATION,
                     0L); /* another host would need another signature */
}

/* A question: its verb, and its name for sentences, in which a newline in a key must not end one;
 * host and path up to the bucket, and the URL's start. The bucket stands in the host name, but
 * where it matches no certificate so, or with a server of one's own, which has a name for each
 * bucket only where somebody has seen to it. */
static void begin_address(struct request *request, const char *verb, const char *bucket,
                          const char *key)
{
    const struct access *access = &request->s3->access;
    const char *endpoint = access->endpoint, *host = "", *path = "";
    int in_host = access->style != STYLE_AUTO ? access->style == STYLE_VIRTUAL
                                              : endpoint == NULL && strchr(bucket, '.') == NULL;
    clear_address(request, verb);
    text_format(&request->name, "s3://%s/", bucket);
    for (; *key != '\0'; key++)
        if ((unsigned char)*key < ' ' || *key == 127)
            text_format(&request->name, "%%%02X", (unsigned char)*key);
        else
            text_bytes(&request->name, key, 1);
    if (endpoint != NULL) {
        host = strstr(endpoint, "://") + 3;
        path = host + strcspn(host, "/");
    }
    if (in_host)
        text_format(&request->host, "%s.", bucket);
    if (endpoint != NULL)
        text_bytes(&request->host, host, (size_t)(path - host));
    else
        text_format(&request->host, "s3.%s.amazonaws.com%s", access->region,
                    strncmp(access->region, "cn-", 3) == 0 ? ".cn" : "");
    text_format(&request->path, in_host ? "%s" : "%s/%s", path, bucket);
    text_format(&request->url, "%.*s%s", endpoint ? (int)(host - endpoint) : 8,
                endpoint ? endpoint : "https://", request->host.at);
}

/* The parts are complete: joins them to the URL and makes ready for the first attempt. */
static void finish_address(struct request *request, const struct s3_object *object)
{
    text_bytes(&request->url, request->path.at, request->path.size);
    if (request->query.size > 0)
        text_format(&request->url, "?%s", request->query.at);
    curl_easy_setopt(request->easy, CURLOPT_URL, request->url.at);
    request->object = object;
    request->attempt = 0;
}

void request_object(struct request *request, const char *bucket, const struct s3_object *object)
{
    begin_address(request, "read", bucket, object->key);
    text_bytes(&request->path, "/", 1);
    text_encode(&request->path, object->key, strlen(object->key), "/");
    finish_address(request, object);
}

void request_page(struct request *request, const char *bucket, const char *folder,
                  const char *query)
{
    begin_address(request, "list", bucket, folder);
    if (request->path.size == 0)
        text_bytes(&request->path, "/", 1);
    text_format(&request->query, "%s", query);
    finish_address(request, NULL);
}

void request_url(struct request *request, const char *url, const struct s3_object *object)
{
    clear_address(request, "read");
    text_bytes(&request->name, url, strcspn(url, "?#")); /* what is behind may be a secret */
    text_format(&request->url, "%s", url);
    int plain = strncmp(url, "http://", 7) == 0;
    curl_easy_setopt(request->easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(request->easy, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(request->easy, CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
    request->keys = NULL;
    finish_address(request, object);
}

void request_move(struct request *request)
{
    struct s3 *s3 = request->s3;
    explain("%s; going there", why());
    free(s3->access.region);
    s3->access.region = ecopy(request->region);
    s3->signer = (struct sigv4_signer){0};
    s3->moved = 1;
}

static int add_header(struct request *request, const char *name, const char *value)
{
    text_clear(&request->line);
    text_format(&request->line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(request->headers, request->line.at);
    if (longer == NULL)
        return fail("out of memory for the headers of a request");
    request->headers = longer;
    return 0;
}

/* The keys of now; the signed headers in the order of their names, and the signature over them. */
static int add_signature(struct request *request)
{
    struct s3 *s3 = request->s3;
    char stamp[17];
    time_t now = time(NULL) + s3->skew;
    sigv4_time(stamp, now);
    const struct keys *keys = request->keys = cache_keys(s3->access.cache, now);
    if (s3->signer.secret != keys->secret)
        s3->signer = (struct sigv4_signer){.key_id = keys->key_id,
                                           .secret = keys->secret,
                                           .region = s3->access.region,
                                           .service = "s3"};
    struct sigv4_field field[] = {{"host", request->host.at},
                                  {"x-amz-content-sha256", SIGV4_EMPTY},
                                  {"x-amz-date", stamp},
                                  {"x-amz-security-token", keys->token}};
    struct sigv4_request canonical = {"GET", request->path.at,      request->query.at,
                                      field, keys->token ? 4u : 3u, SIGV4_EMPTY};
    if (sigv4_sign(&s3->signer, &canonical, stamp, &request->authorization) < 0)
        return -1;
    for (size_t i = 1; i < canonical.fields; i++) /* host is sent in any case */
        if (add_header(request, field[i].name, field[i].value) < 0)
            return -1;
    return add_header(request, "Authorization", request->authorization.at);
}

/* Whether it asks for a page of the web, and so for nothing of S3. */
static int is_page(const struct request *request)
{
    return request->host.size == 0;
}

int request_sign(struct request *request)
{
    request->attempt++;
    request->body.size = 0;
    request->too_long = 0;
    request->region[0] = request->trouble[0] = '\0';
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    if (request->host.size > 0 && add_header(request, "Host", request->host.at) < 0)
        return -1;
    if (request->streams && request->from > 0) {
        char range[40];
        snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)request->from);
        if (add_header(request, "Range", range) < 0)
            return -1;
    }
    if (request->s3->access.cache != NULL && !is_page(request) && add_signature(request) < 0)
        return -1;
    if (request->object != NULL && request->object->etag[0] != '\0') {
        char quoted[sizeof request->object->etag + 2];
        snprintf(quoted, sizeof quoted, "\"%s\"", request->object->etag);
        if (add_header(request, "If-Match", quoted) < 0)
            return -1;
    }
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
    /* What went wrong may be the connection's fault or its server's: another attempt takes a new
     * one. */
    curl_easy_setopt(request->easy, CURLOPT_FRESH_CONNECT, request->attempt > 1 ? 1L : 0L);
    return 0;
}

long request_pause(const struct request *request, enum response_class response, double random)
{
    double most = response == RESPONSE_SLOWER ? 1000 : 50;
    for (unsigned i = 1; i < request->attempt && most < 20000; i++)
        most *= 2;
    return (long)(random * (most < 20000 ? most : 20000));
}

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

/* What people can make of a refusal; "": nothing. */
static const char *explain_status(const struct request *request, long status, const char *code,
                                  char hint[160])
{
    static const char *const known[][2] = {
        {"NoSuchBucket", ": there is no bucket of that name"},
        {"SignatureDoesNotMatch", ": the secret access key is not the one of the access key id"},
        {"InvalidAccessKeyId", ": the server does not know the access key id"},
        {"InvalidToken", ": the server does not take the session token"},
        {"AccessDenied", ": these keys do not permit it"},
        {"InvalidObjectState", ": the object lies in an archive class, such as GLACIER or "
                               "DEEP_ARCHIVE, and must be restored before it can be read"},
        {"RequestTimeTooSkewed", ": the time it was signed is not the server's; is the clock of "
                                 "this machine right?"},
    };
    const struct access *access = &request->s3->access;
    if (status == 412)
        return ": the object was replaced after it was listed";
    if (status >= 300 && request->region[0] != '\0' && access->region != NULL &&
        strcmp(request->region, access->region) != 0)
        snprintf(hint, 160, ": the bucket lives in region %s", request->region);
    else if (strcmp(code, "AuthorizationHeaderMalformed") == 0)
        snprintf(hint, 160, ": %s may be the wrong region", access->region);
    if (hint[0] != '\0')
        return hint;
    if ((status == 401 || status == 403) && access->cache == NULL &&
        strcmp(code, "InvalidObjectState") != 0)
        return ": it cannot be had unsigned";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(code, known[i][0]) == 0)
            return known[i][1];
    return "";
}

static int is_one_of(const char *code, const char *const *codes)
{
    while (*codes != NULL && strcmp(code, *codes) != 0)
        codes++;
    return *codes != NULL;
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
    char text[64];
    request_header(request, "Date", text, sizeof text);
    time_t date = curl_getdate(text, NULL);
    if (date >= 0)
        request->s3->skew = (long)(date - time(NULL));
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
    int done =
        cache_renew(request->s3->access.cache, request->keys, time(NULL) + request->s3->skew);
    if (done < 0)
        fail("%s: %s", refusal, why());
    else
        fail("%s", refusal);
    free(refusal);
    return done == 0;
}

/* A status that is not 200. */
static enum response_class classify_status(struct request *request, long status)
{
    static const char *const of_object[] = {"AccessDenied", "InvalidObjectState", NULL};
    static const char *const passing[] = {"RequestTimeout", "InternalError", NULL};
    static const char *const slower[] = {"SlowDown",
                                         "Throttling",
                                         "ThrottlingException",
                                         "RequestLimitExceeded",
                                         "BandwidthLimitExceeded",
                                         NULL};
    const struct s3 *s3 = request->s3;
    const struct body *body = &request->body;
    char code[64], id[128], hint[160] = "";
    s3xml_error(body->bytes, body->size, "<Code>", code, sizeof code);
    request_header(request, "x-amz-request-id", id, sizeof id);
    request_header(request, "x-amz-bucket-region", request->region, sizeof request->region);
    /* The server tells the bucket's region, and it is not ours. Without signature, or with a server
     * of one's own, regions mean nothing but in such answers. */
    int may_move = !s3->moved && !is_page(request) && s3->access.region != NULL &&
                   (status == 301 || status == 307 || status == 400);
    if (may_move && request->region[0] == '\0')
        s3xml_error(body->bytes, body->size, "<Region>", request->region, sizeof request->region);
    int is_elsewhere =
        may_move && request->region[0] != '\0' && strcmp(request->region, s3->access.region) != 0;
    /* What is refused for the object's own sake. NoSuchBucket and the many codes for wrong keys
     * concern all objects. */
    int is_gone = request->object != NULL &&
                  ((status == 404 && strcmp(code, "NoSuchBucket") != 0) || status == 410 ||
                   (status == 403 && (is_page(request) || is_one_of(code, of_object))));
    struct text subject = {0};
    text_clear(&subject);
    if (!is_gone)
        text_format(&subject, "cannot %s %s: ", request->verb, request->name.at);
    fail("%sstatus %ld%s%s%s%s%s%s", subject.at, status, code[0] ? " " : "", code,
         explain_status(request, status, code, hint), id[0] ? " (request id " : "", id,
         id[0] ? ")" : "");
    text_free(&subject);
    if (is_elsewhere)
        return RESPONSE_MOVED;
    if (is_gone)
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
    char encrypted[32], customer[8];
    if (strlen(etag) != 32 || strspn(etag, "0123456789abcdefABCDEF") != 32)
        return 0;
    request_header(request, "x-amz-server-side-encryption", encrypted, sizeof encrypted);
    request_header(request, "x-amz-server-side-encryption-customer-algorithm", customer,
                   sizeof customer);
    return (encrypted[0] == '\0' || strcmp(encrypted, "AES256") == 0) && customer[0] == '\0';
}

int md5_is(const unsigned char md5[16], const char *etag)
{
    char hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", md5[i]);
    return strcasecmp(hex, etag) == 0;
}

/* Status 200: is it all there, and is it what was listed? An answer without Content-Length that
 * ends early is no error to libcurl. A libcrypto that is not allowed MD5 (FIPS) leaves the length
 * as the only check. */
static enum response_class classify_body(const struct request *request)
{
    curl_off_t promised = -1;
    unsigned char hash[EVP_MAX_MD_SIZE];
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &promised);
    const struct s3_object *object = request->object;
    const uint8_t *bytes = request->body.bytes;
    size_t size = request->body.size;
    const char *name = request->name.at;
    int is_listed = object != NULL && object->size != S3_ANY_SIZE;
    char etag[80] = "";
    if (is_listed) {
        snprintf(etag, sizeof etag, "%s", object->etag);
    } else if (!is_page(request)) { /* "…", an MD5 or not */
        char quoted[sizeof etag];
        request_header(request, "ETag", quoted, sizeof quoted);
        if (quoted[0] == '"')
            snprintf(etag, sizeof etag, "%.*s", (int)strcspn(quoted + 1, "\""), quoted + 1);
    }
    if (promised >= 0 && (uint64_t)promised != size)
        fail("cannot %s %s: %zu byte%s came and %lld had been announced", request->verb, name, size,
             plural(size), (long long)promised);
    else if (object == NULL)
        return RESPONSE_DONE; /* a page ends with its own closing tag */
    else if (is_listed && size != object->size)
        fail("cannot read %s: %zu byte%s came and %llu had been listed", name, size, plural(size),
             (unsigned long long)object->size);
    else if (request_etag_is_md5(request, etag) &&
             EVP_Digest(bytes, size, hash, NULL, EVP_md5(), NULL) == 1 && !md5_is(hash, etag))
        fail("cannot read %s: its MD5 is not %s", name, is_listed ? "the one listed" : "its ETag");
    else
        return RESPONSE_DONE;
    return RESPONSE_AGAIN;
}

static enum response_class classify(struct request *request, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (request->keys != NULL && (status == 200 || status == 206))
        request->keys->have_served = 1;
    if (request->too_long && status == 200 && request->object != NULL &&
        request->object->size == S3_ANY_SIZE) {
        fail("it has more than %d MiB", REQUEST_MAX_FILE >> 20);
        return RESPONSE_GONE;
    }
    if (request->too_long && status == 200) {
        fail("cannot %s %s: more bytes came than %s", request->verb, request->name.at,
             request->object ? "were listed" : "a page can have");
        return request->object ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (code != CURLE_OK && !request->too_long) {
        int is_amazon = request->host.size > 0 && request->s3->access.endpoint == NULL;
        const char *hint = "";
        if ((code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT) && is_amazon)
            hint = " (Amazon's server; another one is named by --endpoint-url or AWS_ENDPOINT_URL)";
        else if (code == CURLE_SSL_CONNECT_ERROR)
            hint = " (does that server speak https?)";
        fail("cannot %s %s: %s%s", request->verb, request->name.at,
             request->trouble[0] ? request->trouble : curl_easy_strerror(code), hint);
        return is_passing(request, code) ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (request->streams && (status == 200 || status == 206))
        return RESPONSE_DONE; /* as far as it goes */
    return status == 200 ? classify_body(request) : classify_status(request, status);
}

enum response_class request_classify(struct request *request, CURLcode code)
{
    enum { SILENT = 5 }; /* attempts where nobody answers, and others wait for us to say so */
    enum response_class response = classify(request, code);
    unsigned most = request->s3->access.attempts;
    if ((code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT ||
         code == CURLE_SSL_CONNECT_ERROR) &&
        most > SILENT)
        most = SILENT;
    if ((response != RESPONSE_AGAIN && response != RESPONSE_SLOWER) || request->attempt < most)
        return response;
    if (request->attempt > 1)
        fail("%s; tried %u times", why(), request->attempt);
    return RESPONSE_REFUSED;
}
