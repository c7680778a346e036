#include "validations.h"

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

int validations_add(struct validations *validations, const struct validation *validation,
                    int by_accuracy)
{
    int better = is_better(validation, &validations->best, by_accuracy);
    validations->last = validation->iteration;
    validations->in_vain = better ? 0 : validations->in_vain + 1;
    if (better)
        validations->best = *validation;
    return better;
}
