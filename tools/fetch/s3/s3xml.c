#include "s3/s3xml.h"

#include "message.h"

#include <ctype.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

/* Where the parser stands. Element names are joined: "ListBucketResult/Contents/Key". */
struct page {
    const char *folder;
    struct s3_listing *listing;
    size_t first; /* objects that were there before this page */
    size_t first_prefix;
    struct text path, text; /* of the innermost element */
    struct text key, next;
    struct s3_object object; /* the one being read */
    int encoded, truncated;  /* EncodingType is url; IsTruncated is true */
    size_t keys;             /* Contents that were read */
    char *count;             /* KeyCount, or NULL */
    int unclear;             /* IsTruncated is neither true nor false */
    int bad;                 /* an object had no key or no size */
    XML_Parser parser;
};

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct page *page = user;
    text_format(&page->path, page->path.size ? "/%s" : "%s", name);
    text_clear(&page->text);
    if (strcmp(page->path.at, "ListBucketResult/Contents") == 0) {
        text_clear(&page->key);
        page->object = (struct s3_object){.size = UINT64_MAX};
    }
}

/* No server's listing defines words of its own; and a few, each of ten others, are a gigabyte. */
static void on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    XML_StopParser(((struct page *)user)->parser, XML_FALSE);
}

static void on_text(void *user, const XML_Char *text, int size)
{
    struct page *page = user;
    text_bytes(&page->text, text, (size_t)size);
}

/* "0123…" with the quotes that belong to an ETag, which some servers leave away. */
static void take_etag(struct page *page)
{
    const char *start = page->text.at;
    size_t size = page->text.size;
    if (size >= 2 && start[0] == '"' && start[size - 1] == '"') {
        start++;
        size -= 2;
    }
    for (size_t i = 0; i < size; i++)
        if (start[i] <= ' ' || start[i] > '~' || start[i] == '"')
            return;
    if (size < sizeof page->object.etag) {
        memcpy(page->object.etag, start, size);
        page->object.etag[size] = '\0';
    }
}

static void on_end(void *user, const XML_Char *name)
{
    struct page *page = user;
    struct s3_listing *listing = page->listing;
    const char *path = page->path.at;
    if (strcmp(path, "ListBucketResult/Contents/Key") == 0) {
        text_clear(&page->key);
        text_bytes(&page->key, page->text.at, page->text.size);
    } else if (strcmp(path, "ListBucketResult/Contents/Size") == 0) {
        char *end;
        unsigned long long size = strtoull(page->text.at, &end, 10);
        if (isdigit((unsigned char)page->text.at[0]) && *end == '\0')
            page->object.size = size;
    } else if (strcmp(path, "ListBucketResult/Contents/ETag") == 0) {
        take_etag(page);
    } else if (strcmp(path, "ListBucketResult/Contents") == 0) {
        page->keys++;
        if (page->key.size > 0 && page->object.size != UINT64_MAX) {
            page->object.key = ecopy(page->key.at);
            s3_listing_add(listing, &page->object);
        } else {
            page->bad = 1;
        }
    } else if (strcmp(path, "ListBucketResult/CommonPrefixes/Prefix") == 0) {
        listing->prefix = egrow(listing->prefix, listing->prefixes + 1, sizeof *listing->prefix);
        listing->prefix[listing->prefixes++] = ecopy(page->text.at);
    } else if (strcmp(path, "ListBucketResult/EncodingType") == 0) {
        page->encoded = strcmp(page->text.at, "url") == 0;
    } else if (strcmp(path, "ListBucketResult/IsTruncated") == 0) {
        page->truncated = strcmp(page->text.at, "true") == 0;
        page->unclear = !page->truncated && strcmp(page->text.at, "false") != 0;
    } else if (strcmp(path, "ListBucketResult/KeyCount") == 0) {
        free(page->count);
        page->count = ecopy(page->text.at);
    } else if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0) {
        text_clear(&page->next);
        text_bytes(&page->next, page->text.at, page->text.size);
    }
    size_t last = strlen(name), size = page->path.size - last;
    page->path.size = size ? size - 1 : 0; /* the slash too */
    page->path.at[page->path.size] = '\0';
    text_clear(&page->text);
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Undoes encoding-type=url in place: %XX, and + for a blank (a plus comes as %2B). A byte 0 is kept
 * encoded, for it cannot stand in a string; no S3 key holds one. */
static void decode_key(char *key)
{
    char *to = key;
    for (const char *from = key; *from != '\0'; from++) {
        int is_code = from[0] == '%' && isxdigit((unsigned char)from[1]) &&
                      isxdigit((unsigned char)from[2]) && (from[1] != '0' || from[2] != '0');
        if (is_code) {
            *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
            from += 2;
        } else {
            *to++ = *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
}

/* Decodes the keys of this page, checks them and drops the marks of folders. */
static int finish_page(struct page *page)
{
    struct s3_listing *listing = page->listing;
    size_t kept = page->first, folder = strlen(page->folder);
    const char *stray = NULL;
    for (size_t i = page->first; i < listing->count; i++) {
        struct s3_object object = listing->object[i];
        if (page->encoded)
            decode_key(object.key);
        size_t size = strlen(object.key);
        if (size > S3_MAX_KEY)
            stray = "an object whose key has more than 1024 bytes";
        else if (strncmp(object.key, page->folder, folder) != 0)
            stray = "an object outside the folder asked for";
        if (object.size == 0 && object.key[size - 1] == '/')
            free(object.key);
        else
            listing->object[kept++] = object;
    }
    listing->count = kept;
    for (size_t i = page->first_prefix; i < listing->prefixes; i++) {
        if (page->encoded)
            decode_key(listing->prefix[i]);
        if (strlen(listing->prefix[i]) > S3_MAX_KEY)
            stray = "a folder whose name has more than 1024 bytes";
        else if (strncmp(listing->prefix[i], page->folder, folder) != 0 ||
                 strlen(listing->prefix[i]) <= folder)
            stray = "a folder outside the one asked for";
    }
    if (page->bad)
        stray = "an object without key or size";
    if (page->unclear)
        stray = "objects, and does not say whether there are more";
    /* Servers do not agree whether folders count. */
    if (page->count != NULL && listing->prefixes == page->first_prefix &&
        strtoull(page->count, NULL, 10) != page->keys)
        stray = "another number of keys than it says";
    return stray ? fail("the server lists %s", stray) : 0;
}

int s3xml_page(const uint8_t *xml, size_t size, const char *folder, struct s3_listing *listing,
               struct text *next)
{
    struct page page = {.folder = folder,
                        .listing = listing,
                        .first = listing->count,
                        .first_prefix = listing->prefixes};
    text_clear(&page.next);
    XML_Parser parser = XML_ParserCreate(NULL);
    if (parser == NULL)
        return fail("out of memory for an XML parser");
    page.parser = parser;
    XML_SetUserData(parser, &page);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    int done = 0;
    if (XML_Parse(parser, (const char *)xml, (int)size, 1) == XML_STATUS_ERROR) {
        enum XML_Error code = XML_GetErrorCode(parser);
        done = fail("the listing is damaged: %s",
                    code == XML_ERROR_ABORTED ? "it has a DOCTYPE" : XML_ErrorString(code));
    }
    XML_ParserFree(parser);
    int finished = finish_page(&page);
    if (done == 0)
        done = finished;
    if (done == 0 && page.truncated && page.next.size == 0)
        done = fail("the server says that there is more, but not where");
    free(page.count);
    text_clear(next);
    if (page.truncated)
        text_bytes(next, page.next.at, page.next.size);
    text_free(&page.path);
    text_free(&page.text);
    text_free(&page.key);
    text_free(&page.next);
    return done;
}

/* The document is small and may be cut short, so the one element is looked for as text. */
void s3xml_error(const uint8_t *xml, size_t size, const char *open, char *value, size_t room)
{
    const char *at = size ? memmem(xml, size, open, strlen(open)) : NULL;
    const char *end = (const char *)xml + size;
    size_t used = 0;
    for (at += at ? strlen(open) : 0; at != NULL && at < end && used + 1 < room; at++) {
        if (!isalnum((unsigned char)*at) && *at != '-')
            break;
        value[used++] = *at;
    }
    value[used] = '\0';
}

void s3_listing_add(struct s3_listing *listing, const struct s3_object *object)
{
    listing->object = egrow_by_one(listing->object, listing->count, sizeof *listing->object);
    listing->object[listing->count++] = *object;
}
