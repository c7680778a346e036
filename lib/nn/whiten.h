/* Filters that whiten patches of the images, in a network's first stage (the mark w of net.h).
 *
 * Patches are the 3×3 × channels values under a filter that lies inside the image, scaled as the
 * engine scales them (engine.h). With λ₀ ≥ λ₁ ≥ … the eigenvalues of their covariance, v the unit
 * eigenvectors, filter 2i is vᵢ / √(λᵢ + 5e-4) and filter 2i + 1 its negative: so over the patches
 * what these filters give is uncorrelated and has the variance λᵢ / (λᵢ + 5e-4), almost 1 (Jordan,
 * "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, after Page, 2018; there the mean is not
 * subtracted).
 */
#ifndef PSWEEP_WHITEN_H
#define PSWEEP_WHITEN_H

#include "net.h"

#define WHITEN_EPSILON 5e-4

/* Whether its first stage whitens. */
int whiten_wanted(const struct net *net);
/* Whether the network's first stage, if it whitens, has filters that can be: in pairs, at most two
 * for each value of a patch, and images that have patches. -1 with a sentence. */
int whiten_check(const struct net *net);

/* Writes the weights of such a stage into parameters[net->parameters]: those for images[count] of
 * the network's shape, pixels uint8; deviation[channels] is what scales them. The sums are of whole
 * numbers, and the rest goes in a fixed order: the same bits everywhere. */
void whiten(const struct net *net, const uint8_t *images, size_t count, const double *deviation,
            float *parameters);

/* For symmetric a[size][size], which is overwritten: its eigenvalues, largest first, and as rows of
 * vectors[size][size] the unit eigenvectors, whose component of the largest magnitude is positive.
 * By Jacobi's rotations. */
void whiten_eigen(uint32_t size, double *a, double *values, double *vectors);

#endif
