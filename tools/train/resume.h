/* Going on from an earlier run: a finished one that is to have more epochs, one that was stopped,
 * or the torn file of one that died.
 *
 * Law: what comes out is byte for byte what one undisturbed run of this program would have written.
 * So the earlier run's header must be the header of this one, in all that counts
 * (header.h); its records are taken up to its last checkpoint, and what follows that is
 * trained again.
 */
#ifndef PSWEEP_RESUME_H
#define PSWEEP_RESUME_H

#include "options.h"
#include "training.h"

/* training->writer has just written this run's header. Looks for the checkpoint that is furthest on
 * in the files at paths, copies the records before it behind the header, flushes them, and sets the
 * engine and the place of the run. Where no file holds a checkpoint yet the run stays at its
 * beginning, which is noted. -1 with a sentence: a file cannot be read twice, is no run, is the
 * output itself, or comes of other options or images. */
int resume(struct training *training, const struct option_list *paths);

#endif
