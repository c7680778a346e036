/* The figures that synth:shapes draws: ten plane shapes, each its own mirror image, left for right.
 *
 * A shape is a function of the plane, x to the right and y up: below 0 inside, above 0 outside, and
 * near the outline the distance to it, as smooth edges need it (farther off it may fall short). Its
 * middle is about (0, 0), it lies within FIGURE_REACH of there, and all ten cover an area of 2.3 to
 * 2.9, so that size says nothing about the class.
 */
#ifndef PSWEEP_SYNTH_FIGURE_H
#define PSWEEP_SYNTH_FIGURE_H

#include "drawing/synth.h"

#define FIGURE_REACH 1.6

typedef double figure_distance(double x, double y);

/* In the order of synth_class. */
extern figure_distance *const synth_figure[SYNTH_CLASSES];

#endif
