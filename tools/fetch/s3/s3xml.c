#include "s3/s3xml.h"

#include "message.h"

#include <ctype.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a page, by the path of its element; an object's until it ends. */
enum field { KEY, SIZE, ETAG, ENCODING, TRUNCATED, KEYS, TOKEN, FIELDS };
#define ROOT "ListBucketResult/"
static const char *const path_of[FIELDS] = {
    ROOT "Contents/Key", ROOT "Contents/Size", ROOT "Contents/ETag",         ROOT "EncodingType",
    ROOT "IsTruncated",  ROOT "KeyCount",      ROOT "NextContinuationToken",
};

/* Where the parser stands. */
struct listing_page {
    const char *folder;
    struct s3_listing *listing;
    size_t first, first_prefix; /* objects and folders that were there before this page */
    struct text path, text;     /* of the innermost element: ROOT "Contents/Key" */
    struct text field[FIELDS];  /* at NULL: there is none */
    size_t keys;                /* Contents that were read */
    int bad;                    /* an object had no key or no size */
    XML_Parser parser;
};

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct listing_page *page = user;
    text_format(&page->path, page->path.size ? "/%s" : "%s", name);
    text_clear(&page->text);
    if (strcmp(page->path.at, ROOT "Contents") == 0)
        for (enum field f = KEY; f <= ETAG; f++)
            text_clear(&page->field[f]);
}

/* No server's listing defines words of its own; and a few, each of ten others, are a gigabyte. */
static void on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    XML_StopParser(((struct listing_page *)user)->parser, XML_FALSE);
}

static void on_text(void *user, const XML_Char *text, int size)
{
    struct listing_page *page = user;
    text_bytes(&page->text, text, (size_t)size);
}

/* An object has ended. An ETag has quotes, which some servers leave away. */
static void add_object(struct listing_page *page)
{
    const struct text *field = page->field;
    const char *etag = field[ETAG].at, *c = etag;
    size_t size = field[ETAG].size;
    char *end;
    struct s3_object object = {.size = strtoull(field[SIZE].at, &end, 10)};
    page->keys++;
    if (field[KEY].size == 0 || !isdigit((unsigned char)field[SIZE].at[0]) || *end != '\0') {
        page->bad = 1;
        return;
    }
    if (size >= 2 && etag[0] == '"' && etag[size - 1] == '"') {
        c = ++etag;
        size -= 2;
    }
    while (c<etag + size && * c> ' ' && *c <= '~' && *c != '"')
        c++;
    if (c == etag + size && size < sizeof object.etag)
        memcpy(object.etag, etag, size);
    object.key = ecopy(field[KEY].at);
    s3_listing_add(page->listing, &object);
}

static void on_end(void *user, const XML_Char *name)
{
    struct listing_page *page = user;
    struct s3_listing *listing = page->listing;
    const char *path = page->path.at;
    for (enum field f = KEY; f < FIELDS; f++)
        if (strcmp(path, path_of[f]) == 0) {
            text_clear(&page->field[f]);
            text_bytes(&page->field[f], page->text.at, page->text.size);
        }
    if (strcmp(path, ROOT "Contents") == 0) {
        add_object(page);
    } else if (strcmp(path, ROOT "CommonPrefixes/Prefix") == 0) {
        listing->prefix = egrow(listing->prefix, listing->prefixes + 1, sizeof *listing->prefix);
        listing->prefix[listing->prefixes++] = ecopy(page->text.at);
    }
    size_t last = strlen(name), size = page->path.size - last;
    page->path.size = size ? size - 1 : 0; /* the slash too */
    page->path.at[page->path.size] = '\0';
    text_clear(&page->text);
}

static int is(const struct listing_page *page, enum field field, const char *value)
{
    return page->field[field].at != NULL && strcmp(page->field[field].at, value) == 0;
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
static int finish_page(struct listing_page *page)
{
    struct s3_listing *listing = page->listing;
    size_t kept = page->first, folder = strlen(page->folder);
    int is_encoded = is(page, ENCODING, "url");
    const char *stray = NULL;
    for (size_t i = page->first; i < listing->count; i++) {
        struct s3_object object = listing->object[i];
        if (is_encoded)
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
        if (is_encoded)
            decode_key(listing->prefix[i]);
        if (strlen(listing->prefix[i]) > S3_MAX_KEY)
            stray = "a folder whose name has more than 1024 bytes";
        else if (strncmp(listing->prefix[i], page->folder, folder) != 0 ||
                 strlen(listing->prefix[i]) <= folder)
            stray = "a folder outside the one asked for";
    }
    if (page->bad)
        stray = "an object without key or size";
    if (page->field[TRUNCATED].at && !is(page, TRUNCATED, "true") && !is(page, TRUNCATED, "false"))
        stray = "objects, and does not say whether there are more";
    /* Servers do not agree whether folders count. */
    if (page->field[KEYS].at != NULL && listing->prefixes == page->first_prefix &&
        strtoull(page->field[KEYS].at, NULL, 10) != page->keys)
        stray = "another number of keys than it says";
    return stray ? fail("the server lists %s", stray) : 0;
}

int s3xml_page(const uint8_t *xml, size_t size, const char *folder, struct s3_listing *listing,
               struct text *next)
{
    struct listing_page page = {.folder = folder,
                                .listing = listing,
                                .first = listing->count,
                                .first_prefix = listing->prefixes};
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
    int finished = finish_page(&page), is_truncated = is(&page, TRUNCATED, "true");
    if (done == 0)
        done = finished;
    text_clear(next);
    if (is_truncated && page.field[TOKEN].at != NULL)
        text_bytes(next, page.field[TOKEN].at, page.field[TOKEN].size);
    if (done == 0 && is_truncated && next->size == 0)
        done = fail("the server says that there is more, but not where");
    text_free(&page.path);
    text_free(&page.text);
    for (enum field f = KEY; f < FIELDS; f++)
        text_free(&page.field[f]);
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
