#ifndef PSWEEP_NUMERICS_H
#define PSWEEP_NUMERICS_H

/* Stands in the header of every run: to be raised whenever the same images and options give other
 * bits than before, of the views (psaug) or behind the header of the run. A run that an earlier
 * version began is gone on from, and has the same name, where this number is the same; a new field
 * that pstrain --resume can fill in is no reason to raise it. */
enum { NUMERICS = 1 };

#endif
