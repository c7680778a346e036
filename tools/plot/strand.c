#include "strand.h"

#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct line by_epoch(const struct run *run)
{
    struct line line = curve_line(&run->validation, CURVE_ACCURACY, CURVE_RAW);
    for (size_t i = 0; i < line.count; i++)
        line.x[i] = (double)run->validation.point[i].epoch;
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

/* Adds the lines of the runs that diverged, or of those that did not. */
static void add_parts(struct strand *strand, const struct run *const *run, size_t runs,
                      int diverged)
{
    for (size_t r = 0; r < runs; r++)
        if (run[r]->validation.count > 0 && (curve_diverged(run[r]) > 0) == diverged)
            strand->part[strand->parts++] = by_epoch(run[r]);
}

static void add(struct strands *strands, char *name, const struct run *const *run, size_t runs)
{
    struct strand strand = {.name = name};
    strand.part = ealloc(runs, sizeof *strand.part);
    add_parts(&strand, run, runs, 0);
    size_t sound = strand.parts; /* the mean is theirs, as long as there are any */
    add_parts(&strand, run, runs, 1);
    strands->without += runs - strand.parts;
    if (strand.parts == 1) {
        strand.line = strand.part[0];
        strand.parts = 0;
    } else if (strand.parts > 1) {
        strand.line = mean_of(strand.part, sound > 0 ? sound : strand.parts);
    }
    if (strand.line.count == 0) {
        free(strand.part);
        free(name);
        return;
    }
    strand.last = strand.line.y[strand.line.count - 1];
    strand.ink = (int)strands->count;
    strands->strand = egrow(strands->strand, strands->count + 1, sizeof *strands->strand);
    strands->strand[strands->count++] = strand;
}

/* "depth 2", "depth 2, learning-rate 0.1, 1 of 3 diverged" */
static char *group_name(const struct summary *summary, const struct group *group)
{
    char text[600], gone[64] = "";
    const char *axis = summary->axis ? summary->axis : "", *series = summary->series[group->series];
    size_t diverged = 0;
    for (size_t r = 0; r < group->runs; r++)
        diverged += curve_diverged(group->run[r]) > 0;
    if (diverged == group->runs)
        snprintf(gone, sizeof gone, ", diverged");
    else if (diverged > 0)
        snprintf(gone, sizeof gone, ", %zu of %zu diverged", diverged, group->runs);
    snprintf(text, sizeof text, "%s%s%s%s%s%s", axis, axis[0] ? " " : "",
             summary->place[group->place].text, series[0] ? ", " : "", series, gone);
    return ecopy(text);
}

static char *run_name(const struct run *run)
{
    char text[600];
    snprintf(text, sizeof text, "%s%s", run->name, curve_diverged(run) > 0 ? ", diverged" : "");
    return ecopy(text);
}

/* No number counts as lowest. */
static int higher(const void *a, const void *b)
{
    double x = ((const struct strand *)a)->last, y = ((const struct strand *)b)->last;
    x = isfinite(x) ? x : -1;
    y = isfinite(y) ? y : -1;
    if (x != y)
        return (x < y) - (x > y);
    return ((const struct strand *)a)->ink - ((const struct strand *)b)->ink;
}

struct strands strands_make(const struct history *history)
{
    struct strands strands = {0};
    struct summary summary;
    summary_make(&summary, history);
    if (summary.repeated)
        for (size_t g = 0; g < summary.groups; g++)
            add(&strands, group_name(&summary, &summary.group[g]), summary.group[g].run,
                summary.group[g].runs);
    else
        for (size_t r = 0; r < history->runs; r++)
            add(&strands, run_name(history->run[r]), (const struct run *const *)&history->run[r],
                1);
    summary_free(&summary);
    if (strands.count > 0)
        qsort(strands.strand, strands.count, sizeof *strands.strand, higher);
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
