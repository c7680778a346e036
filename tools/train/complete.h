/* What follows from the options of the command line and from the images: which options go together,
 * and those that were not given.
 *
 * An option that came later stands in the header only where it was given; so a default of it that
 * decides bytes is put there where the option that needs it is given. Options that exclude each
 * other are wrong usage; what they ask for and these images do not allow could not be done.
 */
#ifndef PSWEEP_COMPLETE_H
#define PSWEEP_COMPLETE_H

#include "images.h"
#include "nn/net.h"

/* When the images are known: puts the means and deviations that were asked for in place of theirs,
 * lays out the network, and fills in the options that depend on these or on each other. -1 with a
 * sentence. */
int training_complete(uint32_t classes, struct images_about *images, struct net *net);

#endif
