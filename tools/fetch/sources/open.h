/* Opening and listing a source by its name. */
#ifndef PSWEEP_OPEN_H
#define PSWEEP_OPEN_H

#include "sources/source.h"

/* The kinds, a file each: another one is a file and a line in source_open(). */
extern const struct source_kind source_folder, source_bucket, source_archive, source_list,
    source_idx, source_stream, source_synth;
/* Makes a folder of files that are named. -1 with a sentence where one is bad. */
int folder_take_files(struct source *source, char *const *name, size_t count);

/* What the listing shows to be no image, by a name that is no UTF-8 or by its size, is an error or,
 * with skip_bad, left out. -1 with a sentence; source_close() is due in any case. */
int source_open(struct source *source, const char *name, const struct source_options *options);
/* The first of count ≥ 1 names, ahead of others; but where no labels are wanted, image files that
 * are named one by one are one source, until another name comes: their keys are their names, in
 * their order. How many names it took, or -1. */
ptrdiff_t source_open_next(struct source *source, char *const *name, size_t count,
                           const struct source_options *options);
void source_close(struct source *source);

#endif
