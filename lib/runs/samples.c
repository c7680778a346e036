#include "samples.h"

#include "message.h"

#include <string.h>

void samples_drop_from(struct samples *samples, double iteration)
{
    while (samples->count > 0 && samples->sample[samples->count - 1].iteration >= iteration)
        samples->count--;
}

size_t samples_up_to(const struct samples *samples, uint64_t epoch)
{
    /* Epochs rise; the one asked for is mostly the last. */
    size_t count = samples->count;
    while (count > 0 && samples->sample[count - 1].epoch > epoch)
        count--;
    return count;
}

static struct mean mean_of(const struct sample *sample, size_t count)
{
    struct mean mean = {.count = count};
    double weight = 0;
    for (size_t i = 0; i < count; i++) {
        mean.loss += samples_weight(&sample[i]) * sample[i].loss;
        mean.accuracy += samples_weight(&sample[i]) * sample[i].accuracy;
        mean.images += sample[i].images;
        weight += samples_weight(&sample[i]);
    }
    mean.loss /= weight;
    mean.accuracy /= weight;
    return mean;
}

struct mean samples_epoch(const struct samples *samples, uint64_t epoch)
{
    size_t end = samples_up_to(samples, epoch), first = end;
    while (first > 0 && samples->sample[first - 1].epoch == epoch)
        first--;
    return mean_of(&samples->sample[first], end - first);
}

struct mean samples_last(const struct samples *samples, size_t most)
{
    size_t count = samples->count < most ? samples->count : most;
    return mean_of(&samples->sample[samples->count - count], count);
}

/* Of the older half every two samples become one, their mean. */
static void thin(struct samples *samples)
{
    size_t half = samples->count / 4 * 2, kept = 0;
    for (size_t i = 0; i < half; i += 2) {
        const struct sample *first = &samples->sample[i];
        struct sample both = samples->sample[i + 1];
        double part = samples_weight(first) / (samples_weight(first) + samples_weight(&both));
        both.loss = part * first->loss + (1 - part) * both.loss;
        both.accuracy = part * first->accuracy + (1 - part) * both.accuracy;
        both.images += first->images;
        samples->sample[kept++] = both;
    }
    memmove(&samples->sample[kept], &samples->sample[half],
            (samples->count - half) * sizeof *samples->sample);
    samples->count -= half - kept;
}

void samples_add(struct samples *samples, struct sample sample, int live)
{
    samples_drop_from(samples, sample.iteration);
    if (live && samples->count >= SAMPLES_MOST_LIVE)
        thin(samples);
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 16;
        samples->sample = egrow(samples->sample, samples->room, sizeof *samples->sample);
    }
    samples->sample[samples->count++] = sample;
}
