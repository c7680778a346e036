#include "reading/overlay.h"

#include "reading/titles.h"

#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct line by_validation(const struct run *run)
{
    struct line line = curve_line(&run->validation, CURVE_ACCURACY, CURVE_RAW);
    for (size_t i = 0; i < line.count; i++)
        line.x[i] = (double)run->validation.point[i].epoch;
    return line;
}

static struct line by_training(const struct run *run)
{
    const struct points *progress = &run->progress;
    struct line line = {ealloc(progress->count, sizeof(double)),
                        ealloc(progress->count, sizeof(double)), 0};
    for (size_t i = 0; i < progress->count; i++)
        if (i + 1 == progress->count || progress->point[i].epoch < progress->point[i + 1].epoch) {
            line.x[line.count] = (double)progress->point[i].epoch;
            line.y[line.count++] = 100 * points_epoch(progress, progress->point[i].epoch).accuracy;
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
    struct line mean = {.count = part[longest].count};
    mean.x = ealloc(mean.count, sizeof *mean.x);
    mean.y = ealloc(mean.count, sizeof *mean.y);
    for (size_t i = 0; i < mean.count; i++) {
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

/* Adds the lines of the runs that diverged, or of those that did not, and what they are worth. */
static void add_parts(struct strand *strand, const struct strands *strands,
                      const struct run *const *run, size_t runs, enum rank_rule rule, int diverged)
{
    for (size_t r = 0; r < runs; r++) {
        struct merit merit = rank_merit(run[r], rule, 0);
        if (merit.epoch == 0 || merit.training != strands->training || merit.diverged != diverged)
            continue;
        strand->part[strand->parts++] =
            strands->training ? by_training(run[r]) : by_validation(run[r]);
        strand->merit.figure += merit.figure;
        strand->merit.loss += merit.loss;
    }
}

static void add(struct strands *strands, char *name, const struct run *const *run, size_t runs,
                enum rank_rule rule)
{
    struct strand strand = {.name = name};
    strand.part = ealloc(runs, sizeof *strand.part);
    add_parts(&strand, strands, run, runs, rule, 0);
    size_t sound = strand.parts, counted = sound;
    struct merit sum = strand.merit;
    add_parts(&strand, strands, run, runs, rule, 1);
    strands->without += runs - strand.parts;
    /* The means are of those that did not diverge, as long as there are any. */
    if (sound == 0) {
        counted = strand.parts;
        sum = strand.merit;
    }
    if (strand.parts == 1) {
        strand.line = strand.part[0];
        strand.parts = 0;
    } else if (strand.parts > 1) {
        strand.line = mean_of(strand.part, counted);
    }
    if (strand.line.count == 0) {
        free(strand.part);
        free(name);
        return;
    }
    strand.last = strand.line.y[strand.line.count - 1];
    strand.merit = (struct merit){sum.figure / (double)counted, sum.loss / (double)counted,
                                  .diverged = sound == 0};
    rank_text(rule, rank_shown(rule, strand.merit.figure), 0, strand.figure);
    strand.ink = (int)strands->count;
    strands->strand = egrow(strands->strand, strands->count + 1, sizeof *strands->strand);
    strands->strand[strands->count++] = strand;
}

/* "depth 2", "depth 2, learning rate 0.1, 1 of 3 diverged" */
static char *group_name(const struct summary *summary, const struct group *group)
{
    char text[600], gone[64] = "", *name = summary_name(summary, group);
    size_t diverged = 0;
    for (size_t r = 0; r < group->runs; r++)
        diverged += rank_merit(group->run[r], summary->rank, 0).diverged;
    if (diverged == group->runs)
        snprintf(gone, sizeof gone, ", diverged");
    else if (diverged > 0)
        snprintf(gone, sizeof gone, ", %zu of %zu diverged", diverged, group->runs);
    snprintf(text, sizeof text, "%s%s", name, gone);
    free(name);
    return ecopy(text);
}

static char *run_name(const struct run *run, enum rank_rule rule)
{
    char text[600];
    snprintf(text, sizeof text, "%s%s", title_of(run),
             rank_merit(run, rule, 0).diverged ? ", diverged" : "");
    return ecopy(text);
}

/* The best first. They are few enough to put each where it belongs. */
static void sort(struct strands *strands, enum rank_rule rule)
{
    struct strand *strand = strands->strand;
    for (size_t i = 1; i < strands->count; i++) {
        struct strand next = strand[i];
        size_t place = i;
        for (; place > 0 && rank_compare(rule, &next.merit, &strand[place - 1].merit) < 0; place--)
            strand[place] = strand[place - 1];
        strand[place] = next;
    }
}

size_t *strands_by_end(const struct strands *strands, size_t most, size_t *count)
{
    size_t *order = ealloc(strands->count + 1, sizeof *order);
    *count = 0;
    for (size_t i = 0; i < strands->count && *count < most; i++) {
        double last = strands->strand[i].last;
        size_t place = *count;
        if (!isfinite(last))
            continue;
        for (; place > 0 && strands->strand[order[place - 1]].last < last; place--)
            order[place] = order[place - 1];
        order[place] = i;
        ++*count;
    }
    return order;
}

struct strands strands_make(const struct history *history)
{
    struct strands strands = {.training = rank_by_training(history->run, history->runs)};
    struct summary summary;
    summary_make(&summary, history);
    strands.means = summary.repeated;
    if (summary.repeated)
        for (size_t g = 0; g < summary.groups; g++)
            add(&strands, group_name(&summary, &summary.group[g]), summary.group[g].run,
                summary.group[g].runs, history->rank);
    else
        for (size_t r = 0; r < history->runs; r++)
            add(&strands, run_name(history->run[r], history->rank),
                (const struct run *const *)&history->run[r], 1, history->rank);
    summary_free(&summary);
    sort(&strands, history->rank);
    /* Few have the palette in their own order; of many the best have it. */
    for (size_t i = 0; i < strands.count && strands.count > INKS; i++)
        strands.strand[i].ink = i < INKS ? (int)i : -1;
    return strands;
}

void strands_free(struct strands *strands)
{
    for (size_t i = 0; i < strands->count; i++) {
        struct strand *strand = &strands->strand[i];
        line_free(&strand->line);
        for (size_t p = 0; p < strand->parts; p++)
            line_free(&strand->part[p]);
        free(strand->part);
        free(strand->name);
    }
    free(strands->strand);
}
