#include "schedule.h"

#include "nn/maths.h"

static const double PI = 0x1.921fb54442d18p+1;

/* From 1 at x = 0 to 0 at x = 1, along half a cosine. */
static double fall(double x)
{
    return x < 1 ? (1 + maths_cos(PI * x)) / 2 : 0;
}

static double one_cycle(const struct schedule *s, double before)
{
    double least = s->rate / 25, end = least / 1e4;
    double top = 0.3 * (double)s->horizon - 1, last = (double)s->horizon - 1;
    if (before < top)
        return s->rate + (least - s->rate) * fall(before / top);
    return end + (s->rate - end) * (before < last ? fall((before - top) / (last - top)) : 0);
}

int schedule_ends(enum schedule_kind kind)
{
    return kind == SCHEDULE_COSINE || kind == SCHEDULE_LINEAR || kind == SCHEDULE_ONE_CYCLE;
}

double schedule_rate(const struct schedule *s, uint64_t iteration)
{
    uint64_t before = iteration - 1;
    double x = ((double)before - s->warm_up) / ((double)s->horizon - s->warm_up);
    x = x < 0 ? 0 : x > 1 ? 1 : x;
    if ((double)iteration < s->warm_up)
        return s->rate * ((double)iteration / s->warm_up);
    switch (s->kind) {
    case SCHEDULE_CONSTANT:
        break;
    case SCHEDULE_STEP:
        return s->rate * maths_power(s->factor, (uint64_t)((double)before / s->period));
    case SCHEDULE_EXPONENTIAL:
        return s->rate * maths_exp((double)before / s->period * maths_log(s->factor));
    case SCHEDULE_COSINE:
        return s->rate * fall(x);
    case SCHEDULE_LINEAR:
        return s->rate * (1 - x);
    case SCHEDULE_ONE_CYCLE:
        return one_cycle(s, (double)before);
    }
    return s->rate;
}
