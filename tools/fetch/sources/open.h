/* Opening and listing a source by its name. */
#ifndef PSWEEP_OPEN_H
#define PSWEEP_OPEN_H

#include "sources/source.h"

/* The kinds, a file each: another one is a file and a line in source_open(). */
extern const struct source_kind source_folder, source_bucket, source_archive, source_list,
    source_idx, source_stream, source_synth;

/* What the listing shows to be no image, by a name that is no UTF-8 or by its size, is an error or,
 * with skip_bad, left out. -1 with a sentence; source_close() is due in any case. */
int source_open(struct source *source, const char *name, const struct source_options *options);
void source_close(struct source *source);

#endif
