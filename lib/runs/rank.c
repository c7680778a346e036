#include "rank.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE = 5 };

static const struct {
    const char *name, *when, *word;
} rules[] = {
    [RANK_LAST] = {"last", "last epoch", "validation"},
    [RANK_MEAN5] = {"mean5", "mean of the last five validations", "last five"},
    [RANK_BEST] = {"best", "best epoch", "best"},
    [RANK_LOSS] = {"loss", "last epoch", "validation loss"},
};

enum rank_rule rank_rule(const char *name)
{
    enum rank_rule rule = RANK_LAST;
    while (strcmp(rules[rule].name, name) != 0)
        rule++;
    return rule;
}

const char *rank_measure(enum rank_rule rule, int training)
{
    if (rule == RANK_LOSS)
        return training ? "training loss" : "validation loss";
    return training ? "training accuracy (%)" : "validation accuracy (%)";
}

const char *rank_when(enum rank_rule rule, int training, int keeps)
{
    if (keeps && !training && (rule == RANK_LAST || rule == RANK_LOSS))
        return "epoch that was kept";
    return training ? "last epoch" : rules[rule].when;
}

const char *rank_word(enum rank_rule rule, int training)
{
    if (training)
        return rule == RANK_LOSS ? "training loss" : "training";
    return rules[rule].word;
}

double rank_shown(enum rank_rule rule, double figure)
{
    return rule == RANK_LOSS ? figure : 100 * figure;
}

const char *rank_text(enum rank_rule rule, double shown, int with_unit, char text[RANK_ROOM])
{
    if (!isfinite(shown))
        snprintf(text, RANK_ROOM, "-");
    else if (rule == RANK_LOSS)
        snprintf(text, RANK_ROOM, "%s", loss_text(shown, 4));
    else
        snprintf(text, RANK_ROOM, with_unit ? "%.2f %%" : "%.2f", shown);
    return text;
}

/* By the first count validations, of which there is at least one. */
static struct merit of_validation(const struct run *run, size_t count, enum rank_rule rule)
{
    const struct sample *sample = run->validation.sample, *last = &sample[count - 1];
    const struct sample *kept = run_kept(run, count);
    struct merit merit = {kept->accuracy, kept->loss, last->epoch, 0, !isfinite(last->loss)};
    size_t late = count < LATE ? count : LATE;
    if (rule == RANK_LOSS)
        merit.figure = kept->loss;
    if (rule == RANK_MEAN5)
        merit.figure = 0;
    for (size_t i = 0; i < count; i++)
        if (rule == RANK_BEST)
            merit.figure = fmax(merit.figure, sample[i].accuracy);
        else if (rule == RANK_MEAN5 && i >= count - late)
            merit.figure += sample[i].accuracy;
    if (rule == RANK_MEAN5)
        merit.figure /= (double)late;
    return merit;
}

/* By the mini-batches of the last epoch that is whole, or of the very first as far as it goes. */
static struct merit of_training(const struct run *run, enum rank_rule rule, uint64_t epoch)
{
    size_t count = samples_up_to(&run->progress, epoch);
    uint64_t last = count > 0 ? run->progress.sample[count - 1].epoch : 0;
    struct mean mean = samples_epoch(&run->progress, last);
    if (run->epoch == last && mean.images < (double)run->train) {
        struct mean whole = samples_epoch(&run->progress, last - 1);
        if (whole.count > 0) {
            mean = whole;
            last--;
        }
    }
    return (struct merit){rule == RANK_LOSS ? mean.loss : mean.accuracy, mean.loss, last, 1, 0};
}

struct merit rank_merit(const struct run *run, enum rank_rule rule, uint64_t epoch)
{
    uint64_t until = epoch > 0 ? epoch : UINT64_MAX;
    const struct samples *progress = &run->progress, *validation = &run->validation;
    size_t validations = samples_up_to(validation, until), batches = samples_up_to(progress, until);
    struct merit merit = validation->count == 0 ? of_training(run, rule, until)
                         : validations == 0     ? (struct merit){NAN, NAN, 0, 0, 0}
                                                : of_validation(run, validations, rule);
    if (epoch > 0 && validations > 0 && validation->sample[validations - 1].inside)
        merit.epoch = 0; /* that epoch goes on */
    if (epoch > 0 && merit.epoch != epoch)
        merit.figure = NAN;
    if (merit.epoch > 0)
        merit.diverged |= !isfinite(merit.figure) ||
                          (batches > 0 && !isfinite(progress->sample[batches - 1].loss));
    return merit;
}

/* The lower one first; what is no number last. */
static int rising(double a, double b)
{
    if (isfinite(a) && isfinite(b))
        return (a > b) - (a < b);
    return (isfinite(b) != 0) - (isfinite(a) != 0);
}

int rank_compare(enum rank_rule rule, const struct merit *a, const struct merit *b)
{
    double sign = rule == RANK_LOSS ? 1e9 : -1e9;
    int order = a->diverged - b->diverged;
    order = order ? order : a->training - b->training;
    order = order ? order : rising(round(sign * a->figure), round(sign * b->figure));
    return order ? order : rising(a->loss, b->loss);
}

int rank_keeps(struct run *const *run, size_t runs)
{
    for (size_t r = 0; r < runs; r++)
        if (run[r]->keeps_best)
            return 1;
    return 0;
}

int rank_by_training(struct run *const *run, size_t runs)
{
    for (size_t r = 0; r < runs; r++)
        if (run[r]->validation.count > 0)
            return 0;
    return 1;
}

double rank_training(const struct run *run)
{
    return of_training(run, RANK_LAST, UINT64_MAX).figure;
}

/* Few thousands at most: each goes where it belongs, behind its equals. */
struct ranked *rank_runs(struct run *const *run, size_t runs, enum rank_rule rule, uint64_t epoch,
                         size_t *judged)
{
    struct ranked *row = ealloc(runs + 1, sizeof *row);
    *judged = 0;
    for (size_t r = 0; r < runs; r++) {
        struct ranked next = {run[r], rank_merit(run[r], rule, epoch)};
        size_t place = r;
        if (next.merit.epoch > 0 && (epoch == 0 || next.merit.epoch == epoch)) {
            place = *judged;
            while (place > 0 && rank_compare(rule, &next.merit, &row[place - 1].merit) < 0)
                place--;
            ++*judged;
        }
        memmove(&row[place + 1], &row[place], (r - place) * sizeof *row);
        row[place] = next;
    }
    return row;
}
