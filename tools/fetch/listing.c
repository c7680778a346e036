#include "request.h"

#include "message.h"
#include "meter.h"
#include "s3xml.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The bucket becomes part of a host name or path, so its letters are checked. */
int s3_take_url(const char *url, int is_folder, struct s3_listing *listing)
{
    *listing = (struct s3_listing){0};
    if (!s3_is_url(url))
        return fail("%s is not of the form s3://bucket/folder", url);
    const char *bucket = url + 5;
    size_t size = strcspn(bucket, "/");
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (size == 0 || size > 255 || strspn(bucket, letters) != size || bucket[0] == '.')
        return fail("%s names no bucket: letters, digits, dots, - and _ are allowed", url);
    const char *folder = bucket[size] == '/' ? bucket + size + 1 : "";
    size_t length = strlen(folder);
    if (length > 1024)
        return fail("a key of S3 has at most 1024 bytes, the one asked for has %zu", length);
    int slash = is_folder && length > 0 && folder[length - 1] != '/';
    listing->bucket = ecopy(bucket);
    listing->bucket[size] = '\0';
    listing->folder = ealloc(length + 2, 1);
    memcpy(listing->folder, folder, length);
    if (slash)
        listing->folder[length] = '/';
    return 0;
}

/* The query of a page, canonical: sorted by name, strictly encoded. */
static void page_query(struct text *query, const char *folder, const struct text *token)
{
    text_clear(query);
    if (token->size > 0) {
        text_format(query, "continuation-token=");
        sigv4_encode(query, token->at, token->size, "");
        text_format(query, "&");
    }
    text_format(query, "encoding-type=url&list-type=2&prefix=");
    sigv4_encode(query, folder, strlen(folder), "");
}

/* libcurl calls it now and then while it waits. */
static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct look *look = user;
    return look->at != NULL && look->at(look->user) < 0;
}

/* A pause, in steps short enough to notice that it is not worth while any more. */
static int wait_ms(const struct look *look, long ms)
{
    enum { STEP = 200 };
    for (; ms > 0; ms -= STEP) {
        long step = ms < STEP ? ms : STEP;
        nanosleep(&(struct timespec){0, step * 1000000}, NULL);
        if (look->at != NULL && look->at(look->user) < 0)
            return -1;
    }
    return 0;
}

/* Performs the request until it is answered, refused or the attempts are used up. 1: it is to be
 * addressed anew, in another region. */
static int perform(struct request *request)
{
    unsigned short random[3] = {(unsigned short)time(NULL), 0x5333, 0};
    for (;;) {
        if (request_sign(request) < 0)
            return -1;
        enum verdict verdict = request_judge(request, curl_easy_perform(request->easy));
        if (verdict == VERDICT_DONE)
            return 0;
        if (verdict == VERDICT_MOVED) {
            request_move(request);
            return 1;
        }
        if (verdict == VERDICT_REFUSED)
            return -1;
        explain("%s; trying again", why());
        if (wait_ms(&request->s3->look, request_pause(request, verdict, erand48(random))) < 0)
            return -1;
    }
}

/* One page, asked for until it makes sense: without a length, one that was cut short looks whole.
 */
static int list_page(struct request *request, struct s3_listing *listing, const char *query,
                     struct text *token)
{
    size_t first = listing->count;
    for (unsigned tries = 1;; tries++) {
        int done;
        do {
            request_page(request, listing->bucket, listing->folder, query);
            done = perform(request);
        } while (done > 0);
        if (done < 0)
            return -1;
        if (s3xml_page(request->body.bytes, request->body.size, listing, token) == 0)
            return 0;
        fail("cannot list %s: %s", request->name.at, why());
        if (tries >= request->s3->access.attempts)
            return -1;
        while (listing->count > first)
            free(listing->object[--listing->count].key);
        explain("%s; trying again", why());
        if (wait_ms(&request->s3->look, 50) < 0)
            return -1;
    }
}

static int list_pages(struct request *request, struct s3_listing *listing)
{
    struct text query = {0}, token = {0};
    int done = 0;
    do {
        page_query(&query, listing->folder, &token);
        struct text last = token;
        token = (struct text){0};
        done = list_page(request, listing, query.at, &token);
        meter("%s: %zu objects are listed", request->name.at, listing->count);
        if (done == 0 && token.size > 0 && last.size > 0 && strcmp(last.at, token.at) == 0)
            done = fail("cannot list %s: the server brings the same page again", request->name.at);
        text_free(&last);
    } while (done == 0 && token.size > 0);
    text_free(&query);
    text_free(&token);
    return done;
}

int s3_list(struct s3 *s3, const char *url, struct s3_listing *listing)
{
    if (s3_take_url(url, 1, listing) < 0)
        return -1;
    struct sigv4_signer signer = request_signer(s3);
    struct request request;
    int done = request_open(&request, s3, &signer);
    if (done == 0) {
        curl_easy_setopt(request.easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(request.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(request.easy, CURLOPT_XFERINFODATA, &s3->look);
        done = list_pages(&request, listing);
        request_close(&request);
    }
    explicit_bzero(&signer, sizeof signer);
    if (done < 0)
        s3_listing_free(listing);
    return done;
}

void s3_listing_free(struct s3_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->object[i].key);
    free(listing->object);
    free(listing->bucket);
    free(listing->folder);
    *listing = (struct s3_listing){0};
}
