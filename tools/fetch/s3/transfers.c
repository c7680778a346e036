#include "s3/transfers.h"

#include "message.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Further attempts that are allowed in all: so many, and an answer's share for each that came.
     */
    BUDGET = 100,
    BUDGET_PER_CONNECTION = 8,
    ANSWERS_PER_ATTEMPT = 2,
    LEAST_IN_FLIGHT = 4, /* however often the server wants it slower */
    AGAIN_MS = 50,       /* before a page that made no sense is asked for again */
    CANCEL_MS = 200,     /* how often cancellation is asked */
};

/* A connection's worth of work. */
struct connection {
    struct request request;
    size_t job;
    int busy;      /* it works on that: in flight, or waiting for its next attempt */
    long long due; /* when the next attempt starts, in ms of the monotonic clock; 0: in flight */
};

struct transfers {
    const struct transfers_client *client; /* whose run it is */
    unsigned connections;
    int wake;
    CURLM *multi;
    int epoll;
    long long timer;               /* when libcurl wants to be called, ms; -1: not at all */
    struct connection *connection; /* [connections] */
    unsigned busy;                 /* connections that are */
    unsigned flying;               /* of these, in flight */
    double limit;             /* how many may be: sinks when the server wants it slower, recovers */
    long long sunk;           /* when limit last sank, ms */
    size_t came, again;       /* answers that came; further attempts, see BUDGET */
    unsigned short random[3]; /* erand48's, for the pauses */
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* libcurl says for what it waits on a socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    (void)easy;
    struct transfers *transfers = user;
    struct epoll_event event = {.data.fd = fd};
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(transfers->multi, fd, NULL);
        return 0;
    }
    curl_multi_assign(transfers->multi, fd, transfers);
    return epoll_ctl(transfers->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    (void)multi;
    struct transfers *transfers = user;
    transfers->timer = ms < 0 ? -1 : now_ms() + ms;
    return 0;
}

struct transfers *transfers_open(struct s3 *s3, unsigned connections, int wake)
{
    struct transfers *transfers = ealloc(1, sizeof *transfers);
    *transfers =
        (struct transfers){.connections = connections,
                           .wake = wake,
                           .epoll = epoll_create1(EPOLL_CLOEXEC),
                           .timer = -1,
                           .limit = connections,
                           .connection = ealloc(connections, sizeof *transfers->connection),
                           .multi = curl_multi_init()};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = wake};
    int done = 0;
    if (getrandom(transfers->random, sizeof transfers->random, 0) < 0)
        done = fail("cannot get random bytes: %s", strerror(errno));
    else if (transfers->epoll < 0 ||
             (wake >= 0 && epoll_ctl(transfers->epoll, EPOLL_CTL_ADD, wake, &event) < 0))
        done = fail("cannot wait on sockets: %s", strerror(errno));
    else if (transfers->multi == NULL)
        done = fail("libcurl cannot start transfers");
    for (unsigned i = 0; i < connections && done == 0; i++)
        done = request_open(&transfers->connection[i].request, s3);
    if (done < 0) {
        transfers_close(transfers);
        return NULL;
    }
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    return transfers;
}

void transfers_close(struct transfers *transfers)
{
    if (transfers == NULL)
        return;
    for (unsigned i = 0; i < transfers->connections; i++) {
        struct request *request = &transfers->connection[i].request;
        if (request->easy == NULL)
            continue;
        if (transfers->multi != NULL)
            curl_multi_remove_handle(transfers->multi, request->easy);
        request_close(request);
    }
    if (transfers->multi != NULL)
        curl_multi_cleanup(transfers->multi);
    if (transfers->epoll >= 0)
        close(transfers->epoll);
    free(transfers->connection);
    free(transfers);
}

/* Sends the connection's next attempt. */
static int send_attempt(struct transfers *transfers, struct connection *connection)
{
    connection->due = 0;
    if (request_sign(&connection->request) < 0)
        return -1;
    CURLMcode code = curl_multi_add_handle(transfers->multi, connection->request.easy);
    if (code != CURLM_OK)
        return fail("libcurl cannot start a transfer: %s", curl_multi_strerror(code));
    transfers->flying++;
    return 0;
}

/* Addresses what the connection's job asks, for a first attempt in so many ms. */
static void begin(struct transfers *transfers, struct connection *connection, long pause)
{
    transfers->client->address(transfers->client->user, connection->job, &connection->request);
    connection->due = now_ms() + pause;
}

/* Starts the attempts that are due, as the limit allows, and in *next says when the next one is, or
 * -1. Those that the limit keeps back are looked at again when a transfer has ended. Then gives
 * idle connections jobs while the limit and the client allow; *more: whether there are others. */
static int send_all(struct transfers *transfers, long long *next, int *more)
{
    const struct transfers_client *client = transfers->client;
    struct connection *end = transfers->connection + transfers->connections;
    long long now = now_ms();
    *next = -1;
    for (struct connection *connection = transfers->connection; connection < end; connection++) {
        if (connection->due == 0)
            continue;
        if (connection->due > now)
            *next = *next < 0 || connection->due < *next ? connection->due : *next;
        else if (transfers->flying < (unsigned)transfers->limit &&
                 send_attempt(transfers, connection) < 0)
            return -1;
    }
    for (struct connection *connection = transfers->connection;
         connection < end && *more && transfers->flying < (unsigned)transfers->limit;
         connection++) {
        if (connection->busy)
            continue;
        int claimed = client->claim(client->user, &connection->job);
        *more = claimed != CLAIM_NONE;
        if (claimed != CLAIM_TAKEN)
            return 0;
        connection->busy = 1;
        transfers->busy++;
        begin(transfers, connection, 0);
        if (send_attempt(transfers, connection) < 0)
            return -1;
    }
    return 0;
}

/* A transfer has ended. */
static int finish(struct transfers *transfers, CURL *easy, CURLcode code)
{
    struct request *request;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    struct connection *connection = (struct connection *)request; /* its first member */
    enum response_class response = request_classify(request, code);
    transfers->flying--;
    curl_multi_remove_handle(transfers->multi, easy);
    if (response == RESPONSE_DONE || response == RESPONSE_GONE) {
        const struct transfers_client *client = transfers->client;
        transfers->came++;
        if (transfers->limit < transfers->connections)
            transfers->limit += 0.01; /* one more for each hundred that went well */
        int more = client->came(client->user, connection->job, request,
                                response == RESPONSE_GONE ? why() : NULL);
        if (more == CAME_MORE || more == CAME_AGAIN) {
            begin(transfers, connection, more == CAME_AGAIN ? AGAIN_MS : 0);
            return 0;
        }
        connection->busy = 0;
        transfers->busy--;
        return more;
    }
    if (response == RESPONSE_MOVED && transfers->busy == 1) {
        request_move(request);
        begin(transfers, connection, 0);
        return 0;
    }
    if (response == RESPONSE_REFUSED || response == RESPONSE_MOVED)
        return -1;
    /* The attempts of one request have a bound; this is the one of all together. */
    size_t budget = BUDGET + BUDGET_PER_CONNECTION * transfers->connections +
                    transfers->came / ANSWERS_PER_ATTEMPT;
    if (++transfers->again > budget)
        return fail("%s; the server failed %zu time%s for %zu %s%s that came", why(),
                    transfers->again, plural(transfers->again), transfers->came,
                    request->object ? "object" : "page", plural(transfers->came));
    explain("%s; trying again", why());
    long long now = now_ms();
    if (response == RESPONSE_SLOWER && now - transfers->sunk > 1000) {
        /* Once a second: all that is in flight is refused together, and that is one hint. */
        double least =
            transfers->connections < LEAST_IN_FLIGHT ? transfers->connections : LEAST_IN_FLIGHT;
        transfers->limit = transfers->limit > 2 * least ? transfers->limit / 2 : least;
        transfers->sunk = now;
    }
    connection->due = now + 1 + request_pause(request, response, erand48(transfers->random));
    return 0;
}

/* Waits until something happens or is due, and lets libcurl deal with it. */
static int serve(struct transfers *transfers, long long due)
{
    enum { EVENTS = 64 };
    struct epoll_event event[EVENTS];
    long long now = now_ms(), until = now + CANCEL_MS;
    if (transfers->timer >= 0 && transfers->timer < until)
        until = transfers->timer;
    if (due >= 0 && due < until)
        until = due;
    int count = epoll_wait(transfers->epoll, event, EVENTS, until > now ? (int)(until - now) : 0);
    int running;
    for (int i = 0; i < count; i++) {
        int fd = event[i].data.fd;
        uint32_t what = event[i].events;
        uint64_t woken;
        if (fd == transfers->wake) {
            if (read(fd, &woken, sizeof woken) < 0 && errno != EAGAIN) /* it was read before */
                return fail("cannot wait on sockets: %s", strerror(errno));
            continue;
        }
        curl_multi_socket_action(transfers->multi, fd,
                                 (what & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                     (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
                                 &running);
        /* Servers that send header and body as two small segments under Nagle's algorithm wait with
         * the second for our acknowledgement, which the kernel delays by 40 ms unless it is told,
         * after each read again, to be quick. The socket may be closed by then: the call fails and
         * does no harm. */
        if (what & EPOLLIN)
            setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
    }
    if (transfers->timer >= 0 && transfers->timer <= now_ms()) {
        transfers->timer = -1;
        curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    int left_over, done = 0;
    CURLMsg *message;
    while (done == 0 && (message = curl_multi_info_read(transfers->multi, &left_over)) != NULL)
        if (message->msg == CURLMSG_DONE)
            done = finish(transfers, message->easy_handle, message->data.result);
    return done;
}

int transfers_run(struct transfers *transfers, const struct transfers_client *client,
                  const struct cancellation *cancellation)
{
    int done = 0, more = 1;
    transfers->client = client;
    while (done == 0) {
        long long due;
        if (is_cancelled(cancellation))
            return -1;
        if (send_all(transfers, &due, &more) < 0)
            return -1;
        if (transfers->busy == 0 && !more)
            return 0;
        done = serve(transfers, due);
    }
    return done;
}
