/* Objects of a bucket, brought into a prefetch window by a thread of their own. */
#ifndef PSWEEP_OBJECTS_H
#define PSWEEP_OBJECTS_H

#include "prefetch.h"
#include "s3/s3.h"

enum { OBJECTS_PER_CONNECTION = 16 }; /* a window has room for, that no connection be idle */

struct objects;

/* Starts to get listing->object[chosen[0 … count-1]] (chosen NULL: the first count) with up to
 * connections requests in flight. One that was listed and cannot be had arrives as bad (it is gone,
 * or refused to us, or in an archive: 404, 410, 403 AccessDenied and InvalidObjectState); other
 * failures break the window. All is borrowed until objects_stop(). NULL with a sentence. */
struct objects *objects_start(struct s3 *s3, const struct s3_listing *listing, const size_t *chosen,
                              size_t count, unsigned connections, struct prefetch *prefetch);
/* When the window was stopped, also in the middle. NULL is allowed. */
void objects_stop(struct objects *objects);

#endif
