/* The runs of a folder under --follow: its files *.part, those that are there and those that come.
 *
 * A run gets another name when it has ended; the file stays the same and is read on. What a sweep
 * asks for there is looked at too (asked.h). Whoever works in a folder holds a lock on it
 * (flock(1)): when nobody does, no more will come.
 */
#ifndef PSPLOT_FOLDER_H
#define PSPLOT_FOLDER_H

#include "asked.h"
#include "runs/source.h"

struct folder;

void folder_close(struct folder *folder); /* NULL is allowed */

/* Whether nobody held the lock when it was last looked at. */
int folder_is_idle(const struct folder *folder);

/* Whether somebody held it before that: then who writes there holds it, and nothing grows any more.
 */
int folder_was_left(const struct folder *folder);

/* Looks into the folders among count sources, each four times a second, and appends what is new to
 * the sources, which may move. A new file takes the place of an older run of that name. asked: what
 * a sweep asks for there. now: milliseconds. Whether that is other than before. */
int folder_look(struct source **source, int *count, struct history *history, struct asked *asked,
                int64_t now);

/* For a source that a folder found: lets go of a file that is read to its end, so that there may be
 * thousands, and of one that is no run. failed: reading it did. */
void folder_let_go(struct source *source, struct history *history, int failed);

#endif
