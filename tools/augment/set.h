/* The images that psaug keeps between epochs.
 *
 * A set holds image records as the bytes they came in: in memory up to a limit, and beyond that in
 * a file that is read again: the input itself where it is a file, else a spool file that has no
 * name and so goes with the program.
 */
#ifndef PSWEEP_SET_H
#define PSWEEP_SET_H

#include "image.h"

struct set;

/* limit: bytes of records that may still be kept in memory; several sets may share it, and it is
 * borrowed until they are closed. It sinks to 0 where the system has no more before. input: the fd
 * that records are read from; when it can be sought, it is the file beyond the limit. */
struct set *set_open(uint64_t *limit, int input);
void set_close(struct set *set);

/* Keeps an image that came from record. place: where that begins in the input (record_place());
 * when it is not -1, the input is the file beyond the limit. -1 with a sentence when the spool file
 * cannot be written. */
int set_add(struct set *set, const struct image *image, const struct record *record, int64_t place);

/* Writes out what waits to be written, when all have been added, so that a full disk is seen before
 * anything comes of them. -1 with a sentence. */
int set_flush(struct set *set);

size_t set_count(const struct set *set);
/* The ids of all images, in the order they were added; owned by the set. */
const uint64_t *set_ids(const struct set *set);

/* Id, height and width of the image at a place, for which nothing has to be read. */
struct image set_outline(const struct set *set, size_t place);
/* The image at a place 0 … set_count() - 1; borrowed until the next call. -1 with a sentence. */
int set_image(struct set *set, size_t place, struct image *image);

#endif
