/* An input of psplot or psdump: a file, a pipe, standard input or the progress channel, read into
 * the history or record by record.
 *
 * A stream begins with a header; what --progress writes does not. The first record tells which of
 * the two an input is; it is looked at in place, so that nothing is consumed.
 */
#ifndef PSWEEP_INPUT_H
#define PSWEEP_INPUT_H

#include "history.h"

enum input_state {
    INPUT_MISSING, /* not opened, or there is no such file yet (only under --follow) */
    INPUT_OPEN,    /* more may come */
    INPUT_ENDED,   /* all was read, and it is whole */
    INPUT_DAMAGED, /* cut short or damaged: what came before was kept, input_complain() says why */
};

struct input {
    const char *path; /* NULL: standard input */
    char *name;       /* for people: "runs/net3.bin", "input" */
    char *stem;       /* "net3", or NULL for standard input */
    int follow;
    enum input_state state;
    int fd;      /* -1: not open */
    int is_file; /* a regular file: it can grow, but not be waited for with poll() */
    int is_pipe; /* a pipe or a FIFO */
    struct reader *reader;
    int bare;        /* the progress channel: records name their run themselves */
    int inside;      /* between a header and its end */
    int runs;        /* begun so far */
    struct run *run; /* the present one, in the history; NULL in a stream of scores */
    size_t model;    /* the first of those that a stream of scores is of, in the history */
    struct classes classes;
    char *complaint; /* the sentence about its damage, until it was printed */
    uint64_t *open;  /* [opens] in a progress channel: digests of the names of runs that go on */
    size_t opens;
    int doubted; /* it was said that nothing proves it */
};

/* An input that is not open yet; path NULL: standard input. End it with input_close(). */
struct input input_of(const char *path);

/* Opens it; with follow one that does not exist yet is INPUT_MISSING, as long as its folder exists,
 * and so is a folder. -1 with a sentence. */
int input_open(struct input *input, int follow);
void input_close(struct input *input);

/* Gives back the file and the memory of an input that was read; what it told is kept. */
void input_shut(struct input *input);

/* The next record, borrowed until the next call. RECORD_READ; RECORD_WAIT under follow, when there
 * is none yet; RECORD_NONE when all was read or the input is damaged, as its state then says; -1
 * with a sentence when the input is of no use at all. */
int input_next(struct input *input, struct record *record);

/* Gives a record of the input to the history. now: the time to give to a record that carries none,
 * NAN where it is not followed live. -1 with a sentence. */
int input_take(struct input *input, struct history *history, const struct record *record,
               double now);

/* Reads what there is into the history: all of it, or under follow what has arrived. How many
 * records came; -1 as above, also for a stream that is neither of runs nor of scores. */
int64_t input_read(struct input *input, struct history *history, double now);

/* Opens all of count inputs and reads them to their ends; what is damaged is named on stderr. -1 as
 * above. */
int input_read_all(struct input *input, int count, struct history *history);
int input_any_damaged(const struct input *input, int count);

/* After a failure of reading the input: 0 and a state where it is damage, which keeps what came
 * before it; -1 and the same sentence for anything else. */
int input_damage(struct input *input);

/* Prints what damage there is, or that nothing proves that there is none, once. */
void input_complain(struct input *input);

/* Under follow, when no writer holds the pipe any more and all was read: a stream has come to its
 * end, whole or not; the progress channel stays open, for writers may return. */
void input_hang_up(struct input *input);

/* Under follow: whether what was read so far is complete: an end record in a stream, and in the
 * progress channel the word of every run that it is done. */
int input_complete(const struct input *input);

/* Under follow: nobody will go on with it; what is not complete is damaged. */
void input_give_up(struct input *input, const struct history *history);

#endif
