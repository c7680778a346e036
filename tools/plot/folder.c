#include "folder.h"

#include "message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_AGAIN = 250 }; /* milliseconds */

/* A file that was met. */
struct met {
    char *path;
    dev_t device;
    ino_t number;
    off_t size;
};

struct folder {
    int fd;
    const char *path;
    struct met *met; /* [mets] */
    size_t mets;
    int64_t look_at;
    int idle, was_busy;
};

/* fd: of the folder; it stays the source's, as path does. */
static struct folder *folder_open(int fd, const char *path)
{
    struct folder *folder = ealloc(1, sizeof *folder);
    folder->fd = fd;
    folder->path = path;
    return folder;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    for (size_t i = 0; i < folder->mets; i++)
        free(folder->met[i].path);
    free(folder->met);
    free(folder);
}

int folder_is_idle(const struct folder *folder)
{
    return folder->idle;
}

int folder_was_left(const struct folder *folder)
{
    return folder->idle && folder->was_busy;
}

/* A shared lock is refused as long as somebody holds an exclusive one. */
static int nobody_works(const struct folder *folder)
{
    int idle = flock(folder->fd, LOCK_SH | LOCK_NB) == 0;
    if (idle)
        (void)flock(folder->fd, LOCK_UN);
    return idle;
}

static int is_part(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".part") == 0;
}

/* Takes note of a file: its path when it is new, else NULL. One that became shorter although nobody
 * follows it any more is another one in the same place. */
static const char *meet(struct folder *folder, const char *name)
{
    struct stat file;
    char *path;
    if (fstatat(folder->fd, name, &file, 0) < 0 || !S_ISREG(file.st_mode))
        return NULL;
    if (asprintf(&path, "%s/%s", folder->path, name) < 0)
        die(FAILED, "out of memory: the name of a file");
    for (size_t i = 0; i < folder->mets; i++) {
        struct met *met = &folder->met[i];
        if (met->device != file.st_dev || met->number != file.st_ino ||
            strcmp(met->path, path) != 0 || file.st_size < met->size)
            continue;
        met->size = file.st_size;
        free(path);
        return NULL;
    }
    folder->met = egrow(folder->met, folder->mets + 1, sizeof *folder->met);
    folder->met[folder->mets++] = (struct met){path, file.st_dev, file.st_ino, file.st_size};
    return path;
}

/* Whether a source that is still followed reads that file: then it was begun anew, and the source
 * sees that by itself. */
static int is_followed(const struct source *source, int count, const char *path)
{
    struct stat file, open;
    for (int i = 0; i < count; i++)
        if (source[i].found && source[i].state == SOURCE_OPEN && stat(path, &file) == 0 &&
            fstat(source[i].fd, &open) == 0 && file.st_dev == open.st_dev &&
            file.st_ino == open.st_ino)
            return 1;
    return 0;
}

/* Forgets a file and all that came of it. */
static void drop(struct source *source, struct history *history)
{
    history_forget(history, source->feed);
    source_shut(source);
    source->state = SOURCE_ENDED;
    free(source->complaint);
    source->complaint = NULL;
}

static void add(struct folder *folder, const char *path, struct source **source, int *count,
                struct history *history)
{
    if (is_followed(*source, *count, path))
        return;
    struct source fresh = source_of(path);
    fresh.found = folder;
    if (source_open(&fresh, 1) < 0 || fresh.state == SOURCE_MISSING) {
        source_close(&fresh); /* it came and went */
        return;
    }
    for (int i = 0; i < *count; i++)
        if ((*source)[i].found == folder && strcmp((*source)[i].feed->stem, fresh.feed->stem) == 0)
            drop(&(*source)[i], history);
    *source = egrow(*source, (size_t)*count + 1, sizeof **source);
    (*source)[(*count)++] = fresh;
}

static void look(struct folder *folder, struct source **source, int *count, struct history *history)
{
    struct dirent **entry;
    /* In this order: what comes before the lock is given back is seen. */
    folder->idle = nobody_works(folder);
    folder->was_busy |= !folder->idle;
    int entries = scandirat(folder->fd, ".", &entry, is_part, versionsort);
    if (entries < 0 &&
        errno != ENOENT) /* else nothing would seem to be there, and that be the end */
        die(FAILED, "cannot read the folder %s: %s", folder->path, strerror(errno));
    for (int i = 0; i < entries; i++) {
        const char *path = meet(folder, entry[i]->d_name);
        if (path)
            add(folder, path, source, count, history);
        free(entry[i]);
    }
    if (entries >= 0)
        free(entry);
}

int folder_look(struct source **source, int *count, struct history *history, struct asked *asked,
                int64_t now)
{
    int other = 0;
    for (int i = 0, before = *count; i < before; i++) {
        struct source *it = &(*source)[i];
        if (!it->is_folder || it->state != SOURCE_OPEN)
            continue;
        if (it->folder == NULL)
            it->folder = folder_open(it->fd, it->path);
        struct folder *folder = it->folder;
        if (now < folder->look_at)
            continue;
        folder->look_at = now + LOOK_AGAIN;
        look(folder, source, count, history);
        (*source)[i].idle = folder->idle;
        other |= asked_look(asked, folder->fd, folder->path, history);
    }
    return other;
}

void folder_let_go(struct source *source, struct history *history, int failed)
{
    int no_run = source->state == SOURCE_DAMAGED && source->feed->runs == 0;
    if (failed || no_run) {
        explain("%s is not followed: %s", source->feed->path, failed ? why() : source->complaint);
        drop(source, history);
    } else if (source_complete(source)) {
        source_shut(source);
        if (source->state == SOURCE_OPEN)
            source->state = SOURCE_ENDED;
    }
}
