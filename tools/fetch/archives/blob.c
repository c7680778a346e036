#include "archives/blob.h"

#include "message.h"
#include "s3/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK = 1 << 18,     /* bytes of a file that are read at once */
    PROGRESS = 64 << 10, /* bytes that make an attempt worth its while */
    CANCEL_MS = 200,     /* how often cancellation is asked */
};

/* What the headers of an answer say of the whole that it is, or is a part of. */
struct answer {
    char etag[80], modified[48]; /* as they stand there, or "" */
    uint64_t start, total;       /* where this part starts, and how long the whole is */
};

struct blob {
    char *name;
    uint64_t at; /* bytes handed out, or passed over */

    int fd; /* a file; or -1, and it comes by the network: */
    uint64_t size;
    uint8_t *block;

    struct s3 *s3;
    struct request request;
    CURLM *multi;
    char *bucket, *key; /* NULL for a page */
    unsigned short random[3];
    uint64_t comes;      /* the place in the whole of what the answer brings next */
    uint64_t mark;       /* at, when the attempts were last counted anew */
    struct answer first; /* what the first answer said of the whole */
    int is_answered;     /* there was one */
    int is_running;      /* a transfer is on its way */
    int is_checked;      /* its answer is one to our question */
    int has_ended;       /* it has ended so, but its last bytes are in the hands of the caller: */
    CURLcode code;
    int is_whole;    /* the last byte has come */
    int is_torn;     /* it broke off, and there is no way to go on from there */
    EVP_MD_CTX *md5; /* of the bytes handed out */
    unsigned restarts;
};

int blob_is_url(const char *name)
{
    return s3_is_url(name) || strncmp(name, "https://", 8) == 0 || strncmp(name, "http://", 7) == 0;
}

char *blob_show(const char *url)
{
    char *shown = ecopy(url);
    if (blob_is_url(url) && !s3_is_url(url))
        shown[strcspn(shown, "?#")] = '\0';
    return shown;
}

int blob_check_page(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t size = strcspn(host, "/?#");
    int shown = (int)strcspn(url, "?#");
    if (memchr(host, '@', size) != NULL)
        return fail("a URL with a user name in it is no source");
    if (size == 0 || strpbrk(url, " \r\n\t") != NULL)
        return fail("%.*s is not a URL", shown, url);
    if (strncmp(url, "http://", 7) == 0 && strncmp(host, "127.", 4) != 0 &&
        strncmp(host, "[::1]", 5) != 0 &&
        (strncmp(host, "localhost", 9) != 0 || strchr(":/", host[9]) == NULL))
        return fail("cannot read %.*s: only https:// is taken from other machines", shown, url);
    return 0;
}

static void address(struct blob *blob)
{
    if (blob->key != NULL)
        request_object(&blob->request, blob->bucket, &(struct s3_object){.key = blob->key});
    else
        request_url(&blob->request, blob->name, NULL);
    blob->request.object = NULL; /* nothing is known from a listing */
    blob->request.streams = 1;
}

static int open_url(struct blob *blob, const struct access_options *access,
                    const struct cancellation *cancellation)
{
    struct s3_listing place = {0};
    int is_s3 = s3_is_url(blob->name);
    if ((is_s3 ? s3_take_url(blob->name, 0, &place) : blob_check_page(blob->name)) < 0)
        return -1;
    blob->bucket = place.bucket;
    blob->key = place.folder;
    blob->s3 = s3_open(is_s3 ? access : NULL, cancellation);
    if (blob->s3 == NULL || request_open(&blob->request, blob->s3) < 0)
        return -1;
    blob->random[0] = (unsigned short)time(NULL);
    blob->md5 = EVP_MD_CTX_new();
    blob->multi = curl_multi_init();
    if (blob->md5 == NULL || blob->multi == NULL)
        return fail("libcurl cannot start a transfer");
    if (EVP_DigestInit_ex(blob->md5, EVP_md5(), NULL) != 1) { /* FIPS */
        EVP_MD_CTX_free(blob->md5);
        blob->md5 = NULL;
    }
    address(blob);
    return 0;
}

struct blob *blob_open(const char *name, const struct access_options *access,
                       const struct cancellation *cancellation)
{
    struct blob *blob = ealloc(1, sizeof *blob);
    struct stat status;
    int done = 0;
    blob->name = ecopy(name);
    blob->fd = blob_is_url(name) ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (blob_is_url(name)) {
        done = open_url(blob, access, cancellation);
    } else if (blob->fd < 0 || fstat(blob->fd, &status) < 0) {
        done = fail("cannot read %s: %s", name, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        done = fail("cannot read %s: it is not a file", name);
    } else {
        blob->size = (uint64_t)status.st_size;
        blob->block = ealloc(BLOCK, 1);
    }
    if (done == 0)
        return blob;
    blob_close(blob);
    return NULL;
}

static void hang_up(struct blob *blob)
{
    if (blob->is_running)
        curl_multi_remove_handle(blob->multi, blob->request.easy);
    blob->is_running = 0;
}

void blob_close(struct blob *blob)
{
    if (blob == NULL)
        return;
    hang_up(blob);
    if (blob->request.easy != NULL)
        request_close(&blob->request);
    if (blob->multi != NULL)
        curl_multi_cleanup(blob->multi);
    EVP_MD_CTX_free(blob->md5);
    s3_close(blob->s3);
    free(blob->bucket);
    free(blob->key);
    if (blob->fd >= 0)
        close(blob->fd);
    free(blob->block);
    free(blob->name);
    free(blob);
}

int64_t blob_skip(struct blob *blob, int64_t size)
{
    if (blob->fd < 0 || blob->at >= blob->size || size < 0)
        return 0;
    uint64_t left = blob->size - blob->at, step = (uint64_t)size < left ? (uint64_t)size : left;
    blob->at += step;
    return (int64_t)step;
}

int blob_file(const struct blob *blob)
{
    return blob->fd;
}

void blob_rest(struct blob *blob)
{
    free(blob->block);
    blob->block = NULL;
}

/* The answer has begun: is it one to our question? 1 when it is, 0 when it is an error's, -1 with a
 * sentence when the whole is another than the one that was begun. */
static int check_answer(struct blob *blob)
{
    const struct request *request = &blob->request;
    const struct answer *first = &blob->first;
    struct answer answer = {.total = UINT64_MAX};
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206)
        return 0;
    if (blob->is_checked)
        return 1;
    request_header(request, "ETag", answer.etag, sizeof answer.etag);
    request_header(request, "Last-Modified", answer.modified, sizeof answer.modified);
    if (status == 206) { /* Content-Range: bytes 5-9/10 */
        char range[80];
        unsigned long long start, total;
        request_header(request, "Content-Range", range, sizeof range);
        if (sscanf(range, "bytes %llu-%*u/%llu", &start, &total) == 2) {
            answer.start = start;
            answer.total = total;
        }
    } else {
        curl_off_t length = -1;
        curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        answer.total = length < 0 ? UINT64_MAX : (uint64_t)length;
    }
    if (!blob->is_answered)
        blob->first = answer;
    blob->is_answered = blob->is_checked = 1;
    if (strcmp(first->etag, answer.etag) != 0 || strcmp(first->modified, answer.modified) != 0 ||
        first->total != answer.total)
        return fail("cannot read %s: it was replaced while it was read", request->name.at);
    if (answer.start != 0 && answer.start != blob->at)
        return fail("cannot read %s: the server sent another part than the one asked for",
                    request->name.at);
    blob->comes = answer.start;
    return 1;
}

/* A transfer has ended. 0, or -1 with a sentence when there is no going on from here. */
static int finish(struct blob *blob, CURLcode code)
{
    struct request *request = &blob->request;
    if (blob->at - blob->mark >= PROGRESS) {
        request->attempt = 1;
        blob->mark = blob->at;
    }
    enum response_class response = request_classify(request, code);
    const struct answer *first = &blob->first;
    hang_up(blob);
    if (response == RESPONSE_DONE) {
        blob->is_whole = first->total == UINT64_MAX || blob->at >= first->total;
        if (blob->is_whole)
            return 0;
        fail("cannot read %s: it ends early", request->name.at);
        response = request->attempt < blob->s3->access.attempts ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (response == RESPONSE_MOVED) {
        request_move(request);
        address(blob);
        return 0;
    }
    if (response == RESPONSE_REFUSED)
        return -1;
    blob->is_torn = blob->at > 0 && first->etag[0] == '\0' && first->modified[0] == '\0';
    if (blob->is_torn)
        return -1;
    explain("%s; trying again", why());
    long pause = request_pause(request, response, erand48(blob->random));
    nanosleep(&(struct timespec){pause / 1000, pause % 1000 * 1000000}, NULL);
    request->body.size = 0;
    return 0;
}

/* The part of the body that is new: how many bytes. What a server sends again because it knows no
 * ranges is passed over. */
static size_t take_body(struct blob *blob, const void **block)
{
    struct body *body = &blob->request.body;
    uint64_t again = blob->at - blob->comes;
    size_t pass = again < body->size ? (size_t)again : body->size, size = body->size - pass;
    *block = body->bytes + pass;
    blob->comes += body->size;
    blob->at += size;
    body->size = 0; /* the bytes stay where they are until more come */
    if (blob->md5 != NULL)
        EVP_DigestUpdate(blob->md5, *block, size);
    return size;
}

/* Begins a transfer where none is running, and lets libcurl work; then *ended when it has, with its
 * code. */
static int work(struct blob *blob, int *ended, CURLcode *code)
{
    struct request *request = &blob->request;
    CURLMcode error = CURLM_OK;
    int running, left;
    if (!blob->is_running) {
        request->from = blob->at;
        blob->is_checked = 0;
        if (request_sign(request) < 0)
            return -1;
        error = curl_multi_add_handle(blob->multi, request->easy);
        blob->is_running = error == CURLM_OK;
    }
    if (error == CURLM_OK)
        error = curl_multi_perform(blob->multi, &running);
    if (error != CURLM_OK)
        return fail("libcurl: %s", curl_multi_strerror(error));
    for (CURLMsg *message; (message = curl_multi_info_read(blob->multi, &left)) != NULL;)
        if (message->msg == CURLMSG_DONE) {
            *ended = 1;
            *code = message->data.result;
        }
    return 0;
}

static ssize_t read_url(struct blob *blob, const void **block)
{
    while (!blob->is_whole) {
        int ended = blob->has_ended;
        CURLcode code = blob->code;
        blob->has_ended = 0;
        if (!ended && work(blob, &ended, &code) < 0)
            return -1;
        int good = ended || blob->request.body.size > 0 ? check_answer(blob) : 0;
        size_t size = good > 0 ? take_body(blob, block) : 0;
        if (size > 0) { /* what has ended is dealt with when these are used */
            blob->has_ended = ended;
            blob->code = code;
            return (ssize_t)size;
        }
        if (good < 0 || (ended && finish(blob, code) < 0))
            return -1;
        if (!ended)
            curl_multi_poll(blob->multi, NULL, 0, CANCEL_MS, NULL);
        if (is_cancelled(&blob->s3->cancellation))
            return -1;
    }
    return 0;
}

ssize_t blob_read(struct blob *blob, const void **block)
{
    if (blob->fd < 0)
        return read_url(blob, block);
    ssize_t got;
    do
        got = pread(blob->fd, blob->block, BLOCK, (off_t)blob->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail("cannot read %s: %s", blob->name, strerror(errno));
    blob->at += (uint64_t)got;
    *block = blob->block;
    return got;
}

/* Forgets all, to begin again: 1; or -1 when that was done often enough, with why(). */
static int restart(struct blob *blob)
{
    hang_up(blob);
    if (++blob->restarts >= blob->s3->access.attempts)
        return fail("%s; read %u time%s", why(), blob->restarts, plural(blob->restarts));
    explain("%s; reading it again", why());
    blob->at = blob->mark = 0;
    blob->is_answered = blob->is_whole = blob->is_torn = blob->has_ended = 0;
    blob->request.body.size = 0;
    blob->request.attempt = 0;
    if (blob->md5 != NULL)
        EVP_DigestInit_ex(blob->md5, EVP_md5(), NULL);
    return 1;
}

int blob_check(struct blob *blob, int failed)
{
    const char *first = blob->first.etag;
    const void *block;
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (blob->fd >= 0)
        return 0;
    if (blob->is_torn || (failed && blob->is_answered && blob->first.total == UINT64_MAX))
        return restart(blob);
    /* The ETag without its quotes, when it is the MD5 of the whole. */
    char etag[33] = "";
    if (blob->key != NULL && blob->md5 != NULL && strlen(first) == 34 && first[0] == '"')
        snprintf(etag, sizeof etag, "%.32s", first + 1);
    int has_md5 = request_etag_is_md5(&blob->request, etag);
    if (failed && !has_md5)
        return 0;
    char *reason = ecopy(failed ? why() : "");
    ssize_t got = 1;
    while (got > 0)
        got = read_url(blob, &block);
    int result = 0;
    if (got < 0) {
        result = blob->is_torn ? restart(blob) : -1;
    } else if (has_md5 && EVP_DigestFinal_ex(blob->md5, hash, NULL) == 1 && !md5_is(hash, etag)) {
        fail("cannot read %s: its MD5 is not its ETag", blob->request.name.at);
        result = restart(blob);
    } else if (failed) {
        fail("%s", reason);
    }
    free(reason);
    return result;
}
