#include "run.h"

#include <stdlib.h>

/* Mini-batches of an epoch; 0: the header did not tell. */
static uint64_t epoch_iterations(const struct run *run)
{
    return run->batch > 0 ? (run->train + run->batch - 1) / run->batch : 0;
}

uint64_t run_batch_images(const struct run *run, uint64_t iteration)
{
    uint64_t iterations = epoch_iterations(run);
    if (iterations == 0 || iteration % iterations != 0)
        return run->batch;
    return run->train - (iterations - 1) * run->batch;
}

void run_ask(struct run *run, uint64_t epochs)
{
    run->epochs = epochs;
    run->iterations = epochs * epoch_iterations(run);
}

void run_free(struct run *run)
{
    free(run->name);
    free(run->title);
    free(run->brief);
    free(run->given);
    free(run->progress.point);
    free(run->validation.point);
    settings_free(&run->settings);
    free(run);
}
