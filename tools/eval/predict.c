#include "predict.h"

#include "message.h"
#include "pending.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct predict {
    struct pending *waiting; /* [batch] */
    uint32_t most, batch;
    double *likely; /* [classes of all models] of one image */
    msgpack_zone *zone;
};

struct predict *predict_open(uint32_t most, uint32_t batch)
{
    struct predict *predict = ealloc(1, sizeof *predict);
    predict->most = most;
    predict->batch = batch;
    predict->waiting = ealloc(batch, sizeof *predict->waiting);
    predict->zone = msgpack_zone_new(8192);
    if (predict->zone == NULL)
        die(FAILED, "out of memory: predictions");
    return predict;
}

void predict_close(struct predict *predict)
{
    if (predict == NULL)
        return;
    for (uint32_t i = 0; i < predict->batch; i++)
        pending_free(&predict->waiting[i]);
    msgpack_zone_free(predict->zone);
    free(predict->waiting);
    free(predict->likely);
    free(predict);
}

void predict_wait(struct predict *predict, uint32_t place, uint64_t id, uint32_t label,
                  const struct record *record)
{
    pending_take(&predict->waiting[place], record, id, label);
}

/* The likeliest classes of likely[classes], at most most of them: how many; none where one is no
 * number. */
static uint32_t choose(const double *likely, uint32_t classes, uint32_t most, struct guess *guess)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (isnan(likely[c]))
            return 0;
        if (count == most && !(likely[c] > guess[most - 1].probability))
            continue;
        uint32_t place = count < most ? count++ : most - 1;
        for (; place > 0 && likely[c] > guess[place - 1].probability; place--)
            guess[place] = guess[place - 1];
        guess[place] = (struct guess){c, likely[c]};
    }
    return count;
}

int predict_write(struct writer *writer, struct predict *predict, const struct candidate *candidate,
                  uint32_t candidates, uint32_t count)
{
    uint32_t classes = candidate->classes;
    struct guess guess[IMAGE_MAX_GUESSES];
    if (predict->likely == NULL)
        predict->likely = ealloc(classes, sizeof *predict->likely);
    for (uint32_t i = 0; i < count; i++) {
        memset(predict->likely, 0, classes * sizeof *predict->likely);
        for (uint32_t c = 0; c < candidates; c++) {
            uint32_t known = candidate[c].model.classes.count;
            const float *said = candidate[c].probability + (size_t)i * known;
            for (uint32_t own = 0; own < known; own++)
                predict->likely[candidate[c].place[own]] += (double)said[own] / candidates;
        }
        uint32_t guesses = choose(predict->likely, classes, predict->most, guess);
        if (pending_write(writer, &predict->waiting[i], guess, guesses, predict->zone) < 0)
            return -1;
    }
    return 0;
}
