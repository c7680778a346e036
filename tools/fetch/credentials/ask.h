/* One small question over HTTP to one who hands out S3 keys. */
#ifndef PSWEEP_ASK_H
#define PSWEEP_ASK_H

#include "text.h"

struct question {
    const char *who; /* for sentences */
    const char *url;
    const char *method;    /* NULL: GET, or POST with a body */
    const char *header;    /* a line, or NULL */
    const char *body;      /* of a form, or NULL */
    const char *ca_bundle; /* NULL: libcurl's own */
    long ms;               /* it may take */
    int is_near;           /* no proxy stands between */
};

/* 0 with status 200, else -1 with a sentence that has nothing of the answer; what the answer's body
 * holds is in answer in both cases. Redirects are not followed. */
int ask(const struct question *question, struct text *answer);

/* Keys go over a wire in the clear only where that is this machine's own: whether url is https or
 * so near. */
int ask_is_safe(const char *url);

/* Overwrites and frees. */
void wipe(struct text *text);

#endif
