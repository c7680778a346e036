/* What a program says to people, and how it ends.
 *
 * Law: the library never exits and never prints. A function that can fail returns 0 (or what its
 * header says) for success and -1 for failure, and leaves one sentence behind, which why() returns.
 * The tool decides: die_why() prints "psaug: <sentence>" and exits with the status that goes with
 * it. A name that begins with e (ealloc) exits by itself; memory is the one thing for which the
 * library uses it, since no caller could do better.
 *
 * The sentence is kept per thread: a worker thread's failure must be carried to the main thread as
 * text (why()) by whoever joins them.
 */
#ifndef PSWEEP_MESSAGE_H
#define PSWEEP_MESSAGE_H

#include <setjmp.h>
#include <stddef.h>

/* Exit statuses, the same for all six programs. */
enum status {
    DONE = 0,    /* all that was asked for was done */
    FAILED = 1,  /* it could not be done */
    USAGE = 2,   /* the command line is wrong, whatever the input is */
    DAMAGED = 3, /* the input stream is cut short or damaged */
    STOPPED = 4, /* a signal ended the run early; what was done is whole */
};

/* The name that stands before every message; set once at the start of main by messages_from(). */
extern const char *program;

/* Sets the name. Where stderr is closed messages go nowhere from now on, and not into the next file
 * that is opened. */
void messages_from(const char *name);

/* 0: only errors (-q); 1: the default; 2: explanations too (-v). */
extern int verbosity;

/* Leaves a sentence behind, without program name or full stop. Always returns -1. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fail_as(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The sentence of this thread's last failure, and the exit status that goes with it. */
const char *why(void);
enum status why_status(void);

/* Print "program: sentence" to stderr and exit. */
void die(enum status status, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
void die_why(void) __attribute__((noreturn));

/* Where die() goes instead in this thread, with its sentence in why(): programs that use the shared
 * library (public/psweep.h) are not ended by it. NULL: nowhere. */
extern _Thread_local jmp_buf *instead_of_exit;

/* One line to stderr: note() unless -q was given, explain() only with -v. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void explain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Names in a sentence may come from anybody: what a terminal would obey, or what is no UTF-8,
 * becomes a question mark, in place, and a sentence stays one line. Its new length. */
size_t message_clean(char *text);

/* What stands behind a noun of that many: "1 record", "2 records". */
const char *plural(unsigned long long count);

/* A loss for people, with so many decimals; of one that diverges, a million or more, three digits
 * say all. Borrowed from this thread until its next call. */
const char *loss_text(double loss, int decimals);

/* Zeroed memory for count elements of size bytes; exits when there is none. Free with free(). */
void *ealloc(size_t count, size_t size);
/* realloc to count elements of size bytes; new bytes are not cleared; exits when there is none. */
void *egrow(void *memory, size_t count, size_t size);
/* Room for one more behind count elements that were all added so: it doubles at powers of two. */
void *egrow_by_one(void *memory, size_t count, size_t size);
/* A copy of a string; exits when there is no memory. Free with free(). */
char *ecopy(const char *text);
/* The same of what printf() would write. */
char *eformat(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
