/* What of a run's header decides the run's bytes behind it.
 *
 * That is all but the versions of the programs, for which NUMERICS stands (random.h), and options
 * that were not given and have no default, so that later programs may have more of them.
 */
#ifndef PSWEEP_IDENTITY_H
#define PSWEEP_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* The XXH3 of a header without what does not count. -1 with a sentence when it is no record. */
int identity_digest(const uint8_t *header, size_t size, uint64_t *digest);

#endif
