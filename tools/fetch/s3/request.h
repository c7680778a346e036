/* One S3 request at a time on a libcurl handle of its own: address it, sign it, classify the
 * response.
 *
 *     request_open
 *     for each question:    request_object, request_page or request_url
 *         for each attempt: request_sign, (perform it), request_classify
 *     request_close
 *
 * Who performs it, and when to try again, is the caller's affair: transfers.c runs many, remote.c
 * streams one. All functions that fail leave a sentence.
 */
#ifndef PSWEEP_REQUEST_H
#define PSWEEP_REQUEST_H

#include "s3/s3.h"
#include "s3/sigv4.h"
#include "text.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <time.h>

struct s3 {
    struct access access;
    struct cancellation cancellation;
    int moved;        /* the region was corrected, as it is once */
    atomic_long skew; /* seconds that the server's clock is before ours, once it told us */
};

/* What the headers of an answer say of the whole that it is, or is a part of. */
struct answer {
    char etag[80], modified[48]; /* as they stand there, or "" */
    uint64_t start, total;       /* 206: where this part starts, and how long the whole is */
};

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
    struct s3 *s3;               /* borrowed */
    struct sigv4_signer *signer; /* borrowed; of the thread that uses the request */
    CURL *easy;
    unsigned attempt; /* 1, 2, … of the present object or page */

    /* The question. */
    const char *verb; /* "read" or "list", for sentences */
    struct text name; /* "s3://bucket/key", for sentences: control characters encoded */
    struct text host, path, query, url, authorization, line;
    const struct s3_object *object; /* what the listing promised; NULL for a page */
    int streams;   /* of unknown size: the caller takes the body away as it comes (remote.c) */
    uint64_t from; /* streams: the first byte that is wanted */
    struct curl_slist *headers;
    struct keyset *keys; /* that it was signed with; NULL: none */

    /* The answer. */
    struct body body;
    struct answer answer;
    int too_long;    /* it brought more than was promised or is allowed */
    int etag_is_md5; /* not when the server encrypts with a key of its own */
    char id[128];    /* the server's request id */
    char region[32]; /* the bucket's region, if the server told it */
    time_t date;     /* the server's clock, or -1 */
    char trouble[CURL_ERROR_SIZE];
};

int request_open(struct request *request, struct s3 *s3, struct sigv4_signer *signer);
void request_close(struct request *request);

/* A signer for s3, from which it borrows; request_sign() gives it the keys. */
struct sigv4_signer request_signer(const struct s3 *s3);

/* Addresses an object, or a page of the listing with this (canonical) query; object is borrowed
 * until the next call. attempt becomes 0. */
void request_object(struct request *request, const char *bucket, const struct s3_object *object);
void request_page(struct request *request, const char *bucket, const char *folder,
                  const char *query);

/* Addresses a page of the web, which may redirect to another one. */
void request_url(struct request *request, const char *url);

/* Counts an attempt, empties the answer and sets the headers for this moment. 0 or -1. */
int request_sign(struct request *request);

/* The time by the server's clock, as far as that is known. */
time_t request_now(const struct request *request);

/* What came of it. All but RESPONSE_DONE leave a sentence; the last attempt, of access.attempts in
 * all, is never worth another, nor is the fifth without any answer. A clock that is not the
 * server's is adopted here, for all requests of s3, and keys that it says have expired are renewed.
 */
enum response_class request_classify(struct request *request, CURLcode code);

/* After RESPONSE_MOVED: its region becomes that of s3 and of the signer; the request must be
 * addressed again. Only while no other request of s3 is under way. */
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
