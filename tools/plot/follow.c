#include "follow.h"

#include "message.h"
#include "runs/input.h"
#include "show.h"
#include "standard.h"
#include "terminal/live.h"
#include "reading/titles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
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

struct folder {
    int fd;
    const char *path;
    struct timespec points; /* as they were read last (asked.h) */
    int64_t look_at;
    int idle;     /* nobody held the lock when it was last looked at */
    int was_busy; /* but somebody did before: then who writes there holds it */
};

struct followed {
    struct input input;
    int64_t began;         /* milliseconds: when its first record came; 0: none has */
    struct folder *folder; /* in which it was found, there with this path; NULL: in none */
    char *path;
    struct stat file; /* when it was last seen there */
};

struct follower {
    struct followed *each; /* [count] */
    int count;
    struct folder **folder; /* [folders] */
    size_t folders;
    struct history *history;
    struct asked asked; /* for by the folders */
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
    struct pollfd *waiting; /* [count + 1]: the inputs, then signals */
    int caught_up;          /* what was there at the start has been read */
    int64_t alone_since;    /* milliseconds: nobody is left who could write; 0: somebody is */
};

static int64_t microseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
static int64_t milliseconds(clockid_t clock)
{
    return microseconds(clock) / 1000;
}

static void add_input(struct follower *follower, struct followed followed)
{
    follower->each = egrow(follower->each, (size_t)follower->count + 1, sizeof *follower->each);
    follower->each[follower->count++] = followed;
    follower->waiting =
        egrow(follower->waiting, (size_t)follower->count + 1, sizeof *follower->waiting);
    follower->waiting[follower->count - 1] = (struct pollfd){-1, POLLIN, 0};
    follower->waiting[follower->count] = (struct pollfd){follower->signals, POLLIN, 0};
}

/* Forgets a file and all that came of it. */
static void drop(struct follower *follower, struct input *input)
{
    history_forget(follower->history, input->name);
    input->run = NULL;
    input_shut(input);
    input->state = INPUT_ENDED;
    free(input->complaint);
    input->complaint = NULL;
}

/* Follows a file of a folder, if it is a new one, in place of an older run of that name. One that
 * became shorter although nobody reads it any more is another one in the same place; one that is
 * still read was begun anew, and its input sees that by itself. */
static void look_at(struct follower *follower, struct folder *folder, const char *name)
{
    struct followed fresh = {.folder = folder};
    if (fstatat(folder->fd, name, &fresh.file, 0) < 0 || !S_ISREG(fresh.file.st_mode))
        return;
    fresh.path = eformat("%s/%s", folder->path, name);
    for (int i = 0; i < follower->count; i++) {
        struct followed *known = &follower->each[i];
        int same = known->folder && known->file.st_dev == fresh.file.st_dev &&
                   known->file.st_ino == fresh.file.st_ino;
        int grown = same && strcmp(known->path, fresh.path) == 0 &&
                    fresh.file.st_size >= known->file.st_size;
        /* One that is shorter while it is followed was begun anew, which its input sees. */
        if (grown || (same && known->input.state == INPUT_OPEN)) {
            known->file = fresh.file;
            free(fresh.path);
            return;
        }
    }
    fresh.input = input_of(fresh.path);
    if (input_open(&fresh.input, 1) < 0 || fresh.input.state == INPUT_MISSING) {
        input_close(&fresh.input); /* it came and went */
        free(fresh.path);
        return;
    }
    for (int i = 0; i < follower->count; i++)
        if (follower->each[i].folder == folder &&
            strcmp(follower->each[i].input.stem, fresh.input.stem) == 0)
            drop(follower, &follower->each[i].input);
    add_input(follower, fresh);
}

static int is_part(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".part") == 0;
}

/* What is a folder, or has become one, is looked into instead of read. -1 with a sentence. */
static int open_folders(struct follower *follower)
{
    for (int i = 0; i < follower->count; i++) {
        struct input *input = &follower->each[i].input;
        struct stat status;
        if (input->state != INPUT_MISSING || stat(input->path, &status) < 0 ||
            !S_ISDIR(status.st_mode))
            continue;
        struct folder *folder = ealloc(1, sizeof *folder);
        follower->folder = egrow(follower->folder, follower->folders + 1, sizeof *follower->folder);
        follower->folder[follower->folders++] = folder;
        folder->path = input->path;
        folder->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
        if (folder->fd < 0)
            return fail("cannot open %s: %s", input->path, strerror(errno));
        input->state = INPUT_ENDED;
    }
    return 0;
}

/* Looks into the folders, each four times a second. */
static void look_into_folders(struct follower *follower)
{
    int64_t now = milliseconds(CLOCK_MONOTONIC);
    for (size_t f = 0; f < follower->folders; f++) {
        struct folder *folder = follower->folder[f];
        struct dirent **entry;
        if (now < folder->look_at)
            continue;
        folder->look_at = now + LOOK_AGAIN;
        /* A shared lock is refused as long as somebody holds an exclusive one. In this order: what
         * comes before the lock is given back is seen. */
        folder->idle = flock(folder->fd, LOCK_SH | LOCK_NB) == 0;
        if (folder->idle)
            (void)flock(folder->fd, LOCK_UN);
        folder->was_busy |= !folder->idle;
        int entries = scandirat(folder->fd, ".", &entry, is_part, versionsort);
        if (entries < 0 &&
            errno != ENOENT) /* else nothing would seem to be there, and that be the end */
            die(FAILED, "cannot read the folder %s: %s", folder->path, strerror(errno));
        for (int i = 0; i < entries; i++) {
            look_at(follower, folder, entry[i]->d_name);
            free(entry[i]);
        }
        if (entries >= 0)
            free(entry);
        follower->stale |= asked_look(&follower->asked, folder->fd, folder->path, &folder->points,
                                      follower->history);
    }
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

/* Waits until there may be something to read, or a signal. A pipe without writers is always
 * "ready", a file never says: both are looked at a few times a second. */
static void wait_for_news(struct follower *follower)
{
    struct signalfd_siginfo info;
    int64_t now = milliseconds(CLOCK_MONOTONIC);
    int timeout = follower->live ? (int)(follower->anew_at + ANEW - now) : -1;
    int look_again = follower->folders > 0;
    for (int i = 0; i < follower->count; i++) {
        const struct input *input = &follower->each[i].input;
        int hung_up = follower->waiting[i].revents & POLLHUP;
        int pollable = input->state == INPUT_OPEN && input->is_pipe;
        look_again |= !pollable || hung_up;
        follower->waiting[i].fd = pollable && !hung_up ? input->fd : -1;
    }
    if (look_again && (timeout < 0 || timeout > LOOK_AGAIN))
        timeout = LOOK_AGAIN;
    if (follower->stale)
        timeout = follower->due > now ? (int)(follower->due - now) : 0;
    else if (follower->live && timeout < 0)
        timeout = 0;
    if (follower->caught_up)
        poll(follower->waiting, (nfds_t)follower->count + 1, timeout);
    /* All that was there before somebody hung up must be read after it is known: so ask first. */
    for (int i = 0; i < follower->count; i++) {
        const struct input *input = &follower->each[i].input;
        follower->waiting[i].fd = input->state == INPUT_OPEN && input->is_pipe ? input->fd : -1;
    }
    poll(follower->waiting, (nfds_t)follower->count + 1, 0);
    while (read(follower->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            follower->resized = follower->live;
        else if (info.ssi_signo == SIGTSTP)
            suspend(follower);
        else
            follower->signal = (int)info.ssi_signo;
    }
}

/* Reads what an input has: how many records came, or -1. Of a folder's, lets go of a file that is
 * read to its end, so that there may be thousands, and of one that is no run. */
static int64_t read_input(struct follower *follower, struct followed *followed)
{
    struct input *input = &followed->input;
    int64_t now = milliseconds(CLOCK_MONOTONIC);
    int settled = !input->is_file || (followed->began && now - followed->began >= SETTLE);
    int64_t got = input_read(
        input, follower->history,
        follower->caught_up && settled ? (double)milliseconds(CLOCK_REALTIME) / 1000 : NAN);
    if (got > 0 && followed->began == 0)
        followed->began = milliseconds(CLOCK_MONOTONIC);
    if (followed->folder == NULL || input->fd < 0)
        return followed->folder && got < 0 ? 0 : got;
    if (got < 0 || (input->state == INPUT_DAMAGED && input->runs == 0)) {
        explain("%s is not followed: %s", input->name, got < 0 ? why() : input->complaint);
        drop(follower, input);
    } else if (input_complete(input)) {
        input_shut(input);
        if (input->state == INPUT_OPEN)
            input->state = INPUT_ENDED;
    }
    return got < 0 ? 0 : got;
}

/* Reads all inputs: how many records came, or -1. */
static int64_t read_news(struct follower *follower)
{
    int64_t taken = 0;
    if (open_folders(follower) < 0)
        return -1;
    look_into_folders(follower);
    for (int i = 0; i < follower->count; i++) {
        struct input *input = &follower->each[i].input;
        int64_t got = read_input(follower, &follower->each[i]);
        if (got < 0)
            return -1;
        if (got == 0 && follower->waiting[i].revents & POLLHUP)
            input_hang_up(input);
        if (!follower->live)
            input_complain(input);
        taken += got;
    }
    follower->caught_up = 1;
    return taken;
}

static void forget_frame(struct follower *follower)
{
    if (follower->frame)
        screen_free(follower->frame);
    follower->frame = NULL;
}

/* Draws a frame over the one that the terminal shows. What that cost decides when the next one may
 * be: a long history is drawn less often. */
static int write_frame(struct follower *follower)
{
    int64_t now = milliseconds(CLOCK_MONOTONIC), spent = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    int live;
    if (follower->resized)
        follower->page = show_page(follower->options->size, follower->options->ascii,
                                   follower->options->title, &live);
    if (follower->resized || now - follower->anew_at >= ANEW) {
        forget_frame(follower);
        follower->anew_at = now;
        follower->resized = 0;
    }
    struct screen *screen = live_frame(follower->history, &follower->asked, &follower->page,
                                       (double)milliseconds(CLOCK_REALTIME) / 1000);
    screen_update(screen, follower->frame, stdout);
    forget_frame(follower);
    follower->frame = screen;
    int status = standard_flush();
    int64_t pause = (microseconds(CLOCK_PROCESS_CPUTIME_ID) - spent) * SHARE / 1000;
    follower->due = now + (pause > TICK ? pause : TICK);
    return status;
}

/* Whether all has ended; runs that nobody can go on with are held for dead after a while. */
static int all_ended(struct follower *follower, int64_t news)
{
    int complete = 1, alone = 1, grace = 0;
    for (size_t f = 0; f < follower->folders; f++)
        complete &= follower->folder[f]->idle;
    alone = complete;
    for (int i = 0; i < follower->count; i++) {
        const struct input *input = &follower->each[i].input;
        const struct folder *folder = follower->each[i].folder;
        int hung_up =
            input->state != INPUT_OPEN || !input->is_pipe || follower->waiting[i].revents & POLLHUP;
        int whole = input_complete(input);
        int left = folder ? folder->idle : hung_up && input->is_pipe;
        int wait = folder == NULL ? GRACE : folder->idle && folder->was_busy ? 0 : STILL;
        complete &= whole && hung_up;
        alone &= whole ? hung_up : left;
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
        if (follower->each[i].folder)
            input_hang_up(&follower->each[i].input);
        input_give_up(&follower->each[i].input, follower->history);
    }
    return 1;
}

/* Until all has ended or a signal came. */
static int run_loop(struct follower *follower)
{
    for (;;) {
        wait_for_news(follower);
        int64_t began = milliseconds(CLOCK_MONOTONIC), news = read_news(follower);
        int ended = news < 0 || all_ended(follower, news), status = 0;
        if (news < 0)
            return -1;
        int64_t now = milliseconds(CLOCK_MONOTONIC);
        follower->stale |= news > 0 || (follower->live && now - follower->anew_at >= ANEW);
        if (follower->resized || ended || (follower->stale && now >= follower->due)) {
            give_titles(follower->history);
            if (!follower->live)
                live_tell(follower->history);
            status = follower->live ? write_frame(follower) : standard_flush();
            follower->stale = 0;
        }
        if (status < 0 || ended || follower->signal)
            return status;
        /* Many small records make one frame: the pipe keeps them meanwhile. */
        int64_t left = began + TICK - milliseconds(CLOCK_MONOTONIC);
        struct pollfd signals = {follower->signals, POLLIN, 0};
        poll(&signals, 1, left > 0 ? (int)left : 0);
    }
}

static int open_paths(struct follower *follower, char *const *path, int count)
{
    for (int i = 0; i < count; i++) {
        add_input(follower, (struct followed){.input = input_of(path[i])});
        if (input_open(&follower->each[i].input, 1) < 0)
            return -1;
    }
    return open_folders(follower);
}

static void close_all(struct follower *follower)
{
    for (int i = 0; i < follower->count; i++) {
        input_close(&follower->each[i].input);
        free(follower->each[i].path);
    }
    for (size_t f = 0; f < follower->folders; f++) {
        close(follower->folder[f]->fd);
        free(follower->folder[f]);
    }
    asked_free(&follower->asked);
    free(follower->folder);
    free(follower->each);
    free(follower->waiting);
    close(follower->signals);
    forget_frame(follower);
}

int follow(char *const *path, int count, struct history *history,
           const struct follow_options *options)
{
    struct follower follower = {.history = history, .options = options};
    static const int asked_for[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof asked_for / sizeof *asked_for; i++)
        sigaddset(&set, asked_for[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    follower.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (follower.signals < 0)
        return fail("cannot wait for signals: %s", strerror(errno));
    follower.waiting = ealloc(1, sizeof *follower.waiting);
    follower.waiting[0] = (struct pollfd){follower.signals, POLLIN, 0};
    int status = open_paths(&follower, path, count);
    if (status < 0)
        return -1;
    follower.page = show_page(options->size, options->ascii, options->title, &follower.live);

    /* What stands on the terminal is moved up, not overwritten; the cursor hides meanwhile. */
    for (int i = 0; follower.live && i < follower.page.rows; i++)
        putchar('\n');
    if (follower.live)
        fputs("\033[?25l", stdout);
    follower.resized = follower.live;
    status = run_loop(&follower);
    if (follower.live)
        fputs("\033[?25h", stdout);
    if (standard_flush() < 0)
        status = -1;
    if (follower.signal) {
        /* As if it had not been caught, for the shell to see. */
        signal(follower.signal, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(follower.signal);
    }
    for (int i = 0; i < follower.count; i++) {
        input_complain(&follower.each[i].input);
        if (status == 0 && follower.each[i].input.state == INPUT_DAMAGED)
            status = DAMAGED;
    }
    close_all(&follower);
    history->to_come = 0;
    return status;
}
