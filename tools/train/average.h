/* Averages of the weights over the steps. Running statistics are averaged as the weights are;
 * validations and the model are the average's.
 *
 * With w the weights and statistics behind step t = 1, 2, …, and a the average, which begins with
 * those before the first step:
 *
 *   ema:D            a ← D·a + (1 - D)·w after each step (Polyak, Juditsky, 1992)
 *   lookahead:K:A    after each K-th step a ← a + A·(w - a), then w ← a (Zhang, Lucas, Hinton, Ba,
 *                    "Lookahead optimizer", 2019); momentum stays
 *   lookahead:K:A:R  the same with 1 - (1 - A)·(t/T)^R for A, T the iterations up to the horizon: w
 *                    goes free at first and is held back at the end (Jordan, 2024)
 */
#ifndef PSWEEP_AVERAGE_H
#define PSWEEP_AVERAGE_H

#include <stddef.h>
#include <stdint.h>

enum average_kind { AVERAGE_NONE, AVERAGE_EMA, AVERAGE_LOOKAHEAD };

struct averaging {
    enum average_kind kind;
    double decay;     /* D */
    uint64_t every;   /* K ≥ 1 */
    double share;     /* A */
    double power;     /* R; 0: A stays as it is */
    uint64_t horizon; /* T, where there is an R */
};

/* Reads such a text. -1 with a sentence. */
int average_read(const char *text, struct averaging *averaging);

/* Whether a step is followed by average_step(). */
int average_is_due(const struct averaging *averaging, uint64_t iteration);

/* Moves average[count] after that step by weights[count], and with Lookahead these to it: 1 where
 * it did that. */
int average_step(const struct averaging *averaging, uint64_t iteration, size_t count,
                 float *average, float *weights);

#endif
