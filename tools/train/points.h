/* The names of runs before they are made.
 *
 * A name tells everything that decides a run's bytes: "d3-s1-8f2c9a41b7d0" is depth 3, seed 1 of
 * the weights (header.h), and the first 12 hexadecimal digits of the XXH3 over what counts in the
 * header that the run will have.
 */
#ifndef PSWEEP_POINTS_H
#define PSWEEP_POINTS_H

#include "images.h"

/* Prints a line for each of the file at path, of the options as they are, changed by those of that
 * line: the name, a tab and net_gpu_bytes(). Empty lines and those that begin with # are left out.
 * Prints nothing and returns -1 with a sentence when the file cannot be read; a mistake in a line
 * ends the program with a sentence that names it. */
int points_print(const char *path, const struct images *input, const struct images_about *images);

#endif
