/* The window between the network thread (network.c) and the consumer (getter.c).
 *
 * Object i of chosen has place i % window. A place goes round: free → asked for → arrived → free;
 * the network takes free places in order, the consumer arrived ones. Everything above the line is
 * shared and held under the lock; what is below belongs to the network thread alone.
 */
#ifndef PSWEEP_GETTER_H
#define PSWEEP_GETTER_H

#include "request.h"

#include <pthread.h>
#include <sys/types.h>

enum {
    WINDOW_PER_CONNECTION = 16,
    /* Further attempts that are allowed in all: so many, and an object's share for each that came.
     */
    BUDGET = 100,
    BUDGET_PER_CONNECTION = 8,
    OBJECTS_PER_ATTEMPT = 2,
    LEAST_IN_FLIGHT = 4,      /* however often the server wants it slower */
    WINDOW_BYTES = 256 << 20, /* asked for or arrived; one object is let in whatever its size */
};

enum place_state { PLACE_FREE, PLACE_ASKED, PLACE_ARRIVED };

struct place {
    enum place_state state;
    struct s3_body body; /* its memory serves again when the place is free, unless it is large */
    char *gone;          /* why there is none */
};

/* A connection's worth of work. */
struct slot {
    struct request request;
    size_t index;  /* of chosen; what it works on */
    int busy;      /* it works on something: in flight, or waiting for its next attempt */
    long long due; /* when the next attempt starts, in ms of the monotonic clock; 0: in flight */
};

struct s3_getter {
    pthread_mutex_t lock;
    pthread_cond_t arrival; /* an object that is waited for has arrived, all is lost, or stop */
    struct place *place;    /* [window] */
    size_t next_taken;      /* the consumer's next index */
    uint64_t bytes;         /* listed sizes of the objects in places that are not free */
    int network_waits;      /* for room in the window: wake it when a place becomes free */
    int stop;
    char *lost; /* the sentence of the failure that ended it, or NULL */

    /* Fixed from the start. */
    struct s3 *s3;
    const struct s3_listing *listing;
    const size_t *chosen; /* or NULL */
    size_t count, window;
    unsigned connections;
    pthread_t thread;
    int wake; /* eventfd: the consumer made room, or wants to stop */

    /* ---- the network thread's ---- */
    CURLM *multi;
    int epoll;
    long long
        timer; /* when libcurl wants to be called, ms of the monotonic clock; -1: not at all */
    struct slot *slot;  /* [connections] */
    unsigned busy;      /* slots that are */
    unsigned flying;    /* of these, in flight */
    double limit;       /* how many may be: sinks when the server wants it slower, recovers */
    long long sunk;     /* when limit last sank, ms */
    size_t came, again; /* objects that came; further attempts, see BUDGET */
    size_t next_asked;  /* the next index to ask for */
    struct sigv4_signer signer;
    unsigned short random[3]; /* erand48's, for the pauses */
};

/* The object at place index of chosen. */
static inline const struct s3_object *getter_object(const struct s3_getter *getter, size_t index)
{
    return &getter->listing->object[getter->chosen ? getter->chosen[index] : index];
}

/* Prepares, runs and cleans up what is the network thread's. network_open: 0 or -1 with a sentence;
 * network_close also after a failed network_open. */
int network_open(struct s3_getter *getter);
void *network_run(void *getter);
void network_close(struct s3_getter *getter);

#endif
