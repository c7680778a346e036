#include "reading/overlay.h"

#include "message.h"
#include "palette.h"
#include "reading/titles.h"

#include <math.h>
#include <stdlib.h>

/* A run's accuracies: at each validation, or the mean over each epoch's mini-batches. */
static struct line line_of(const struct run *run, int training)
{
    const struct samples *samples = training ? &run->progress : &run->validation;
    struct line line = line_make(samples->count);
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->sample[i];
        if (training && i + 1 < samples->count && sample->epoch >= sample[1].epoch)
            continue;
        double accuracy =
            training ? samples_epoch(samples, sample->epoch).accuracy : sample->accuracy;
        line.x[line.count] = run_epochs_at(run, sample);
        line.y[line.count++] = 100 * accuracy;
    }
    return line;
}

/* The mean of lines, epoch by epoch, each as far as any of them goes. */
static struct line mean_of(const struct line *part, size_t parts)
{
    size_t longest = 0;
    for (size_t p = 1; p < parts; p++)
        if (part[p].count > part[longest].count)
            longest = p;
    struct line mean = line_make(part[longest].count);
    for (size_t i = 0; i < part[longest].count; i++, mean.count++) {
        size_t there = 0;
        mean.x[i] = part[longest].x[i];
        for (size_t p = 0; p < parts; p++)
            if (i < part[p].count && isfinite(part[p].y[i])) {
                mean.y[i] += part[p].y[i];
                there++;
            }
        mean.y[i] = there ? mean.y[i] / (double)there : NAN;
    }
    return mean;
}

/* Adds a series of runs, by this name: "depth 2, 1 of 3 diverged". The means are of those that did
 * not diverge, as long as there are any. */
static void add_series(struct overlay *overlay, const char *name, const struct run *const *run,
                       size_t runs, enum rank_rule rule)
{
    struct series series = {.part = ealloc(runs, sizeof *series.part)};
    size_t diverged = 0, counted = 0;
    for (size_t r = 0; r < runs; r++)
        diverged += rank_merit(run[r], rule, 0).diverged;
    for (int bad = 0; bad < 2; bad++) {
        for (size_t r = 0; r < runs; r++) {
            struct merit merit = rank_merit(run[r], rule, 0);
            if (merit.epoch == 0 || merit.training != overlay->training || merit.diverged != bad)
                continue;
            if (bad == 0 || counted == 0) {
                series.merit.figure += merit.figure;
                series.merit.loss += merit.loss;
                series.merit.diverged = bad;
            }
            series.part[series.parts++] = line_of(run[r], overlay->training);
        }
        counted = counted ? counted : series.parts;
    }
    overlay->without += runs - series.parts;
    if (series.parts == 1) {
        series.line = series.part[0];
        series.parts = 0;
    } else if (series.parts > 1) {
        series.line = mean_of(series.part, counted);
    }
    if (series.line.count == 0) {
        free(series.part);
        return;
    }
    series.name = diverged == 0      ? ecopy(name)
                  : diverged == runs ? eformat("%s, diverged", name)
                                     : eformat("%s, %zu of %zu diverged", name, diverged, runs);
    series.last = series.line.y[series.line.count - 1];
    series.merit.figure /= (double)counted;
    series.merit.loss /= (double)counted;
    rank_text(rule, rank_shown(rule, series.merit.figure), 0, series.figure);
    series.ink = (int)overlay->count;
    /* The best first. They are few enough to put each where it belongs. */
    overlay->series = egrow(overlay->series, overlay->count + 1, sizeof *overlay->series);
    size_t place = overlay->count++;
    for (; place > 0 && rank_compare(rule, &series.merit, &overlay->series[place - 1].merit) < 0;
         place--)
        overlay->series[place] = overlay->series[place - 1];
    overlay->series[place] = series;
}

struct overlay overlay_make(const struct history *history)
{
    struct overlay overlay = {.training = rank_by_training(history->run, history->runs)};
    struct summary summary;
    summary_make(&summary, history);
    overlay.means = summary.repeated;
    for (size_t g = 0; summary.repeated && g < summary.groups; g++) {
        const struct group *group = &summary.group[g];
        char *name = summary_name(&summary, group);
        add_series(&overlay, name, group->run, group->runs, history->rank);
        free(name);
    }
    for (size_t r = 0; !summary.repeated && r < history->runs; r++)
        add_series(&overlay, title_of(history->run[r]), (const struct run *const *)&history->run[r],
                   1, history->rank);
    summary_free(&summary);
    /* Few have the palette in their own order; of many the best have it. */
    for (size_t i = 0; i < overlay.count && overlay.count > INKS; i++)
        overlay.series[i].ink = i < INKS ? (int)i : -1;
    return overlay;
}

size_t *overlay_by_end(const struct overlay *overlay, size_t most, size_t *count)
{
    size_t *order = ealloc(overlay->count + 1, sizeof *order);
    *count = 0;
    for (size_t i = 0; i < overlay->count && *count < most; i++) {
        double last = overlay->series[i].last;
        size_t place = *count;
        if (!isfinite(last))
            continue;
        for (; place > 0 && overlay->series[order[place - 1]].last < last; place--)
            order[place] = order[place - 1];
        order[place] = i;
        ++*count;
    }
    return order;
}

void overlay_free(struct overlay *overlay)
{
    for (size_t i = 0; i < overlay->count; i++) {
        struct series *series = &overlay->series[i];
        line_free(&series->line);
        for (size_t p = 0; p < series->parts; p++)
            line_free(&series->part[p]);
        free(series->part);
        free(series->name);
    }
    free(overlay->series);
}
