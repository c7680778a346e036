#include "s3/request.h"

#include "message.h"
#include "s3/s3xml.h"

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

/* The most bytes the answer may bring; it depends on the status, which is known by then. */
static size_t most_bytes(const struct request *request)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (request->streams && (status == 200 || status == 206))
        return SIZE_MAX;
    if (status != 200)
        return MAX_ERROR;
    return request->object ? request->object->size : MAX_PAGE;
}

/* libcurl brings a part of the body. The first part of an object makes room for the whole of it. */
static size_t on_body(char *bytes, size_t one, size_t size, void *user)
{
    (void)one;
    struct request *request = user;
    struct body *body = &request->body;
    size_t most = most_bytes(request);
    if (size > most - body->size) {
        request->too_long = 1;
        return 0;
    }
    if (body->size + size > body->capacity) {
        size_t want = request->object && most != MAX_ERROR ? most : 2 * (body->size + size);
        body->bytes = egrow(body->bytes, want, 1);
        body->capacity = want;
    }
    memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
    return size;
}

/* The value of the header line when it has this name, blanks cut off; its size in *size. */
static const char *header_value(const char *line, size_t length, const char *name, size_t *size)
{
    size_t skip = strlen(name);
    if (length <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
        return NULL;
    const char *from = line + skip + 1, *end = line + length;
    while (from < end && *from == ' ')
        from++;
    while (end > from && (unsigned char)end[-1] <= ' ')
        end--;
    *size = (size_t)(end - from);
    return from;
}

/* Keeps a header's value that will be part of a sentence: printable ASCII only, cut to the room. */
static void keep_value(char *kept, size_t room, const char *value, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size && used + 1 < room; i++)
        if (value[i] > ' ' && value[i] <= '~')
            kept[used++] = value[i];
    kept[used] = '\0';
}

/* Content-Range: bytes 5-9/10 */
static void take_range(struct answer *answer, const char *value, size_t size)
{
    char copy[80];
    keep_value(copy, sizeof copy, value, size);
    unsigned long long start, total;
    if (sscanf(copy, "bytes%llu-%*u/%llu", &start, &total) == 2) {
        answer->start = start;
        answer->total = total;
    }
}

static time_t take_date(const char *value, size_t size)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%.*s", (int)size, value);
    return curl_getdate(copy, NULL);
}

static size_t on_header(char *line, size_t one, size_t length, void *user)
{
    (void)one;
    struct request *request = user;
    const char *value;
    size_t size;
    struct answer *answer = &request->answer;
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0)
        *answer = (struct answer){.total = UINT64_MAX}; /* also after a redirect */
    else if ((value = header_value(line, length, "date", &size)) != NULL)
        request->date = take_date(value, size);
    else if ((value = header_value(line, length, "etag", &size)) != NULL)
        keep_value(answer->etag, sizeof answer->etag, value, size);
    else if ((value = header_value(line, length, "last-modified", &size)) != NULL)
        keep_value(answer->modified, sizeof answer->modified, value, size);
    else if ((value = header_value(line, length, "content-range", &size)) != NULL)
        take_range(answer, value, size);
    else if ((value = header_value(line, length, "x-amz-request-id", &size)) != NULL)
        keep_value(request->id, sizeof request->id, value, size);
    else if ((value = header_value(line, length, "x-amz-bucket-region", &size)) != NULL)
        keep_value(request->region, sizeof request->region, value, size);
    else if ((value = header_value(line, length, "x-amz-server-side-encryption", &size)) != NULL)
        request->etag_is_md5 = size == 6 && memcmp(value, "AES256", 6) == 0;
    else if (header_value(line, length, "x-amz-server-side-encryption-customer-algorithm", &size) !=
             NULL)
        request->etag_is_md5 = 0;
    return length;
}

int request_open(struct request *request, struct s3 *s3, struct sigv4_signer *signer)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return fail("libcurl cannot start a transfer");
    *request = (struct request){.s3 = s3, .signer = signer, .easy = easy};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->trouble);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "psfetch/" PSWEEP_VERSION);
    /* HTTP/2 where a server offers it, with many requests on one connection: the first one shows,
     * and the others wait for it. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a key may hold /../ */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
                     0L); /* another host would need another signature */
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

struct sigv4_signer request_signer(const struct s3 *s3)
{
    return (struct sigv4_signer){.region = s3->access.region, .service = "s3"};
}

/* Whether the bucket stands in the host name. A server of one's own has a name for each bucket only
 * where somebody has seen to it; and a bucket with dots matches no certificate. */
static int is_in_host(const struct access *access, const char *bucket)
{
    if (access->style != STYLE_AUTO)
        return access->style == STYLE_VIRTUAL;
    return access->endpoint == NULL && strchr(bucket, '.') == NULL;
}

/* host and path up to the bucket, and the URL's start. */
static void address(struct request *request, const char *bucket)
{
    const struct access *access = &request->s3->access;
    const char *endpoint = access->endpoint, *host = "", *path = "";
    int in_host = is_in_host(access, bucket);
    text_clear(&request->host);
    text_clear(&request->path);
    text_clear(&request->url);
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
    text_format(&request->path, "%s", path);
    if (!in_host)
        text_format(&request->path, "/%s", bucket);
    text_format(&request->url, "%.*s%s", endpoint ? (int)(host - endpoint) : 8,
                endpoint ? endpoint : "https://", request->host.at);
}

/* name: for sentences, so a newline in a key must not end one. */
static void name_it(struct request *request, const char *verb, const char *bucket, const char *key)
{
    request->verb = verb;
    text_clear(&request->name);
    text_format(&request->name, "s3://%s/", bucket);
    for (; *key != '\0'; key++)
        if ((unsigned char)*key < ' ' || *key == 127)
            text_format(&request->name, "%%%02X", (unsigned char)*key);
        else
            text_bytes(&request->name, key, 1);
}

/* The parts are complete: joins them to the URL and makes ready for the first attempt. */
static void finish_address(struct request *request)
{
    text_bytes(&request->url, request->path.at, request->path.size);
    if (request->query.size > 0)
        text_format(&request->url, "?%s", request->query.at);
    curl_easy_setopt(request->easy, CURLOPT_URL, request->url.at);
    request->attempt = 0;
}

void request_move(struct request *request)
{
    struct access *access = &request->s3->access;
    explain("%s; going there", why());
    free(access->region);
    access->region = ecopy(request->region);
    request->s3->moved = 1;
    *request->signer = request_signer(request->s3);
}

void request_object(struct request *request, const char *bucket, const struct s3_object *object)
{
    request->object = object;
    name_it(request, "read", bucket, object->key);
    address(request, bucket);
    text_bytes(&request->path, "/", 1);
    sigv4_encode(&request->path, object->key, strlen(object->key), "/");
    text_clear(&request->query);
    finish_address(request);
}

void request_page(struct request *request, const char *bucket, const char *folder,
                  const char *query)
{
    request->object = NULL;
    name_it(request, "list", bucket, folder);
    address(request, bucket);
    if (request->path.size == 0)
        text_bytes(&request->path, "/", 1);
    text_clear(&request->query);
    text_format(&request->query, "%s", query);
    finish_address(request);
}

void request_url(struct request *request, const char *url)
{
    request->object = NULL;
    request->verb = "read";
    text_clear(&request->name);
    text_bytes(&request->name, url, strcspn(url, "?#")); /* what is behind may be a secret */
    text_clear(&request->host);
    text_clear(&request->path);
    text_clear(&request->query);
    text_clear(&request->url);
    text_format(&request->url, "%s", url);
    int plain = strncmp(url, "http://", 7) == 0;
    curl_easy_setopt(request->easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(request->easy, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(request->easy, CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
    finish_address(request);
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

time_t request_now(const struct request *request)
{
    return time(NULL) + atomic_load(&request->s3->skew);
}

/* Gives the signer the keys of now. */
static void take_keys(struct request *request, time_t now)
{
    struct sigv4_signer *signer = request->signer;
    request->keys = keyring_now(request->s3->access.keyring, now);
    if (signer->secret == request->keys->secret)
        return;
    *signer = request_signer(request->s3);
    signer->key_id = request->keys->key_id;
    signer->secret = request->keys->secret;
}

/* The signed headers in the order of their names, and the signature over them. */
static int add_signature(struct request *request)
{
    char stamp[17];
    time_t now = request_now(request);
    sigv4_time(stamp, now);
    take_keys(request, now);
    const char *token = request->keys->token;
    struct sigv4_field field[] = {{"host", request->host.at},
                                  {"x-amz-content-sha256", SIGV4_EMPTY},
                                  {"x-amz-date", stamp},
                                  {"x-amz-security-token", token}};
    struct sigv4_request canonical = {"GET", request->path.at, request->query.at,
                                      field, token ? 4u : 3u,  SIGV4_EMPTY};
    if (sigv4_sign(request->signer, &canonical, stamp, &request->authorization) < 0)
        return -1;
    for (size_t i = 1; i < canonical.fields; i++) /* host is sent in any case */
        if (add_header(request, field[i].name, field[i].value) < 0)
            return -1;
    return add_header(request, "Authorization", request->authorization.at);
}

int request_sign(struct request *request)
{
    request->attempt++;
    request->body.size = 0;
    request->too_long = 0;
    request->etag_is_md5 = 1;
    request->date = -1;
    request->id[0] = request->region[0] = request->trouble[0] = '\0';
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
    if (request->s3->access.keyring != NULL && add_signature(request) < 0)
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
