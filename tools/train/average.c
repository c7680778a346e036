#include "average.h"

#include "message.h"
#include "nn/maths.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 3 };

/* The numbers behind a word, each after a colon: how many, or -1. */
static int read_numbers(const char *text, double number[MOST_NUMBERS])
{
    int count = 0;
    while (*text == ':' && count < MOST_NUMBERS) {
        char *end;
        number[count++] = strtod(text + 1, &end);
        if (end == text + 1)
            return -1;
        text = end;
    }
    return *text ? -1 : count;
}

int average_read(const char *text, struct averaging *averaging)
{
    double number[MOST_NUMBERS] = {0};
    size_t word = strcspn(text, ":");
    int count = read_numbers(text + word, number);
    if (word == 3 && memcmp(text, "ema", word) == 0 && count == 1 && number[0] > 0 &&
        number[0] < 1) {
        *averaging = (struct averaging){AVERAGE_EMA, .decay = number[0], .every = 1};
        return 0;
    }
    if (word == 9 && memcmp(text, "lookahead", word) == 0 && (count == 2 || count == 3) &&
        number[0] >= 1 && number[0] <= 1e6 && number[0] == (double)(uint64_t)number[0] &&
        number[1] > 0 && number[1] <= 1 && number[2] >= 0 && number[2] <= 100) {
        *averaging = (struct averaging){AVERAGE_LOOKAHEAD, .every = (uint64_t)number[0],
                                        .share = number[1], .power = number[2]};
        return 0;
    }
    return fail(
        "ema:D, with D between 0 and 1, or lookahead:K:A, or lookahead:K:A:R, with K from 1 to "
        "1000000 steps, A up to 1 and R up to 100, not %s",
        text);
}

int average_is_due(const struct averaging *averaging, uint64_t iteration)
{
    return averaging->kind != AVERAGE_NONE && iteration % averaging->every == 0;
}

/* A of this step. */
static double share_at(const struct averaging *averaging, uint64_t iteration)
{
    double part = (double)iteration / (double)averaging->horizon;
    if (averaging->power == 0)
        return averaging->share;
    return 1 -
           (1 - averaging->share) * (part < 1 ? maths_exp(averaging->power * maths_log(part)) : 1);
}

int average_step(const struct averaging *averaging, uint64_t iteration, size_t count,
                 float *average, float *weights)
{
    double decay = averaging->decay, rest = 1 - decay;
    if (averaging->kind == AVERAGE_EMA) {
        for (size_t i = 0; i < count; i++)
            average[i] = (float)(decay * average[i] + rest * weights[i]);
        return 0;
    }
    double share = share_at(averaging, iteration);
    for (size_t i = 0; i < count; i++)
        average[i] = (float)(average[i] + share * ((double)weights[i] - average[i]));
    memcpy(weights, average, count * sizeof *weights);
    return 1;
}
