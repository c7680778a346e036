/* The network thread of a getter: libcurl's sockets under epoll, many requests in flight. */
#include "getter.h"

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
    struct s3_getter *getter = user;
    struct epoll_event event = {.data.fd = fd};
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(getter->epoll, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(getter->multi, fd, NULL);
        return 0;
    }
    curl_multi_assign(getter->multi, fd, getter);
    return epoll_ctl(getter->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    (void)multi;
    struct s3_getter *getter = user;
    getter->timer = ms < 0 ? -1 : now_ms() + ms;
    return 0;
}

int network_open(struct s3_getter *getter)
{
    getter->timer = -1;
    getter->limit = getter->connections;
    getter->signer = request_signer(getter->s3);
    if (getrandom(getter->random, sizeof getter->random, 0) < 0)
        return fail("cannot get random bytes: %s", strerror(errno));
    getter->slot = ealloc(getter->connections, sizeof *getter->slot);
    for (unsigned i = 0; i < getter->connections; i++)
        if (request_open(&getter->slot[i].request, getter->s3, &getter->signer) < 0)
            return -1;
    getter->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = getter->wake};
    if (getter->epoll < 0 || epoll_ctl(getter->epoll, EPOLL_CTL_ADD, getter->wake, &event) < 0)
        return fail("cannot wait on sockets: %s", strerror(errno));
    getter->multi = curl_multi_init();
    if (getter->multi == NULL)
        return fail("libcurl cannot start transfers");
    curl_multi_setopt(getter->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(getter->multi, CURLMOPT_SOCKETDATA, getter);
    curl_multi_setopt(getter->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(getter->multi, CURLMOPT_TIMERDATA, getter);
    curl_multi_setopt(getter->multi, CURLMOPT_MAXCONNECTS, (long)getter->connections);
    return 0;
}

void network_close(struct s3_getter *getter)
{
    for (unsigned i = 0; getter->slot != NULL && i < getter->connections; i++) {
        struct request *request = &getter->slot[i].request;
        if (request->easy == NULL)
            continue;
        if (getter->multi != NULL)
            curl_multi_remove_handle(getter->multi, request->easy);
        request_close(request);
    }
    if (getter->multi != NULL)
        curl_multi_cleanup(getter->multi);
    if (getter->epoll >= 0)
        close(getter->epoll);
    free(getter->slot);
    explicit_bzero(&getter->signer, sizeof getter->signer);
}

/* Ends the run with the sentence of why(), for the consumer to find. */
static void lose(struct s3_getter *getter)
{
    pthread_mutex_lock(&getter->lock);
    if (getter->lost == NULL)
        getter->lost = ecopy(why());
    pthread_cond_broadcast(&getter->arrival);
    pthread_mutex_unlock(&getter->lock);
}

/* Sends the slot's next attempt. */
static void send_slot(struct s3_getter *getter, struct slot *slot)
{
    slot->due = 0;
    if (request_sign(&slot->request) < 0) {
        lose(getter);
        return;
    }
    getter->flying++;
    CURLMcode code = curl_multi_add_handle(getter->multi, slot->request.easy);
    if (code != CURLM_OK) {
        fail("libcurl cannot start a transfer: %s", curl_multi_strerror(code));
        lose(getter);
    }
}

/* Takes the next object when the window has room for it: its index, and its place's memory in
 * *body. Returns 0 when there is none, or no room: then the consumer will wake us. */
static int claim(struct s3_getter *getter, size_t *index, struct s3_body *body)
{
    if (getter->next_asked == getter->count)
        return 0;
    uint64_t size = getter_object(getter, getter->next_asked)->size;
    struct place *place = &getter->place[getter->next_asked % getter->window];
    pthread_mutex_lock(&getter->lock);
    int room =
        place->state == PLACE_FREE && (getter->bytes == 0 || getter->bytes + size <= WINDOW_BYTES);
    if (room) {
        place->state = PLACE_ASKED;
        getter->bytes += size;
        *body = place->body;
        place->body = (struct s3_body){0};
        *index = getter->next_asked++;
    } else {
        getter->network_waits = 1;
    }
    pthread_mutex_unlock(&getter->lock);
    return room;
}

/* Gives idle slots work while the limit and the window allow. */
static void start_slots(struct s3_getter *getter)
{
    for (unsigned i = 0; i < getter->connections && getter->flying < (unsigned)getter->limit; i++) {
        struct slot *slot = &getter->slot[i];
        struct s3_body body;
        if (slot->busy)
            continue;
        if (!claim(getter, &slot->index, &body))
            return;
        slot->request.body = body;
        slot->busy = 1;
        getter->busy++;
        request_object(&slot->request, getter->listing->bucket, getter_object(getter, slot->index));
        send_slot(getter, slot);
    }
}

/* The body is good, or gone says why there is none: hands it over. */
static void deliver(struct s3_getter *getter, struct slot *slot, const char *gone)
{
    struct s3_body *body = &slot->request.body;
    body->index = slot->index;
    getter->came++;
    slot->busy = 0;
    getter->busy--;
    if (getter->limit < getter->connections)
        getter->limit += 0.01; /* one more for each hundred that went well */
    pthread_mutex_lock(&getter->lock);
    struct place *place = &getter->place[slot->index % getter->window];
    place->body = *body;
    place->gone = gone ? ecopy(gone) : NULL;
    place->state = PLACE_ARRIVED;
    if (slot->index < getter->next_taken)
        pthread_cond_broadcast(&getter->arrival);
    pthread_mutex_unlock(&getter->lock);
    *body = (struct s3_body){0};
}

/* Another attempt is due. Those of one object have a bound; this is the one of all together. */
static int overdrawn(struct s3_getter *getter)
{
    size_t budget =
        BUDGET + BUDGET_PER_CONNECTION * getter->connections + getter->came / OBJECTS_PER_ATTEMPT;
    if (++getter->again <= budget)
        return 0;
    fail("%s; the server failed %zu time%s for %zu object%s that came", why(), getter->again,
         plural(getter->again), getter->came, plural(getter->came));
    return 1;
}

/* A transfer has ended. */
static void finish(struct s3_getter *getter, CURL *easy, CURLcode code)
{
    struct request *request;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    struct slot *slot = (struct slot *)request; /* its first member */
    enum verdict verdict = request_judge(request, code);
    getter->flying--;
    curl_multi_remove_handle(getter->multi, easy);
    if (verdict == VERDICT_DONE || verdict == VERDICT_GONE) {
        deliver(getter, slot, verdict == VERDICT_GONE ? why() : NULL);
        return;
    }
    if (verdict == VERDICT_REFUSED || verdict == VERDICT_MOVED || overdrawn(getter)) {
        lose(getter);
        return;
    }
    explain("%s; trying again", why());
    long long now = now_ms();
    if (verdict == VERDICT_SLOWER && now - getter->sunk > 1000) {
        /* Once a second: all that is in flight is refused together, and that is one hint. */
        double least =
            getter->connections < LEAST_IN_FLIGHT ? getter->connections : LEAST_IN_FLIGHT;
        getter->limit = getter->limit > 2 * least ? getter->limit / 2 : least;
        getter->sunk = now;
    }
    slot->due = now + 1 + request_pause(request, verdict, erand48(getter->random));
}

/* Starts the attempts that are due, as the limit allows; returns when the next one is, or -1. Those
 * that the limit keeps back are looked at again when a transfer has ended. */
static long long send_due(struct s3_getter *getter)
{
    long long now = now_ms(), next = -1;
    for (unsigned i = 0; i < getter->connections; i++) {
        struct slot *slot = &getter->slot[i];
        if (slot->due == 0)
            continue;
        if (slot->due <= now && getter->flying < (unsigned)getter->limit)
            send_slot(getter, slot);
        else if (slot->due <= now)
            continue;
        else if (next < 0 || slot->due < next)
            next = slot->due;
    }
    return next;
}

/* An event on a socket. Servers that send header and body as two small segments under Nagle's
 * algorithm wait with the second for our acknowledgement, which the kernel delays by 40 ms unless
 * it is told, after each read again, to be quick. The socket may be closed by then: the call fails
 * and does no harm. */
static void serve_socket(struct s3_getter *getter, const struct epoll_event *event)
{
    int running, flags = 0;
    if (event->events & EPOLLIN)
        flags |= CURL_CSELECT_IN;
    if (event->events & EPOLLOUT)
        flags |= CURL_CSELECT_OUT;
    if (event->events & (EPOLLERR | EPOLLHUP))
        flags |= CURL_CSELECT_ERR;
    curl_multi_socket_action(getter->multi, event->data.fd, flags, &running);
    if (flags & CURL_CSELECT_IN)
        setsockopt(event->data.fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
}

/* Waits until something happens or is due, and lets libcurl deal with it. */
static void serve(struct s3_getter *getter, long long due)
{
    struct epoll_event event[64];
    if (getter->timer >= 0 && (due < 0 || getter->timer < due))
        due = getter->timer;
    long long left = due < 0 ? -1 : due - now_ms();
    int count = epoll_wait(getter->epoll, event, 64, due < 0 ? -1 : left > 0 ? (int)left : 0);
    for (int i = 0; i < count; i++) {
        uint64_t woken;
        if (event[i].data.fd != getter->wake)
            serve_socket(getter, &event[i]);
        else if (read(getter->wake, &woken, sizeof woken) < 0)
            continue; /* it was read before */
    }
    if (getter->timer >= 0 && getter->timer <= now_ms()) {
        int running;
        getter->timer = -1;
        curl_multi_socket_action(getter->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    int left_over;
    CURLMsg *message;
    while ((message = curl_multi_info_read(getter->multi, &left_over)) != NULL)
        if (message->msg == CURLMSG_DONE)
            finish(getter, message->easy_handle, message->data.result);
}

void *network_run(void *user)
{
    struct s3_getter *getter = user;
    for (;;) {
        pthread_mutex_lock(&getter->lock);
        int over = getter->stop || getter->lost != NULL;
        pthread_mutex_unlock(&getter->lock);
        if (over)
            return NULL;
        long long due = send_due(getter);
        start_slots(getter);
        if (getter->busy == 0 && getter->next_asked == getter->count)
            return NULL;
        serve(getter, due);
    }
}
