#include "reading/asked.h"

#include "reading/curve.h"
#include "runs/history.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAME = 200, MOST_RUNS = 100000 };
static const off_t MOST_POINTS = 64 << 20; /* bytes of the points */
static const off_t MOST_READ = 64 << 20;   /* and of run files at one look */

static int same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void asked_free(struct asked *asked)
{
    for (size_t i = 0; i < asked->count; i++) {
        free(asked->run[i].name);
        settings_free(&asked->options[i]);
    }
    free(asked->run);
    free(asked->options);
    asked->count = 0;
}

/* "--depth 1 --learning-rate=0.1": those whose names are spelt out. */
static struct settings read_options(char *line)
{
    struct settings options = {0};
    char *save, *word = strtok_r(line, " ", &save);
    while (word) {
        char *next = strtok_r(NULL, " ", &save), *equals = strchr(word, '=');
        const char *value = equals ? equals + 1 : next;
        if (equals)
            *equals = 0;
        if (strncmp(word, "--", 2) == 0 && value)
            settings_add(&options, word + 2, value, NAN);
        word = next;
    }
    return options;
}

/* One more run, of these options. */
static void add_run(struct asked *asked, struct asked_run run, struct settings options)
{
    asked->run = egrow_by_one(asked->run, asked->count, sizeof *asked->run);
    asked->options = egrow_by_one(asked->options, asked->count, sizeof *asked->options);
    asked->options[asked->count] = options;
    asked->run[asked->count++] = run;
}

/* The points of one folder, in place of those that it had before. */
static void read_points(struct asked *asked, const char *folder, FILE *file)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    struct asked before = *asked;
    char *line = NULL;
    size_t room = 0;
    *asked = (struct asked){0};
    for (size_t i = 0; i < before.count; i++)
        if (before.run[i].folder != folder) {
            add_run(asked, before.run[i], before.options[i]);
            before.run[i].name = NULL;
            before.options[i] = (struct settings){0};
        }
    while (asked->count < MOST_RUNS && getline(&line, &room, file) > 0) {
        size_t length = strspn(line, allowed);
        char *end;
        if (length == 0 || length > MOST_NAME || line[length] != '\t' || line[0] == '.')
            continue;
        line[length] = 0;
        unsigned long epochs = strtoul(line + length + 1, &end, 10);
        if (*end != '\t' || epochs == 0 || epochs > UINT32_MAX)
            continue;
        end[strcspn(end, "\n")] = 0;
        struct asked_run run = {.name = ecopy(line), .folder = folder, .epochs = epochs};
        /* What is known of NAME.bin stays known when the points are read again. */
        for (size_t i = 0; i < before.count; i++)
            if (before.run[i].name && strcmp(before.run[i].name, line) == 0) {
                run.reached = before.run[i].reached;
                run.changed = before.run[i].changed;
            }
        add_run(asked, run, read_options(end + 1));
    }
    if (asked->count < MOST_RUNS && !feof(file) && errno == ENOMEM)
        die(FAILED, "out of memory: a line of a sweep's points");
    free(line);
    asked_free(&before);
}

/* How far NAME.bin came, where it is another than before and may be read: what it costs. */
static off_t look_at(struct asked_run *run, int folder, const char *path, int may_read)
{
    struct stat file;
    char name[MOST_NAME + 16];
    snprintf(name, sizeof name, "%s.failed", run->name);
    run->failed = faccessat(folder, name, F_OK, 0) == 0;
    snprintf(name, sizeof name, "%s.bin", run->name);
    if (fstatat(folder, name, &file, 0) < 0 || !S_ISREG(file.st_mode)) {
        run->reached = 0;
        run->changed = (struct timespec){0};
        return 0;
    }
    if (same_time(run->changed, file.st_mtim))
        return 0;
    if (!may_read) {
        run->reached = UINT64_MAX;
        return 0;
    }
    char *full = eformat("%s/%s", path, name);
    struct run *there = run_load(full);
    run->reached = there->state != RUN_DONE                                  ? 0
                   : there->reason && strcmp(there->reason, "patience") == 0 ? UINT64_MAX
                                                                             : there->epoch;
    run_free(there);
    run->changed = file.st_mtim;
    free(full);
    return file.st_size;
}

/* The run of that name which is followed in its folder. */
static struct run *run_of(const struct history *history, const struct asked_run *want)
{
    size_t size = strlen(want->folder);
    for (size_t i = 0; i < history->runs; i++) {
        struct run *run = history->run[i];
        if (run->stem && strcmp(run->stem, want->name) == 0 &&
            strncmp(run->path, want->folder, size) == 0 && run->path[size] == '/')
            return run;
    }
    return NULL;
}

int asked_look(struct asked *asked, int folder, const char *path, struct timespec *changed,
               struct history *history)
{
    int fd = openat(folder, "points", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    FILE *file = NULL;
    if (fd < 0)
        return 0;
    int other = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_size <= MOST_POINTS && !same_time(status.st_mtim, *changed);
    if (other && (file = fdopen(fd, "r"))) {
        read_points(asked, path, file);
        *changed = status.st_mtim;
        history->coming = asked->options;
        history->to_come = asked->count;
        history->named = 0;
    }
    if (file)
        (void)fclose(file);
    else
        close(fd);
    off_t spent = 0;
    for (size_t i = 0; i < asked->count; i++) {
        struct asked_run *want = &asked->run[i], before = *want;
        if (want->folder != path)
            continue;
        spent += look_at(want, folder, path, spent < MOST_READ);
        other |= want->reached != before.reached || want->failed != before.failed;
        struct run *run = run_of(history, want);
        if (run && run->state == RUN_OPEN && run->epochs != want->epochs) {
            run_ask(run, want->epochs);
            other = 1;
        }
    }
    return other;
}

struct asked_counts asked_counts(const struct asked *asked, const struct history *history)
{
    struct asked_counts tally = {.asked = asked->count};
    double sum = 0, known = 0, work = 0, longest = 0;
    /* Seconds that an epoch takes, in the mean of the runs whose speed is known. Networks of all
     * depths have about the same work to do, for deeper ones are narrower. */
    for (size_t i = 0; i < history->runs; i++) {
        const struct run *run = history->run[i];
        double each = (double)run->iterations / (double)run->epochs / curve_speed(run).iterations;
        sum += isfinite(each) ? each : 0;
        known += isfinite(each) ? 1 : 0;
    }
    for (size_t i = 0; i < asked->count; i++) {
        const struct asked_run *want = &asked->run[i];
        const struct run *run = run_of(history, want);
        double left = sum / known * (double)want->epochs;
        if (run && run->state == RUN_OPEN) {
            tally.running++;
            if (isfinite(curve_left(run)))
                left = curve_left(run);
            longest = fmax(longest, left);
        } else if (want->reached >= want->epochs) {
            tally.done++;
            left = 0;
        } else if (want->failed) {
            tally.failed++;
            left = 0;
        } else if (want->reached > 0) {
            left = sum / known * (double)(want->epochs - want->reached);
        }
        work += left;
    }
    /* As many at a time as there are now. */
    tally.left = fmax(work / (double)tally.running, longest);
    if (tally.running == 0 || !isfinite(work))
        tally.left = NAN;
    return tally;
}
