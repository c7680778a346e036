#include "follow.h"

#include "folder.h"
#include "history_name.h"
#include "message.h"
#include "text.h"
#include "show.h"
#include "standard.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK = 100, /* milliseconds, all of these */
    LOOK_AGAIN = 250,
    GRACE = 2000,
    STILL = 5000,  /* in a folder without locks, a file that did not grow for so long has ended */
    SETTLE = 2000, /* what a file brings at first is old: there already, or copied by --resume */
    ANEW = 10000, /* now and then the whole frame is written, whatever others did to the terminal */
    SHARE = 100,  /* frames take at most this part of a core */
};

struct follower {
    struct source *source;
    int count;
    struct history *history;
    struct asked asked; /* for by the folders among the sources */
    const struct follow_options *options;
    struct page page;
    int live;               /* stdout is a terminal to draw on */
    int signals;            /* signalfd of those we wait for */
    int signal;             /* the one that asks to end, or 0 */
    int resized;            /* the next frame has a new size */
    struct screen *frame;   /* what the terminal shows; NULL: not known */
    int64_t anew_at;        /* milliseconds: when all of it was last written */
    int64_t due;            /* when the next frame may be drawn */
    int stale;              /* there is something that no frame has shown */
    struct pollfd *waiting; /* [count + 1]: the sources, then signals */
    int caught_up;          /* what was there at the start has been read */
    int64_t alone_since;    /* milliseconds: nobody is left who could write; 0: somebody is */
};

static int64_t milliseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t cpu_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void forget_frame(struct follower *follower)
{
    if (follower->frame)
        screen_free(follower->frame);
    follower->frame = NULL;
}

static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return set;
}

/* Ctrl-Z: the shell gets the terminal in order, and after fg the frame is drawn afresh. */
static void suspend(struct follower *follower)
{
    if (follower->live)
        fputs("\033[?25h", stdout);
    (void)fflush(stdout);
    raise(SIGSTOP);
    if (follower->live)
        fputs("\033[?25l", stdout);
    follower->resized = follower->live;
}

static void take_signals(struct follower *follower)
{
    struct signalfd_siginfo info;
    while (read(follower->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            follower->resized = follower->live;
        else if (info.ssi_signo == SIGTSTP)
            suspend(follower);
        else
            follower->signal = (int)info.ssi_signo;
    }
}

/* Waits until there may be something to read, or a signal. A pipe without writers is always
 * "ready", a file never says: both are looked at a few times a second. */
static void wait_for_news(struct follower *follower)
{
    int64_t now = milliseconds(CLOCK_MONOTONIC);
    int timeout = follower->live ? (int)(follower->anew_at + ANEW - now) : -1;
    for (int i = 0; i < follower->count; i++) {
        const struct source *source = &follower->source[i];
        int hung_up = follower->waiting[i].revents & POLLHUP;
        int pollable = source->state == SOURCE_OPEN && source->is_pipe;
        if ((!pollable || hung_up) && (timeout < 0 || timeout > LOOK_AGAIN))
            timeout = LOOK_AGAIN;
        follower->waiting[i].fd = pollable && !hung_up ? source->fd : -1;
    }
    if (follower->stale)
        timeout = follower->due > now ? (int)(follower->due - now) : 0;
    else if (follower->live && timeout < 0)
        timeout = 0;
    if (follower->caught_up)
        poll(follower->waiting, (nfds_t)follower->count + 1, timeout);
    /* All that was there before somebody hung up must be read after it is known: so ask first. */
    for (int i = 0; i < follower->count; i++) {
        const struct source *source = &follower->source[i];
        follower->waiting[i].fd = source->state == SOURCE_OPEN && source->is_pipe ? source->fd : -1;
    }
    poll(follower->waiting, (nfds_t)follower->count + 1, 0);
    take_signals(follower);
}

/* Room for the sources that folders brought. */
static void grow_waiting(struct follower *follower, int before)
{
    follower->waiting =
        egrow(follower->waiting, (size_t)follower->count + 1, sizeof *follower->waiting);
    for (int i = before; i < follower->count; i++)
        follower->waiting[i] = (struct pollfd){-1, POLLIN, 0};
    follower->waiting[follower->count] = (struct pollfd){follower->signals, POLLIN, 0};
}

/* The time at which the next records of a source come: NAN when it is not known. */
static double time_of(const struct follower *follower, const struct source *source)
{
    int settled = !source->is_file ||
                  (source->began && milliseconds(CLOCK_MONOTONIC) - source->began >= SETTLE);
    return follower->caught_up && settled ? (double)milliseconds(CLOCK_REALTIME) / 1000 : NAN;
}

/* Reads a source: how many records came, or -1. */
static int64_t read_source(struct follower *follower, struct source *source)
{
    int64_t got = source_read(source, follower->history, time_of(follower, source));
    if (got > 0 && source->began == 0)
        source->began = milliseconds(CLOCK_MONOTONIC);
    if (source->found && source->fd >= 0)
        folder_let_go(source, follower->history, got < 0);
    return got < 0 && source->found ? 0 : got;
}

/* Reads all sources: how many records came, or -1. */
static int64_t read_news(struct follower *follower)
{
    int64_t taken = 0;
    int before = follower->count;
    follower->stale |= folder_look(&follower->source, &follower->count, follower->history,
                                   &follower->asked, milliseconds(CLOCK_MONOTONIC));
    if (follower->count > before)
        grow_waiting(follower, before);
    for (int i = 0; i < follower->count; i++) {
        struct source *source = &follower->source[i];
        int64_t got = read_source(follower, source);
        if (got < 0)
            return -1;
        if (got == 0 && follower->waiting[i].revents & POLLHUP)
            source_hang_up(source);
        if (!follower->live)
            source_complain(source);
        taken += got;
    }
    follower->caught_up = 1;
    return taken;
}

/* Draws a frame over the one that the terminal shows. What that cost decides when the next one may
 * be: a long history is drawn less often. */
static int write_frame(struct follower *follower)
{
    int64_t now = milliseconds(CLOCK_MONOTONIC), spent = cpu_microseconds();
    if (follower->resized) {
        follower->page =
            show_page(follower->options->size, follower->options->ascii, follower->options->title);
        show_terminal(&follower->page);
    }
    if (follower->resized || now - follower->anew_at >= ANEW) {
        forget_frame(follower);
        follower->anew_at = now;
        follower->resized = 0;
    }
    struct screen *screen = text_live(follower->history, &follower->asked, &follower->page,
                                      (double)milliseconds(CLOCK_REALTIME) / 1000);
    screen_update(screen, follower->frame, stdout);
    forget_frame(follower);
    follower->frame = screen;
    int status = standard_flush();
    int64_t pause = (cpu_microseconds() - spent) * SHARE / 1000;
    follower->due = now + (pause > TICK ? pause : TICK);
    follower->stale = 0;
    return status;
}

static int show_news(struct follower *follower)
{
    history_name(follower->history);
    if (follower->live)
        return write_frame(follower);
    tell_epochs(follower->history);
    follower->stale = 0;
    return standard_flush();
}

/* Whether all has ended; runs that nobody can go on with are held for dead after a while. */
static int all_ended(struct follower *follower, int64_t news)
{
    int complete = 1, alone = 1, grace = 0;
    for (int i = 0; i < follower->count; i++) {
        const struct source *source = &follower->source[i];
        int hung_up = source->state != SOURCE_OPEN || !source->is_pipe ||
                      follower->waiting[i].revents & POLLHUP;
        int whole = source_complete(source);
        int left = source->found ? folder_is_idle(source->found) : hung_up && source->is_pipe;
        complete &= whole && hung_up;
        alone &= whole ? hung_up : left;
        int wait = source->found == NULL ? GRACE : folder_was_left(source->found) ? 0 : STILL;
        if (!whole && wait > grace)
            grace = wait;
    }
    if (complete)
        return 1;
    int64_t now = milliseconds(CLOCK_MONOTONIC);
    if (news > 0)
        follower->alone_since = 0;
    if (!alone || follower->alone_since == 0)
        follower->alone_since = alone ? now : 0;
    if (!alone || now - follower->alone_since < grace)
        return 0;
    for (int i = 0; i < follower->count; i++) {
        if (follower->source[i].found)
            source_hang_up(&follower->source[i]);
        source_give_up(&follower->source[i], follower->history);
    }
    return 1;
}

/* Until all has ended or a signal came. */
static int run_loop(struct follower *follower)
{
    for (;;) {
        wait_for_news(follower);
        int64_t began = milliseconds(CLOCK_MONOTONIC), news = read_news(follower);
        int ended = news < 0 || all_ended(follower, news);
        if (news < 0)
            return -1;
        int64_t now = milliseconds(CLOCK_MONOTONIC);
        follower->stale |= news > 0 || (follower->live && now - follower->anew_at >= ANEW);
        int due = follower->resized || ended || (follower->stale && now >= follower->due);
        if (due && show_news(follower) < 0)
            return -1;
        if (ended || follower->signal)
            return 0;
        /* Many small records make one frame: the pipe keeps them meanwhile. */
        int64_t left = began + TICK - milliseconds(CLOCK_MONOTONIC);
        struct pollfd signals = {follower->signals, POLLIN, 0};
        poll(&signals, 1, left > 0 ? (int)left : 0);
    }
}

int follow(struct source **source, int *count, struct history *history,
           const struct follow_options *options)
{
    struct follower follower = {.source = *source, .count = *count, .history = history};
    follower.options = options;
    follower.page = show_page(options->size, options->ascii, options->title);
    follower.live = show_terminal(&follower.page);
    sigset_t set = block_signals();
    follower.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (follower.signals < 0)
        return fail("cannot wait for signals: %s", strerror(errno));
    grow_waiting(&follower, 0);

    /* What stands on the terminal is moved up, not overwritten; the cursor hides meanwhile. */
    for (int i = 0; follower.live && i < follower.page.rows; i++)
        putchar('\n');
    if (follower.live)
        fputs("\033[?25l", stdout);
    follower.resized = follower.live;
    int status = run_loop(&follower);
    if (follower.live)
        fputs("\033[?25h", stdout);
    if (standard_flush() < 0)
        status = -1;
    forget_frame(&follower);
    asked_free(&follower.asked);
    close(follower.signals);
    free(follower.waiting);
    if (follower.signal) {
        /* As if it had not been caught, for the shell to see. */
        signal(follower.signal, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(follower.signal);
    }
    *source = follower.source;
    *count = follower.count;
    for (int i = 0; i < *count; i++)
        source_complain(&(*source)[i]);
    return status;
}
