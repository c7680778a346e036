/* The progress channel: small self-contained records for whoever watches (FORMAT.md, last
 * paragraph).
 *
 * Law: watching cannot hurt a run. Every call returns at once and none fails: without a reader,
 * with a slow or a dead one, records are lost, and their number travels in the next record that
 * gets through.
 */
#ifndef PSWEEP_PROGRESS_H
#define PSWEEP_PROGRESS_H

#include <stdint.h>

struct progress;

/* Bytes of a name: a record is one write of at most 4096. */
enum { PROGRESS_MOST_NAME = 1024 };

/* path: a named FIFO, a file (appended to) or fd:N (a pipe or file that this process was started
 * with). NULL: nobody watches, and the result is NULL, which all other calls allow. -1 with a
 * sentence when the path can never be written. */
int progress_open(struct progress **progress, const char *path, const char *name, uint64_t epochs,
                  uint64_t iterations);
void progress_close(struct progress *progress);

/* The run turns out to have another number of epochs and iterations in all. */
void progress_expect(struct progress *progress, uint64_t epochs, uint64_t iterations);

/* A mini-batch ("progress") or the validation set ("validation") of so many images. rate: that of
 * the mini-batch's step, NAN where it is not told. */
void progress_send(struct progress *progress, const char *type, uint64_t epoch, uint64_t iteration,
                   uint64_t images, double loss, double accuracy, double rate);
/* The run has ended: "done", "stopped" or "failed". */
void progress_done(struct progress *progress, uint64_t epoch, uint64_t iteration,
                   const char *status);

#endif
