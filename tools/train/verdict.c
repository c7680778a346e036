#include "verdict.h"

#include <math.h>

static int is_better(const struct validation *new, const struct validation *best, int by_accuracy)
{
    if (!isfinite(new->loss))
        return 0;
    if (best->iteration == 0)
        return 1;
    if (by_accuracy && new->accuracy != best->accuracy)
        return new->accuracy > best->accuracy;
    return new->loss < best->loss;
}

int verdict_add(struct verdict *verdict, const struct validation *validation, int by_accuracy)
{
    int better = is_better(validation, &verdict->best, by_accuracy);
    verdict->last = validation->iteration;
    verdict->in_vain = better ? 0 : verdict->in_vain + 1;
    if (better)
        verdict->best = *validation;
    return better;
}
