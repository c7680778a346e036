#include "s3/listing.h"

#include "message.h"
#include "meter.h"
#include "s3/transfers.h"

#include <stdlib.h>
#include <string.h>

int s3_is_url(const char *source)
{
    return strncmp(source, "s3://", 5) == 0;
}

/* The bucket becomes part of a host name or path, so its letters are checked. */
int s3_take_url(const char *url, int is_folder, struct s3_listing *listing)
{
    *listing = (struct s3_listing){0};
    if (!s3_is_url(url))
        return fail("%s is not of the form s3://bucket/folder", url);
    const char *bucket = url + 5;
    size_t size = strcspn(bucket, "/");
    if (size == 0 || size > 255 || strspn(bucket, TEXT_LETTERS ".-_") != size || bucket[0] == '.')
        return fail("%s names no bucket: letters, digits, dots, - and _ are allowed", url);
    const char *folder = bucket[size] == '/' ? bucket + size + 1 : "";
    size_t length = strlen(folder);
    if (length > S3_MAX_KEY)
        return fail("a key of S3 has at most %d bytes, the one asked for has %zu", S3_MAX_KEY,
                    length);
    listing->bucket = ecopy(bucket);
    listing->bucket[size] = '\0';
    listing->folder = ealloc(length + 2, 1);
    memcpy(listing->folder, folder, length);
    if (is_folder && length > 0 && folder[length - 1] != '/')
        listing->folder[length] = '/';
    return 0;
}

/* Keeps the first ones only. */
static void forget(struct s3_listing *listing, size_t objects, size_t prefixes)
{
    while (listing->count > objects)
        free(listing->object[--listing->count].key);
    while (listing->prefixes > prefixes)
        free(listing->prefix[--listing->prefixes]);
}

/* A folder whose pages are asked for, each when the one before is there. */
struct branch {
    char *folder;
    int flat;          /* also what lies in folders in it; else these folders */
    struct text token; /* of the next page; "" at first, and when there are no more */
    unsigned tries;    /* of a page that makes no sense */
};

/* Lists branches side by side: a server tells a thousand keys at a time, and the next thousand of
 * one folder only when these are there. */
struct lister {
    struct s3 *s3;
    const char *url; /* for the meter */
    struct transfers *transfers;
    struct s3_listing *listing;
    size_t pages; /* received in all */

    struct branch *branch; /* [count] */
    size_t count, next;    /* to be begun */
    int is_whole;          /* all their pages are wanted, not one of each */
};

static int claim(void *user, size_t *job)
{
    struct lister *lister = user;
    *job = lister->next;
    if (*job == lister->count)
        return CLAIM_NONE;
    lister->next++;
    return CLAIM_TAKEN;
}

/* By a canonical query: sorted by name, strictly encoded. */
static void address(void *user, size_t job, struct request *request)
{
    const struct lister *lister = user;
    const struct branch *branch = &lister->branch[job];
    struct text query = {0};
    if (branch->token.size > 0) {
        text_format(&query, "continuation-token=");
        text_encode(&query, branch->token.at, branch->token.size, "");
        text_format(&query, "&");
    }
    if (!branch->flat)
        text_format(&query, "delimiter=%%2F&");
    text_format(&query, "encoding-type=url&list-type=2&prefix=");
    text_encode(&query, branch->folder, strlen(branch->folder), "");
    request_page(request, lister->listing->bucket, branch->folder, query.at);
    text_free(&query);
}

/* A page has come. Without a length, one that was cut short looks whole: it is asked for until it
 * makes sense. */
static int came(void *user, size_t job, struct request *request, const char *gone)
{
    (void)gone; /* a page that cannot be had is refused: only objects are gone, one by one */
    struct lister *lister = user;
    struct branch *branch = &lister->branch[job];
    struct s3_listing *listing = lister->listing;
    size_t objects = listing->count, prefixes = listing->prefixes;
    struct text token = {0};
    if (s3xml_page(request->body.bytes, request->body.size, branch->folder, listing, &token) < 0) {
        forget(listing, objects, prefixes);
        text_free(&token);
        fail("cannot list %s: %s", request->name.at, why());
        if (++branch->tries >= lister->s3->access.attempts)
            return -1;
        explain("%s; trying again", why());
        return CAME_AGAIN;
    }
    int is_same =
        token.size > 0 && branch->token.size > 0 && strcmp(branch->token.at, token.at) == 0;
    text_free(&branch->token);
    branch->token = token;
    branch->tries = 0;
    if (is_same)
        return fail("cannot list %s: the server brings the same page again", request->name.at);
    long version = 0;
    curl_easy_getinfo(request->easy, CURLINFO_HTTP_VERSION, &version);
    if (lister->pages++ == 0 && version == CURL_HTTP_VERSION_2_0)
        explain("%s: the server speaks HTTP/2", request->name.at);
    meter("%s: %zu object%s listed", lister->url, listing->count, plural(listing->count));
    return token.size > 0 && lister->is_whole ? CAME_MORE : CAME_DONE;
}

/* Appends to the listing the next page of each branch, or all that it has. */
static int list_branches(struct lister *lister, struct branch *branch, size_t count, int is_whole)
{
    const struct transfers_client client = {claim, address, came, lister};
    lister->branch = branch;
    lister->count = count;
    lister->next = 0;
    lister->is_whole = is_whole;
    return transfers_run(lister->transfers, &client, &lister->s3->cancellation);
}

/* Lists what all folders of the listing (listing->prefix) hold, at once, and forgets these. */
static int list_folders(struct lister *lister)
{
    struct s3_listing *listing = lister->listing;
    size_t count = listing->prefixes;
    struct branch *branch = ealloc(count, sizeof *branch);
    for (size_t i = 0; i < count; i++)
        branch[i] = (struct branch){.folder = listing->prefix[i], .flat = 1};
    listing->prefixes = 0;
    int done = list_branches(lister, branch, count, 1);
    for (size_t i = 0; i < count; i++) {
        free(branch[i].folder);
        text_free(&branch[i].token);
    }
    free(branch);
    return done;
}

/* The first page tells whether there are more. Then the folders are asked for, and the objects
 * beside them: where they are so few or so many that the pages of all together are sooner had, the
 * listing goes on with these; else they are listed at once, and the first page is not needed. */
static int list_all(struct lister *lister)
{
    enum { MOST = 1000 };
    struct s3_listing *listing = lister->listing;
    struct branch all = {.folder = listing->folder, .flat = 1}, apart = {.folder = listing->folder};
    int done = list_branches(lister, &all, 1, 0);
    size_t first = listing->count;
    if (done == 0 && all.token.size > 0) {
        done = list_branches(lister, &apart, 1, 0);
        int is_worth_it = listing->prefixes > 1;
        while (done == 0 && is_worth_it && listing->prefixes <= MOST && apart.token.size > 0)
            done = list_branches(lister, &apart, 1, 0);
        if (done == 0 && is_worth_it && listing->prefixes <= MOST) {
            for (size_t i = 0; i < first; i++)
                free(listing->object[i].key);
            listing->count -= first;
            memmove(listing->object, listing->object + first,
                    listing->count * sizeof *listing->object);
            done = list_folders(lister);
        } else if (done == 0) {
            forget(listing, first, 0);
            done = list_branches(lister, &all, 1, 1);
        }
    }
    text_free(&all.token);
    text_free(&apart.token);
    return done;
}

int s3_list(struct s3 *s3, const char *url, struct s3_listing *listing)
{
    enum { LISTED_AT_ONCE = 16 }; /* folders, at most */
    if (s3_take_url(url, 1, listing) < 0)
        return -1;
    struct lister lister = {.s3 = s3, .url = url, .listing = listing};
    lister.transfers = transfers_open(s3, LISTED_AT_ONCE, -1);
    int done = lister.transfers != NULL ? list_all(&lister) : -1;
    transfers_close(lister.transfers);
    if (done < 0)
        s3_listing_free(listing);
    return done;
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
