#include "listing.h"

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
    if (length > S3_MAX_KEY)
        return fail("a key of S3 has at most %d bytes, the one asked for has %zu", S3_MAX_KEY,
                    length);
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
static void page_query(struct text *query, const char *folder, int flat, const struct text *token)
{
    text_clear(query);
    if (token->size > 0) {
        text_format(query, "continuation-token=");
        sigv4_encode(query, token->at, token->size, "");
        text_format(query, "&");
    }
    text_format(query, "%sencoding-type=url&list-type=2&prefix=", flat ? "" : "delimiter=%2F&");
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
static int perform(struct lister *lister)
{
    struct request *request = &lister->request;
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
        if (wait_ms(&lister->look, request_pause(request, verdict, erand48(random))) < 0)
            return -1;
    }
}

/* Keeps the first ones only. */
static void forget(struct s3_listing *listing, size_t objects, size_t prefixes)
{
    while (listing->count > objects)
        free(listing->object[--listing->count].key);
    while (listing->prefixes > prefixes)
        free(listing->prefix[--listing->prefixes]);
}

/* One page, asked for until it makes sense: without a length, one that was cut short looks whole.
 */
static int list_page(struct lister *lister, struct s3_listing *listing, const char *query,
                     struct text *token)
{
    struct request *request = &lister->request;
    size_t first = listing->count, first_prefix = listing->prefixes;
    for (unsigned tries = 1;; tries++) {
        int done;
        do {
            request_page(request, listing->bucket, listing->folder, query);
            done = perform(lister);
        } while (done > 0);
        if (done < 0)
            return -1;
        if (s3xml_page(request->body.bytes, request->body.size, listing, token) == 0)
            return 0;
        fail("cannot list %s: %s", request->name.at, why());
        if (tries >= request->s3->access.attempts)
            return -1;
        forget(listing, first, first_prefix);
        explain("%s; trying again", why());
        if (wait_ms(&lister->look, 50) < 0)
            return -1;
    }
}

int lister_pages(struct lister *lister, struct s3_listing *listing, int flat, size_t pages,
                 struct text *token)
{
    struct text query = {0};
    int done = 0;
    do {
        page_query(&query, listing->folder, flat, token);
        struct text last = *token;
        *token = (struct text){0};
        done = list_page(lister, listing, query.at, token);
        if (done == 0 && token->size > 0 && last.size > 0 && strcmp(last.at, token->at) == 0)
            done = fail("cannot list %s: the server brings the same page again",
                        lister->request.name.at);
        text_free(&last);
    } while (done == 0 && token->size > 0 && --pages > 0);
    text_free(&query);
    return done;
}

int lister_open(struct lister *lister, struct s3 *s3, const struct look *look)
{
    *lister = (struct lister){.signer = request_signer(s3), .look = *look};
    if (request_open(&lister->request, s3, &lister->signer) < 0)
        return -1;
    curl_easy_setopt(lister->request.easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(lister->request.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(lister->request.easy, CURLOPT_XFERINFODATA, &lister->look);
    return 0;
}

void lister_close(struct lister *lister)
{
    if (lister->request.easy != NULL)
        request_close(&lister->request);
    explicit_bzero(&lister->signer, sizeof lister->signer);
}

/* Lists the folders in listing's folder, and the objects beside them. 1; 0 when they are so few or
 * so many that the pages of all together are sooner had, and listing is as it was. */
static int find_folders(struct lister *lister, struct s3_listing *listing)
{
    enum { MOST = 1000 };
    struct s3_listing folders = {.bucket = ecopy(listing->bucket),
                                 .folder = ecopy(listing->folder)};
    struct text token = {0};
    int done = lister_pages(lister, &folders, 0, 1, &token);
    int worth = folders.prefixes > 1 && folders.prefixes <= MOST;
    while (done == 0 && worth && token.size > 0) {
        done = lister_pages(lister, &folders, 0, 1, &token);
        worth = folders.prefixes <= MOST;
    }
    text_free(&token);
    if (done == 0 && worth) {
        struct s3_listing pages = *listing;
        *listing = folders;
        folders = pages;
    }
    s3_listing_free(&folders);
    return done < 0 ? -1 : worth;
}

/* The first page tells whether there are more; then the folders are listed at once. */
static int list_all(struct lister *lister, struct s3 *s3, struct s3_listing *listing)
{
    struct text token = {0};
    int done = lister_pages(lister, listing, 1, 1, &token);
    long version = 0;
    curl_easy_getinfo(lister->request.easy, CURLINFO_HTTP_VERSION, &version);
    if (done == 0 && version == CURL_HTTP_VERSION_2_0)
        explain("%s: the server speaks HTTP/2", lister->request.name.at);
    int apart = done == 0 && token.size > 0 ? find_folders(lister, listing) : done;
    if (apart > 0)
        done = list_folders(s3, listing);
    else if (apart < 0)
        done = -1;
    while (done == 0 && apart == 0 && token.size > 0) {
        done = lister_pages(lister, listing, 1, 1, &token);
        meter("%s: %zu object%s listed", lister->request.name.at, listing->count,
              plural(listing->count));
    }
    text_free(&token);
    return done;
}

int s3_list(struct s3 *s3, const char *url, struct s3_listing *listing)
{
    if (s3_take_url(url, 1, listing) < 0)
        return -1;
    struct lister lister;
    int done = lister_open(&lister, s3, &s3->look);
    if (done == 0)
        done = list_all(&lister, s3, listing);
    lister_close(&lister);
    if (done < 0)
        s3_listing_free(listing);
    return done;
}

void s3_listing_add(struct s3_listing *listing, const struct s3_object *object)
{
    listing->object = egrow_by_one(listing->object, listing->count, sizeof *listing->object);
    listing->object[listing->count++] = *object;
}

void s3_listing_free(struct s3_listing *listing)
{
    forget(listing, 0, 0);
    free(listing->prefix);
    free(listing->object);
    free(listing->bucket);
    free(listing->folder);
    *listing = (struct s3_listing){0};
}
