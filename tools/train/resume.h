/* Going on from an earlier run: a finished one that is to have more epochs, one that was stopped,
 * or the torn file of one that died.
 *
 * Law: what comes out is byte for byte what one undisturbed run would have written. So the earlier
 * run's header must be the header of this one, and its records are taken up to its last whole
 * checkpoint at an epoch's end; what follows that is trained again.
 */
#ifndef PSWEEP_RESUME_H
#define PSWEEP_RESUME_H

#include "run.h"

/* run->writer has just written this run's header. Copies the records of the run at path that count
 * behind it, flushes them, and sets the engine and the place of the run. A file that holds no
 * checkpoint yet leaves the run at its beginning, which is noted. -1 with a sentence: the file
 * cannot be read twice, is no run, is the output itself, or comes of other options or images. */
int resume(struct run *run, const char *path);

#endif
