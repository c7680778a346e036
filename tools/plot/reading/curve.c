#include "reading/curve.h"

#include "message.h"
#include "ticks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPEED_SECONDS = 30, RECENT = 50 };

struct mean curve_recent(const struct run *run)
{
    return samples_last(&run->progress, RECENT);
}

double curve_diverged(const struct run *run)
{
    const struct samples *samples = &run->progress;
    /* A single infinite loss can heal; divergence is a loss that never becomes a number again. */
    double since = 0;
    for (size_t i = samples->count; i > 0 && !isfinite(samples->sample[i - 1].loss); i--)
        since = samples->sample[i - 1].iteration;
    return since;
}

/* What a value adds to a sum of its weight: nothing when it is no number, and never so much that
 * the sum forgets the other values; no axis reaches there. */
static double share(double value, double weight)
{
    return isfinite(value) ? weight * fmax(fmin(value, 1e6), -1e6) : 0;
}

/* Centred mean over 2 × half + 1 values, each with the weight of its sample, in one pass. At the
 * beginning, where curves are steep, the window is as narrow before the sample as behind it: else
 * it would show what is yet to come. */
static void smooth(double *result, const double *y, const struct sample *sample, size_t count,
                   size_t half)
{
    size_t from = 0, to = 0;    /* the window [from, to) */
    double sum = 0, inside = 0; /* over its numbers, and their weight */
    for (size_t i = 0; i < count; i++) {
        size_t ahead = i < half ? i : half;
        for (; to < count && to <= i + ahead; to++) {
            sum += share(y[to], samples_weight(&sample[to]));
            inside += isfinite(y[to]) ? samples_weight(&sample[to]) : 0;
        }
        for (; from + half < i; from++) {
            sum -= share(y[from], samples_weight(&sample[from]));
            inside -= isfinite(y[from]) ? samples_weight(&sample[from]) : 0;
        }
        result[i] = isfinite(y[i]) ? sum / inside : NAN;
    }
}

struct line line_make(size_t room)
{
    return (struct line){ealloc(room, sizeof(double)), ealloc(room, sizeof(double)), 0};
}

void line_free(struct line *line)
{
    free(line->x);
    free(line->y);
}

struct line curve_line(const struct samples *samples, enum curve_field field, enum curve_form form)
{
    struct line line = line_make(samples->count);
    for (size_t i = 0; i < samples->count; i++, line.count++) {
        const struct sample *sample = &samples->sample[i];
        line.x[i] = sample->iteration;
        line.y[i] = field == CURVE_LOSS   ? sample->loss
                    : field == CURVE_RATE ? sample->rate
                                          : 100 * sample->accuracy;
    }
    if (form == CURVE_SMOOTH) {
        double *raw = line.y;
        line.y = ealloc(line.count, sizeof *line.y);
        smooth(line.y, raw, samples->sample, line.count, line.count / 80 + (line.count > 8));
        free(raw);
    }
    return line;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The top of the loss axis: above 98 of 100 finite losses, so that a spike does not flatten the
 * rest, and not far above what runs mostly begin with, so that one on its way to divergence does
 * not either. */
static double loss_top(const struct history *history)
{
    enum { SAMPLES = 400 /* a run */, FAR = 4 };
    double *losses = ealloc(history->runs * (SAMPLES + 1), sizeof *losses);
    double *first = ealloc(history->runs, sizeof *first);
    size_t n = 0, begun = 0;
    for (size_t r = 0; r < history->runs; r++) {
        const struct samples *samples = &history->run[r]->progress;
        size_t step = samples->count / SAMPLES + 1;
        if (samples->count > 0 && isfinite(samples->sample[0].loss))
            first[begun++] = samples->sample[0].loss;
        for (size_t i = 0; i < samples->count; i += step)
            if (isfinite(samples->sample[i].loss))
                losses[n++] = samples->sample[i].loss;
    }
    qsort(losses, n, sizeof *losses, compare);
    qsort(first, begun, sizeof *first, compare);
    double zero = 0, top = n > 0 ? losses[n - 1 - n / 50] : 1;
    double begin = begun > 0 ? first[begun - 1 - begun / 2] : 1;
    free(losses);
    free(first);
    if (begin > 0)
        top = fmin(top, FAR * begin);
    top = top > 0 ? top * 1.05 : 1;
    ticks_widen(&zero, &top, 7);
    return top;
}

struct ranges curve_ranges(const struct history *history)
{
    struct ranges ranges = {.low = 1, .high = 0};
    for (size_t r = 0; r < history->runs; r++) {
        const struct run *run = history->run[r];
        const struct samples *lists[2] = {&run->progress, &run->validation};
        for (int k = 0; k < 2; k++)
            if (lists[k]->count > 0)
                ranges.iterations =
                    fmax(ranges.iterations, lists[k]->sample[lists[k]->count - 1].iteration);
        for (size_t i = 0; i < run->progress.count; i++)
            ranges.rate = fmax(ranges.rate, run->progress.sample[i].rate);
        ranges.iterations = fmax(ranges.iterations, (double)run->iterations);
        ranges.epochs = fmax(ranges.epochs, (double)run->epoch);
        /* A live run has its whole way ahead on the axis; one that ended early does not. */
        if (run->state == RUN_OPEN)
            ranges.epochs = fmax(ranges.epochs, (double)run->epochs);
        for (size_t i = 0; i < run->validation.count; i++) {
            const struct sample *sample = &run->validation.sample[i];
            /* The steep first epochs would leave the rest little room: they come in from below. */
            if (sample->epoch * 10 > run->epoch)
                ranges.low = fmin(ranges.low, sample->accuracy);
            ranges.high = fmax(ranges.high, sample->accuracy);
        }
    }
    ranges.iterations = fmax(ranges.iterations, 1);
    ranges.epochs = fmax(ranges.epochs, 1);
    if (ranges.high < ranges.low)
        ranges.low = 0, ranges.high = 1;
    if (ranges.high - ranges.low < 0.02)
        ranges.low -= 0.02, ranges.high += 0.02;
    ticks_widen(&ranges.low, &ranges.high, 12);
    ranges.low = fmax(ranges.low, 0);
    ranges.high = fmin(ranges.high, 1);
    ranges.loss = loss_top(history);
    return ranges;
}

struct speed curve_speed(const struct run *run)
{
    const struct samples *samples = &run->progress;
    struct speed speed = {NAN, NAN};
    if (samples->count < 2)
        return speed;
    const struct sample *last = &samples->sample[samples->count - 1], *first = last;
    double images = 0;
    /* The first sample's own step was before the time counted. */
    for (; first > samples->sample && last->time - (first - 1)->time <= SPEED_SECONDS; first--)
        images += first->images;
    /* And so were those that came in one go with it. */
    while (first < last && first[1].time == first->time)
        images -= (++first)->images;
    double seconds = last->time - first->time;
    if (seconds > 0)
        speed = (struct speed){(last->iteration - first->iteration) / seconds, images / seconds};
    return speed;
}

double curve_left(const struct run *run)
{
    if (run->iterations == 0 || run->progress.count == 0)
        return NAN;
    double done = run->progress.sample[run->progress.count - 1].iteration;
    return ((double)run->iterations - done) / curve_speed(run).iterations;
}

void curve_state(const struct run *run, char *text, size_t size)
{
    static const char *const ended[] = {
        [RUN_OPEN] = "",
        [RUN_DONE] = "",
        [RUN_STOPPED] = ", stopped",
        [RUN_FAILED] = ", failed",
        [RUN_TORN] = ", cut short",
    };
    char of[32] = "";
    if (run->epochs > 0 && (run->state != RUN_DONE || run->epoch != run->epochs))
        snprintf(of, sizeof of, " of %llu", (unsigned long long)run->epochs);
    const char *end = ended[run->state];
    if (run->state == RUN_DONE && run->epoch < run->epochs)
        end = ", out of patience";
    snprintf(text, size, "epoch %llu%s%s", (unsigned long long)run->epoch, of, end);
}

void curve_outcome(const struct run *run, enum rank_rule rule, char *text, size_t size,
                   char figure[RANK_ROOM])
{
    struct merit merit = rank_merit(run, rule, 0);
    const struct samples *validation = &run->validation;
    const struct sample *kept = run_kept(run, validation->count);
    /* After the last epoch: the epoch stands before it anyway. */
    int plain = rule == RANK_LAST && !merit.training;
    curve_state(run, text, size);
    figure[0] = 0;
    if (!isfinite(merit.figure))
        return;
    rank_text(rule, rank_shown(rule, merit.figure), 1, figure);
    size_t used = strlen(text);
    if (plain && kept != &validation->sample[validation->count - 1])
        snprintf(text + used, size - used, ", kept epoch %.*f: %s", kept->inside ? 1 : 0,
                 run_epochs_at(run, kept), figure);
    else
        snprintf(text + used, size - used, "%s%s: %s", plain ? "" : ", ",
                 plain ? "" : rank_word(rule, merit.training), figure);
}

void curve_remark(const struct run *run, char *text, size_t size)
{
    double since = curve_diverged(run);
    text[0] = 0;
    if (run->progress.count + run->validation.count == 0)
        snprintf(text, size, "no records yet");
    else if (since > 0)
        snprintf(text, size, "diverged at iteration %.0f", since);
}

void curve_duration(double seconds, char *text, size_t size)
{
    if (!(seconds >= 0 && seconds < 1e8)) {
        snprintf(text, size, "%s", "");
        return;
    }
    unsigned whole = (unsigned)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%u h %02u min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(text, size, "%u min %02u s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%u s", whole);
}
