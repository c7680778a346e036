/* The header of a run: the options, and the images that it learns from. */
#ifndef PSWEEP_HEADER_H
#define PSWEEP_HEADER_H

#include "images.h"
#include "nn/net.h"

/* Writes the header of the run that the options make. engine: its engine_name(). */
int training_write_header(struct writer *writer, const struct images *input,
                          const struct images_about *images, const char *engine,
                          const struct net *net);

/* What of a run's header decides the run's bytes behind it: the XXH3 of all but the versions of the
 * programs, for which NUMERICS stands (random.h), and options that were not given and have no
 * default, so that later programs may have more of them. -1 with a sentence when it is no record.
 */
int training_identity(const uint8_t *header, size_t size, uint64_t *digest);

/* What a run is called: "d3-s1", its depth and the seed of its weights, or "n9-s1", a network of a
 * text that has 9 stages. */
enum { NAME_ROOM = 64 };
void training_name(const struct net *net, char name[NAME_ROOM]);

#endif
