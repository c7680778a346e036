/* Records as text for other programs, on standard output: as they come, in constant memory.
 *
 * A consumer that has enough and closes the pipe is no failure. What stands before damage is
 * written; the source's state then tells of it.
 */
#ifndef PSDUMP_EXPORT_H
#define PSDUMP_EXPORT_H

#include "runs/source.h"

/* A line of JSON for each record (json.h). -1 with a sentence. */
int export_json(struct source *source, int count, int bytes);

/* One table of comma-separated values (rows.h). -1 with a sentence. */
int export_csv(struct source *source, int count);

#endif
