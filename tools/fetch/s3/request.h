/* A client of S3, and one request at a time on a libcurl handle of its own: address it, sign it,
 * classify the response.
 *
 *     request_open
 *     for each question:    request_object, request_page or request_url
 *         for each attempt: request_sign, (perform it), request_classify
 *     request_close
 *
 * Who performs it, and when to try again, is the caller's affair: transfers.c runs many, blob.c
 * streams one. A client and its requests are used by one thread at a time. All functions that fail
 * leave a sentence.
 *
 * Requests are signed here (sigv4.h) on every attempt and go out over one kept-alive connection
 * each; no redirect is followed, but the region that a server tells is taken over once, and its
 * clock. Passing troubles (connection lost or stalled for 10 s, 408, 429, 5xx, a signature that
 * came too late, a body that is short or does not match) are tried again with full jitter, up to
 * access.attempts times in all, 5 times where nobody answers (transfers.h has the bound over all).
 * The rest fails at once with a sentence that names s3://bucket/key, the server's code and the
 * request id.
 *
 * A body is handed out only when its length is Content-Length and the listed size, and, where the
 * ETag is an MD5, its MD5 is that; If-Match with the listed ETag turns an object that was replaced
 * in between into an error.
 */
#ifndef PSWEEP_REQUEST_H
#define PSWEEP_REQUEST_H

#include "cancellation.h"
#include "credentials/credentials.h"
#include "s3/s3xml.h"
#include "s3/sigv4.h"

#include <curl/curl.h>

struct s3 {
    struct access access;
    struct cancellation cancellation;
    struct sigv4_signer signer;
    int moved; /* the region was corrected, as it is once */
    long skew; /* seconds that the server's clock is before ours, once it told us */
};

/* Finds credentials and endpoint; talks to nobody yet. Call from the main thread, before others
 * run. options NULL: for pages of the web, which are asked for without credentials. cancellation is
 * copied, and asked while the main thread waits for the network. NULL with a sentence. */
struct s3 *s3_open(const struct access_options *options, const struct cancellation *cancellation);
void s3_close(struct s3 *s3); /* NULL is allowed; after all that was begun with it */

enum response_class {
    RESPONSE_DONE,    /* the body is whole and verified */
    RESPONSE_AGAIN,   /* passing trouble: worth another attempt */
    RESPONSE_SLOWER,  /* the same, and the server asks for fewer requests */
    RESPONSE_MOVED,   /* the bucket lives in request.region, another one: request_move() */
    RESPONSE_GONE,    /* this object cannot be had, others can; the sentence is the reason alone */
    RESPONSE_REFUSED, /* no other attempt would help */
};

/* An answer's bytes, from malloc(). */
struct body {
    uint8_t *bytes;
    size_t size, capacity;
};

struct request {
    struct s3 *s3; /* borrowed */
    CURL *easy;
    unsigned attempt; /* 1, 2, … of the present object or page */

    /* The question. */
    const char *verb; /* "read" or "list", for sentences */
    struct text name; /* "s3://bucket/key", for sentences: control characters encoded */
    struct text host, path, query, url, authorization, line;
    const struct s3_object *object; /* what the listing promised; NULL for a page */
    int streams;   /* of unknown size: the caller takes the body away as it comes (blob.c) */
    uint64_t from; /* streams: the first byte that is wanted */
    struct curl_slist *headers;
    struct keys *keys; /* that it was signed with; NULL: none */

    /* The answer. */
    struct body body;
    int too_long;    /* it brought more than was promised or is allowed */
    char region[32]; /* the bucket's, if the server told it */
    char trouble[CURL_ERROR_SIZE];
};

int request_open(struct request *request, struct s3 *s3);
void request_close(struct request *request);

/* Addresses an object, or a page of the listing with this (canonical) query; object is borrowed
 * until the next call. attempt becomes 0. */
void request_object(struct request *request, const char *bucket, const struct s3_object *object);
void request_page(struct request *request, const char *bucket, const char *folder,
                  const char *query);
/* Addresses a page of the web, which may redirect to another one, and is asked for unsigned. With
 * an object of S3_ANY_SIZE, or of S3_ANY_SIZE in request_object(), a body has up to
 * REQUEST_MAX_FILE bytes, and is checked by what the answer says of it. */
enum { REQUEST_MAX_FILE = 64 << 20 };
void request_url(struct request *request, const char *url, const struct s3_object *object);

/* Counts an attempt, empties the answer and sets the headers for this moment. 0 or -1. */
int request_sign(struct request *request);

/* Copies what is printable of an answer's header, as soon as the headers have come; "" where there
 * is none, or another. */
void request_header(const struct request *request, const char *name, char *value, size_t room);

/* What came of it. All but RESPONSE_DONE leave a sentence; the last attempt, of access.attempts in
 * all, is never worth another, nor is the fifth without any answer. A clock that is not the
 * server's is adopted here, for all requests of s3, and keys that it says have expired are renewed.
 */
enum response_class request_classify(struct request *request, CURLcode code);

/* After RESPONSE_MOVED: its region becomes that of s3; the request must be addressed again. Only
 * while no other request of s3 is under way. */
void request_move(struct request *request);

/* Whether an ETag is the MD5 of the body: 32 hexadecimal digits (a multipart upload's has "-N"
 * behind), and nothing encrypted with a key that is not the server's own. */
int request_etag_is_md5(const struct request *request, const char *etag);
/* Whether it is this one. */
int md5_is(const unsigned char md5[16], const char *etag);

/* How long to wait before the next attempt, in milliseconds: a random share of 50 ms (1 s when the
 * server wants it slower), doubled with each attempt, at most 20 s. random is in [0, 1). */
long request_pause(const struct request *request, enum response_class response, double random);

#endif
