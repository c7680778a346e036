/* Which of two runs is the better one: the one figure of merit, for every view of psplot and for
 * the programs that ask with psdump --kind ranking.
 *
 * The figure is of the run's validations:
 *
 *   last   accuracy at the last of them, or with pstrain --keep best at the best by its --metric:
 *          that of the network in the file
 *   mean5  mean of the accuracies at the last five (of all, when they are fewer)
 *   best   highest accuracy at any of them
 *   loss   loss at the validation of last
 *
 * Where a run has none, it is of the training images: the mean accuracy (or loss) in the
 * mini-batches of its last whole epoch, weighted by their images, whatever the rule.
 *
 * A run has diverged when it ended up with a loss that is no number or infinite, in the last
 * mini-batch or at the last validation; a loss that became a number again has healed. So has one
 * whose figure is no number, but not one that has nothing to be judged by yet.
 *
 * The better run is the one that has not diverged; of two such the one that has validations; then
 * the one with the better figure; of equal figures the one with the lower loss at the validation
 * of last (of the training images, as above). Figures are equal when nine decimals are: a mean
 * of the same five in another order is. What is still equal is in the order of the command line.
 *
 * As of an epoch, only records of the epochs up to it count, and a run that has none of that very
 * epoch to be judged by is not judged at all.
 */
#ifndef PSWEEP_RANK_H
#define PSWEEP_RANK_H

#include "run.h"

enum rank_rule { RANK_LAST, RANK_MEAN5, RANK_BEST, RANK_LOSS };

struct merit {
    double figure;  /* a fraction, or a loss; NAN: there is nothing to judge by */
    double loss;    /* that breaks ties */
    uint64_t epoch; /* of the last validation that counts, or of the mini-batches; 0: of none */
    int training;   /* it is of the training images */
    int diverged;
};

/* The rule of a name ("mean5"), which must be one of them. */
enum rank_rule rank_rule(const char *name);

/* What the figure is, for headings and axes: "validation accuracy (%)", and of when: "last epoch".
 * training: of the training images; keeps: some runs keep the best of their validations. */
const char *rank_measure(enum rank_rule rule, int training);
const char *rank_when(enum rank_rule rule, int training, int keeps);
/* In a word or two: "validation", "last five", "best". */
const char *rank_word(enum rank_rule rule, int training);

/* A figure as people read it: in percent, but for a loss; and what is shown as a text with this
 * much room: "77.86" or "0.6123", with_unit "77.86 %". What is no number is "-". */
enum { RANK_ROOM = 32 };
double rank_shown(enum rank_rule rule, double figure);
const char *rank_text(enum rank_rule rule, double shown, int with_unit, char text[RANK_ROOM]);

/* As of an epoch; 0: of all of them. */
struct merit rank_merit(const struct run *run, enum rank_rule rule, uint64_t epoch);

/* For sorting: below 0 when a is the better one, 0 when they are equal. */
int rank_compare(enum rank_rule rule, const struct merit *a, const struct merit *b);

/* Whether some run keeps the best of its validations. */
int rank_keeps(struct run *const *run, size_t runs);

/* Whether no run was validated: then views show the training images. */
int rank_by_training(struct run *const *run, size_t runs);

/* The accuracy on the training images as above, whether there are validations or not. */
double rank_training(const struct run *run);

/* All runs, the best first; those that cannot be judged follow the first judged ones as they came.
 * Free the rows with free(). */
struct ranked {
    const struct run *run;
    struct merit merit;
};
struct ranked *rank_runs(struct run *const *run, size_t runs, enum rank_rule rule, uint64_t epoch,
                         size_t *judged);

#endif
