/* The limit of this machine: what libcurl brings when nothing is done with it.
 *
 *     bare_get CONNECTIONS BASE <KEYS     gets BASE/KEY for each line, and prints their bytes
 *
 * One thread, libcurl's sockets under epoll as psfetch has them, the bodies only counted: no
 * window, no order, no check, no decoding, nothing tried again. With AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY it signs as psfetch does; keys need no encoding.
 */
#include "tools/fetch/s3/sigv4.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct slot {
    CURL *easy;
    struct curl_slist *headers;
    struct text authorization;
};

static const char *base;
static char host[256];
static struct sigv4_signer signer = {.region = "us-east-1", .service = "s3"};
static CURLM *multi;
static int epoll;
static long wait_ms = -1;
static unsigned long long bytes;

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "bare_get: %s\n", why);
    exit(1);
}

static size_t on_body(char *body, size_t one, size_t size, void *user)
{
    (void)body, (void)one, (void)user;
    bytes += size;
    return size;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    (void)easy, (void)user;
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                                          (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
                                .data.fd = fd};
    int operation = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL
                    : known                  ? EPOLL_CTL_MOD
                                             : EPOLL_CTL_ADD;
    epoll_ctl(epoll, operation, fd, &event);
    curl_multi_assign(multi, fd, &epoll);
    return 0;
}

static int on_timer(CURLM *of, long ms, void *user)
{
    (void)of, (void)user;
    wait_ms = ms;
    return 0;
}

static struct slot *open_slot(void)
{
    struct slot *slot = calloc(1, sizeof *slot);
    slot->easy = curl_easy_init();
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(slot->easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    return slot;
}

/* For path, which needs no encoding. */
static void sign(struct slot *slot, const char *path)
{
    char stamp[17], line[1024];
    sigv4_time(stamp, time(NULL));
    struct sigv4_field field[] = {
        {"host", host}, {"x-amz-content-sha256", SIGV4_EMPTY}, {"x-amz-date", stamp}};
    struct sigv4_request request = {"GET", path, "", field, 3, SIGV4_EMPTY};
    if (sigv4_sign(&signer, &request, stamp, &slot->authorization) < 0)
        stop("cannot sign");
    curl_slist_free_all(slot->headers);
    slot->headers = curl_slist_append(NULL, "x-amz-content-sha256: " SIGV4_EMPTY);
    snprintf(line, sizeof line, "x-amz-date: %s", stamp);
    curl_slist_append(slot->headers, line);
    snprintf(line, sizeof line, "Authorization: %s", slot->authorization.at);
    curl_slist_append(slot->headers, line);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
}

/* Starts the next key, if there is one. */
static int send_next(struct slot *slot)
{
    char key[1025], url[2048];
    if (fgets(key, sizeof key, stdin) == NULL)
        return 0;
    key[strcspn(key, "\n")] = '\0';
    snprintf(url, sizeof url, "%s/%s", base, key);
    curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    if (signer.secret != NULL)
        sign(slot, strchr(strstr(url, "://") + 3, '/'));
    curl_multi_add_handle(multi, slot->easy);
    return 1;
}

/* Returns how many transfers have ended without a next one. */
static int take_ended(void)
{
    int left, ended = 0;
    CURLMsg *message;
    struct slot *slot;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        if (message->data.result != CURLE_OK)
            stop(curl_easy_strerror(message->data.result));
        curl_multi_remove_handle(multi, easy);
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
        ended += !send_next(slot);
    }
    return ended;
}

static void serve(void)
{
    struct epoll_event event[64];
    int running, count = epoll_wait(epoll, event, 64, (int)wait_ms);
    for (int i = 0; i < count; i++) {
        int flags = (event[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                    (event[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (event[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi, event[i].data.fd, flags, &running);
        setsockopt(event[i].data.fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
    }
    if (count == 0 || wait_ms == 0) {
        wait_ms = -1;
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        stop("usage: bare_get CONNECTIONS BASE <KEYS");
    int connections = atoi(argv[1]), busy = 0;
    base = argv[2];
    signer.key_id = getenv("AWS_ACCESS_KEY_ID");
    signer.secret = getenv("AWS_SECRET_ACCESS_KEY");
    if (sscanf(base, "%*[a-z]://%255[^/]", host) != 1)
        stop("BASE is a URL: http://host:port/bucket");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
    while (busy < connections && send_next(open_slot()))
        busy++;
    while (busy > 0) {
        serve();
        busy -= take_ended();
    }
    printf("%llu bytes\n", bytes);
    return 0;
}
