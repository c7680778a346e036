#include "spread.h"

#include <math.h>

size_t spread(double *place, size_t count, double first, double last, double step)
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
