#include "archives/remote.h"

#include "message.h"
#include "s3/request.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PROGRESS = 64 << 10, /* bytes that make an attempt worth its while */
    LOOK_MS = 200,       /* how often cancellation is asked */
};

struct remote {
    struct s3 *s3;
    struct sigv4_signer signer;
    struct request request;
    CURLM *multi;
    char *bucket, *key; /* NULL for a page */
    char *url;
    unsigned short random[3];

    uint64_t at;         /* bytes handed out */
    uint64_t comes;      /* the place in the whole of what the answer brings next */
    uint64_t mark;       /* at, when the attempts were last counted anew */
    struct answer first; /* what the first answer said of the whole */
    int answered;        /* there was one */
    int running;         /* a transfer is on its way */
    int checked;         /* its answer is one to our question */
    int ended;           /* it has ended so, but its last bytes are in the hands of the caller: */
    CURLcode code;
    int whole;       /* the last byte has come */
    int torn;        /* it broke off, and there is no way to go on from there */
    EVP_MD_CTX *md5; /* of the bytes handed out */
    unsigned restarts;
};

int remote_is_url(const char *name)
{
    return s3_is_url(name) || strncmp(name, "https://", 8) == 0 || strncmp(name, "http://", 7) == 0;
}

char *remote_show(const char *url)
{
    char *shown = ecopy(url);
    if (!s3_is_url(url))
        shown[strcspn(shown, "?#")] = '\0';
    return shown;
}

/* Plain http is for servers on this machine: no one in between. */
static int check_page(const char *url)
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

/* Where it is and who asks. */
static int find(struct remote *remote, const char *url, const struct source_options *options)
{
    struct s3_listing place;
    if (!s3_is_url(url))
        return check_page(url) < 0 ? -1 : s3_open(&remote->s3, NULL, &options->cancellation);
    if (s3_take_url(url, 0, &place) < 0)
        return -1;
    remote->bucket = place.bucket;
    remote->key = place.folder;
    return s3_open(&remote->s3, options->access, &options->cancellation);
}

static void address(struct remote *remote)
{
    if (remote->key != NULL)
        request_object(&remote->request, remote->bucket, &(struct s3_object){.key = remote->key});
    else
        request_url(&remote->request, remote->url);
    remote->request.object = NULL; /* nothing is known from a listing */
    remote->request.streams = 1;
}

int remote_open(struct remote **out, const char *url, const struct source_options *options)
{
    struct remote *remote = ealloc(1, sizeof *remote);
    *out = NULL;
    remote->url = ecopy(url);
    remote->random[0] = (unsigned short)time(NULL);
    remote->md5 = EVP_MD_CTX_new();
    int done = find(remote, url, options);
    if (done == 0) {
        remote->signer = request_signer(remote->s3);
        done = request_open(&remote->request, remote->s3, &remote->signer);
    }
    if (done == 0 && (remote->md5 == NULL || (remote->multi = curl_multi_init()) == NULL))
        done = fail("libcurl cannot start a transfer");
    if (done < 0) {
        remote_close(remote);
        return -1;
    }
    if (EVP_DigestInit_ex(remote->md5, EVP_md5(), NULL) != 1) { /* FIPS */
        EVP_MD_CTX_free(remote->md5);
        remote->md5 = NULL;
    }
    address(remote);
    *out = remote;
    return 0;
}

static void hang_up(struct remote *remote)
{
    if (remote->running)
        curl_multi_remove_handle(remote->multi, remote->request.easy);
    remote->running = 0;
}

void remote_close(struct remote *remote)
{
    if (remote == NULL)
        return;
    hang_up(remote);
    if (remote->request.easy != NULL)
        request_close(&remote->request);
    if (remote->multi != NULL)
        curl_multi_cleanup(remote->multi);
    EVP_MD_CTX_free(remote->md5);
    explicit_bzero(&remote->signer, sizeof remote->signer);
    s3_close(remote->s3);
    free(remote->bucket);
    free(remote->key);
    free(remote->url);
    free(remote);
}

static int dial(struct remote *remote)
{
    struct request *request = &remote->request;
    request->from = remote->at;
    remote->checked = 0;
    if (request_sign(request) < 0)
        return -1;
    CURLMcode code = curl_multi_add_handle(remote->multi, request->easy);
    if (code != CURLM_OK)
        return fail("libcurl cannot start a transfer: %s", curl_multi_strerror(code));
    remote->running = 1;
    return 0;
}

/* Forgets all, to begin again: 1; or -1 when that was done often enough, with why(). */
static int restart(struct remote *remote)
{
    hang_up(remote);
    if (++remote->restarts >= remote->s3->access.attempts)
        return fail("%s; read %u time%s", why(), remote->restarts, plural(remote->restarts));
    explain("%s; reading it again", why());
    remote->at = remote->mark = 0;
    remote->answered = remote->whole = remote->torn = 0;
    remote->request.body.size = 0;
    remote->request.attempt = 0;
    if (remote->md5 != NULL)
        EVP_DigestInit_ex(remote->md5, EVP_md5(), NULL);
    return 1;
}

/* The answer has begun: is it one to our question? 1 when it is, 0 when it is an error's, -1 with a
 * sentence when the whole is another than the one that was begun. */
static int check_answer(struct remote *remote)
{
    struct request *request = &remote->request;
    struct answer *answer = &request->answer;
    const struct answer *first = &remote->first;
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206)
        return 0;
    if (remote->checked)
        return 1;
    if (status == 200) {
        curl_off_t length = -1;
        curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        answer->start = 0;
        answer->total = length < 0 ? UINT64_MAX : (uint64_t)length;
    }
    if (!remote->answered)
        remote->first = *answer;
    remote->answered = remote->checked = 1;
    if (strcmp(first->etag, answer->etag) != 0 || strcmp(first->modified, answer->modified) != 0 ||
        first->total != answer->total)
        return fail("cannot read %s: it was replaced while it was read", request->name.at);
    if (answer->start != 0 && answer->start != remote->at)
        return fail("cannot read %s: the server sent another part than the one asked for",
                    request->name.at);
    remote->comes = answer->start;
    return 1;
}

/* A transfer has ended. 0, or -1 with a sentence when there is no going on from here. */
static int finish(struct remote *remote, CURLcode code)
{
    struct request *request = &remote->request;
    if (remote->at - remote->mark >= PROGRESS) {
        request->attempt = 1;
        remote->mark = remote->at;
    }
    enum response_class response = request_classify(request, code);
    const struct answer *first = &remote->first;
    hang_up(remote);
    if (response == RESPONSE_DONE) {
        remote->whole = first->total == UINT64_MAX || remote->at >= first->total;
        if (remote->whole)
            return 0;
        fail("cannot read %s: it ends early", request->name.at);
        response =
            request->attempt < remote->s3->access.attempts ? RESPONSE_AGAIN : RESPONSE_REFUSED;
    }
    if (response == RESPONSE_MOVED) {
        request_move(request);
        address(remote);
        return 0;
    }
    if (response == RESPONSE_REFUSED)
        return -1;
    remote->torn = remote->at > 0 && first->etag[0] == '\0' && first->modified[0] == '\0';
    if (remote->torn)
        return -1;
    explain("%s; trying again", why());
    long pause = request_pause(request, response, erand48(remote->random));
    nanosleep(&(struct timespec){pause / 1000, pause % 1000 * 1000000}, NULL);
    request->body.size = 0;
    return 0;
}

/* The part of the body that is new: how many bytes. What a server sends again because it knows no
 * ranges is passed over. */
static size_t take_body(struct remote *remote, const void **block)
{
    struct body *body = &remote->request.body;
    uint64_t again = remote->at - remote->comes;
    size_t pass = again < body->size ? (size_t)again : body->size, size = body->size - pass;
    *block = body->bytes + pass;
    remote->comes += body->size;
    remote->at += size;
    body->size = 0; /* the bytes stay where they are until more come */
    if (remote->md5 != NULL)
        EVP_DigestUpdate(remote->md5, *block, size);
    return size;
}

/* Lets libcurl work; then *ended when the transfer has, with its code. */
static int work(struct remote *remote, int *ended, CURLcode *code)
{
    int running, left;
    CURLMsg *message;
    CURLMcode error = curl_multi_perform(remote->multi, &running);
    if (error != CURLM_OK)
        return fail("libcurl: %s", curl_multi_strerror(error));
    while ((message = curl_multi_info_read(remote->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            *ended = 1;
            *code = message->data.result;
        }
    return 0;
}

ssize_t remote_read(struct remote *remote, const void **block)
{
    const struct cancellation *cancellation = &remote->s3->cancellation;
    while (!remote->whole) {
        int ended = remote->ended;
        CURLcode code = remote->code;
        remote->ended = 0;
        if (!ended && !remote->running && dial(remote) < 0)
            return -1;
        if (!ended && work(remote, &ended, &code) < 0)
            return -1;
        int good = ended || remote->request.body.size > 0 ? check_answer(remote) : 0;
        size_t size = good > 0 ? take_body(remote, block) : 0;
        if (size > 0) { /* what has ended is dealt with when these are used */
            remote->ended = ended;
            remote->code = code;
            return (ssize_t)size;
        }
        if (good < 0 || (ended && finish(remote, code) < 0))
            return -1;
        if (!ended)
            curl_multi_poll(remote->multi, NULL, 0, LOOK_MS, NULL);
        if (is_cancelled(cancellation))
            return -1;
    }
    return 0;
}

/* The ETag without its quotes when it is the MD5 of the whole; else "". */
static void md5_of(const struct remote *remote, char etag[33])
{
    const char *first = remote->first.etag;
    etag[0] = '\0';
    if (remote->key != NULL && remote->md5 != NULL && strlen(first) == 34 && first[0] == '"')
        snprintf(etag, 33, "%.32s", first + 1);
    if (!request_etag_is_md5(&remote->request, etag))
        etag[0] = '\0';
}

int remote_check(struct remote *remote, int failed)
{
    const void *block;
    ssize_t got = 1;
    char etag[33], *reason = ecopy(failed ? why() : "");
    unsigned char hash[EVP_MAX_MD_SIZE];
    md5_of(remote, etag);
    int result = 0;
    if (remote->torn || (failed && remote->answered && remote->first.total == UINT64_MAX))
        result = restart(remote);
    else if (!failed || etag[0] != '\0') {
        while (got > 0)
            got = remote_read(remote, &block);
        if (got < 0) {
            result = remote->torn ? restart(remote) : -1;
        } else if (etag[0] != '\0' && EVP_DigestFinal_ex(remote->md5, hash, NULL) == 1 &&
                   !md5_is(hash, etag)) {
            fail("cannot read %s: its MD5 is not its ETag", remote->request.name.at);
            result = restart(remote);
        }
    }
    if (result == 0 && failed)
        fail("%s", reason);
    free(reason);
    return result;
}
