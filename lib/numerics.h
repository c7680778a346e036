#ifndef PSWEEP_NUMERICS_H
#define PSWEEP_NUMERICS_H

/* Stands in the header of every run: to be raised whenever the same images and options give other
 * bits than before. */
enum { NUMERICS = 1 };

#endif
