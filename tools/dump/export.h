/* Records as text for other programs, on standard output: as they come, in constant memory.
 *
 * A consumer that has enough and closes the pipe is no failure. What stands before damage is
 * written; the input's state then tells of it.
 */
#ifndef PSDUMP_EXPORT_H
#define PSDUMP_EXPORT_H

#include "runs/input.h"

/* A line of JSON for each record (json.h), with pixels and weights or without; or one table of
 * comma-separated values (csv.h). */
enum export_form { EXPORT_JSON, EXPORT_JSON_BYTES, EXPORT_CSV };

/* -1 with a sentence. */
int export_records(struct input *input, int count, enum export_form form);

#endif
