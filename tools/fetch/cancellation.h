/* Whether what is waited for is wanted no more: asked every now and then by those who wait for a
 * network. */
#ifndef PSWEEP_CANCELLATION_H
#define PSWEEP_CANCELLATION_H

#include <stddef.h>

struct cancellation {
    /* 0: go on; -1, with a sentence: nobody wants it any more. NULL: go on. */
    int (*ask)(void *user);
    void *user;
};

static inline int is_cancelled(const struct cancellation *cancellation)
{
    return cancellation->ask != NULL && cancellation->ask(cancellation->user) < 0;
}

#endif
