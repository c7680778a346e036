/* The learning rate of an iteration: a pure function of options, the iterations of an epoch and a
 * stated horizon, never of how many epochs a run is asked for. So 2 + 2 epochs are 4.
 *
 * With R the rate, i = 1, 2, … the iteration, W the iterations of the warm-up, T those up to the
 * horizon, P those of the drop period, F the drop factor:
 *
 *   warm-up        R·i/W for i < W, in place of what follows
 *   constant       R
 *   step           R·F^⌊(i - 1)/P⌋
 *   exponential    R·F^((i - 1)/P)
 *   cosine         R·(1 + cos πx)/2, x = (i - 1 - W)/(T - W), between 0 and 1 (Loshchilov, Hutter,
 *                  "SGDR", 2017)
 *   linear         R·(1 - x), with the same x
 *   one-cycle      from R/25 at i = 1 up to R at i = 0.3·T, then down to R/250000 at i = T, each
 *                  along half a cosine (Smith, Topin, 2019; PyTorch's OneCycleLR by default)
 *
 * What ends at the horizon stays behind it what it was there.
 */
#ifndef PSWEEP_SCHEDULE_H
#define PSWEEP_SCHEDULE_H

#include <stdint.h>

enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_STEP,
    SCHEDULE_EXPONENTIAL,
    SCHEDULE_COSINE,
    SCHEDULE_LINEAR,
    SCHEDULE_ONE_CYCLE,
};

struct schedule {
    enum schedule_kind kind;
    double rate;           /* R */
    double warm_up;        /* W; 0: none */
    double period, factor; /* P ≥ 1, F > 0 */
    uint64_t horizon;      /* T ≥ 1 and > W */
};

/* Whether it ends at the horizon: of the others that may be any. */
int schedule_ends(enum schedule_kind kind);

double schedule_rate(const struct schedule *schedule, uint64_t iteration);

#endif
