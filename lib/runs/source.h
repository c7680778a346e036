/* An input of psplot or psdump: a file, a pipe, standard input or the progress channel, read into
 * the history or record by record.
 *
 * A stream begins with a header; what --progress writes does not. The first record tells which of
 * the two an input is; it is looked at in place, so that nothing is consumed.
 */
#ifndef PSWEEP_SOURCE_H
#define PSWEEP_SOURCE_H

#include "history.h"

struct folder;

enum source_state {
    SOURCE_MISSING, /* not opened, or there is no such file yet (only under --follow) */
    SOURCE_OPEN,    /* more may come */
    SOURCE_ENDED,   /* all was read, and it is whole */
    SOURCE_DAMAGED, /* cut short or damaged: what came before was kept, source_complain() says why
                     */
};

struct source {
    const char *path; /* NULL: standard input */
    int follow;
    enum source_state state;
    int fd;                /* -1: not open */
    int is_file;           /* a regular file: it can grow, but not be waited for with poll() */
    int is_pipe;           /* a pipe or a FIFO */
    int is_folder;         /* under follow: what lies there is followed */
    int idle;              /* in which nobody works, when it was last looked at */
    struct folder *folder; /* what he who follows it knows of it, and owns; untouched here */
    struct folder *found;  /* that of the folder in which it was found; borrowed */
    int64_t began;         /* milliseconds: when its first record came; 0: none has */
    struct feed *feed;
    struct reader *reader;
    char *complaint; /* the sentence about its damage, until it was printed */
    uint64_t *open;  /* [opens] in a progress channel: digests of the names of runs that go on */
    size_t opens;
    int doubted; /* it was said that nothing proves it */
};

/* An input that is not open yet; path NULL: standard input. End it with source_close(). */
struct source source_of(const char *path);

/* Opens it; with follow one that does not exist yet is SOURCE_MISSING, as long as its folder
 * exists, and what is a folder may be followed. -1 with a sentence. */
int source_open(struct source *source, int follow);
void source_close(struct source *source);

/* Reads what there is into the history: all of it, or under follow what has arrived. now: see
 * history_take(). How many records came; -1 with a sentence when the input is of no use at all: of
 * the wrong kind, unreadable. Damage is no such failure: it is a state. */
int64_t source_read(struct source *source, struct history *history, double now);

/* Opens all of count inputs and reads them to their ends; what is damaged is named on stderr. -1 as
 * above. */
int source_read_all(struct source *source, int count, struct history *history);
int source_any_damaged(const struct source *source, int count);

/* For one who does not follow and keeps no history: the next record, borrowed until the next call.
 * RECORD_READ; RECORD_NONE when all was read or the input is damaged, as its state then says; -1 as
 * above. */
int source_next(struct source *source, struct record *record);

/* After a failure of reading the input: 0 and a state where it is damage, which keeps what came
 * before it; -1 and the same sentence for anything else. */
int source_damage(struct source *source);

/* What the input at a place is called among count: by its file without folder and suffix, where no
 * other has that name, else as it was given. Borrowed from it. */
const char *source_label(const struct source *source, int count, int place);

/* Gives back the file and the memory of an input that was read; what it told is kept. */
void source_shut(struct source *source);

/* Prints what damage there is, or that nothing proves that there is none, once. */
void source_complain(struct source *source);

/* Under follow, when no writer holds the pipe any more and all was read: a stream has come to its
 * end, whole or not; the progress channel stays open, for writers may return. */
void source_hang_up(struct source *source);

/* Under follow: whether what was read so far is complete: an end record in a stream, and in the
 * progress channel the word of every run that it is done. */
int source_complete(const struct source *source);

/* Under follow: nobody will go on with it; what is not complete is damaged. */
void source_give_up(struct source *source, const struct history *history);

#endif
