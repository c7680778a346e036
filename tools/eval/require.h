/* What scores must reach (--require), for make and CI.
 *
 *   accuracy=0.75        at least, and so recall:CLASS and precision:CLASS
 *   loss=0.8             at most
 *
 * Each score must, of every model on every split. A figure that is no number, as the recall of a
 * class that no image has, reaches nothing.
 */
#ifndef PSWEEP_REQUIRE_H
#define PSWEEP_REQUIRE_H

#include "candidate.h"
#include "options.h"

enum figure { FIGURE_ACCURACY, FIGURE_LOSS, FIGURE_RECALL, FIGURE_PRECISION, FIGURES };

struct requirement {
    enum figure figure;
    char *class; /* of recall and precision, else NULL */
    uint32_t place;
    double value;
};

struct requirements {
    struct requirement *one; /* [count] */
    size_t count;
};

/* Takes the words apart. -1 with a sentence. */
int require_parse(struct requirements *requirements, const struct option_list *words);
void require_free(struct requirements *requirements);

/* Finds the classes among those that the models know. -1 with a sentence. */
int require_find(struct requirements *requirements, struct classes *classes);

/* Whether all scores of the candidates reach all; -1 with a sentence that tells what they do not.
 */
int require_check(const struct requirements *requirements, const struct candidate *candidate,
                  uint32_t candidates);

#endif
