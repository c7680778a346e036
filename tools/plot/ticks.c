#include "ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The smallest step of the form {1, 2, 5} × 10^k that is not below at_least. */
static double round_step(double at_least)
{
    static const double leading[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(at_least)));
    for (int i = 0; i < 4; i++)
        /* A hair of slack: 0.1 × 3 must not pass over 0.3. */
        if (leading[i] * power >= at_least * (1 - 1e-9))
            return leading[i] * power;
    return 10 * power;
}

static int decimals_of(double step)
{
    int decimals = (int)-floor(log10(step) + 1e-9);
    return decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
}

struct ticks ticks_make(double low, double high, int most, double smallest)
{
    struct ticks ticks = {.first = low, .step = 1};
    if (!isfinite(low) || !isfinite(high) || high < low)
        return ticks;
    if (high == low) {
        ticks.count = 1;
        return ticks;
    }
    double step = round_step((high - low) / (most > 1 ? most - 1 : 1));
    if (step < smallest)
        step = smallest;
    for (;;) {
        /* The slack keeps an end that is a multiple of the step in spite of rounding. */
        double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
        ticks.count = (int)(last - first) + 1;
        ticks.first = first * step;
        if (ticks.count <= most)
            break;
        step = round_step(step * 1.5);
    }
    ticks.step = step;
    ticks.decimals = decimals_of(step);
    return ticks;
}

void tick_text(const struct ticks *ticks, double value, char *text, size_t size)
{
    /* A zero that rounding made tiny and negative is no "-0". */
    if (fabs(value) < ticks->step * 1e-6)
        value = 0;
    snprintf(text, size, fabs(value) < 1e7 ? "%.*f" : "%.*g",
             fabs(value) < 1e7 ? ticks->decimals : 3, value);
    /* "1.5e30": the plus of an exponent is a letter that tells nothing. */
    char *plus = strchr(text, '+');
    if (plus)
        memmove(plus, plus + 1, strlen(plus));
}

void ticks_widen(double *low, double *high, int most)
{
    if (!isfinite(*low) || !isfinite(*high) || *high <= *low)
        return;
    /* Widening can add an interval at each end, hence two fewer. */
    double step = round_step((*high - *low) / (most > 3 ? most - 3 : 1));
    *low = floor(*low / step + 1e-9) * step;
    *high = ceil(*high / step - 1e-9) * step;
}

size_t labels_spread(double *place, size_t count, double first, double last, double step)
{
    size_t most = (size_t)((last - first) / step + 1e-9) + 1, shown = count < most ? count : most;
    /* Down from those above, then all up from the lower edge. */
    for (size_t i = 0; i < shown; i++) {
        place[i] = fmax(fmin(place[i], last), first);
        if (i > 0)
            place[i] = fmax(place[i], place[i - 1] + step);
    }
    for (size_t i = shown; i-- > 0; last = place[i] - step)
        place[i] = fmin(place[i], last);
    return shown;
}
