#include "require.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const figure_name[FIGURES] = {"accuracy", "loss", "recall", "precision"};

static int is_of_class(enum figure figure)
{
    return figure == FIGURE_RECALL || figure == FIGURE_PRECISION;
}

/* "recall:cat=0.6"; a class may have a colon or an equals sign in its name. */
static int parse(struct requirement *requirement, const char *word)
{
    const char *equals = strrchr(word, '='), *colon = strchr(word, ':');
    size_t size = equals ? (size_t)(equals - word) : 0;
    int has_class = equals && colon && colon < equals;
    size_t name = has_class ? (size_t)(colon - word) : size;
    char *end = NULL;
    double value = equals ? strtod(equals + 1, &end) : NAN;
    enum figure figure = FIGURE_ACCURACY;
    while (figure < FIGURES &&
           (strlen(figure_name[figure]) != name || memcmp(figure_name[figure], word, name) != 0))
        figure++;
    int is_good = end != NULL && end > equals + 1 && *end == '\0' && figure < FIGURES &&
                  has_class == is_of_class(figure) && value >= 0 &&
                  (figure == FIGURE_LOSS ? isfinite(value) : value <= 1);
    if (!is_good)
        return fail_as(USAGE,
                       "--require takes accuracy=, recall:CLASS= or precision:CLASS= and a number "
                       "from 0 to 1, or loss= and a number from 0 on, not %s",
                       word);
    *requirement = (struct requirement){.figure = figure, .value = value};
    if (has_class)
        requirement->class = eformat("%.*s", (int)(equals - colon - 1), colon + 1);
    return 0;
}

int require_parse(struct requirements *requirements, const struct option_list *words)
{
    requirements->one = ealloc(words->count, sizeof *requirements->one);
    for (; requirements->count < words->count; requirements->count++)
        if (parse(&requirements->one[requirements->count], words->text[requirements->count]) < 0)
            return -1;
    return 0;
}

void require_free(struct requirements *requirements)
{
    for (size_t i = 0; i < requirements->count; i++)
        free(requirements->one[i].class);
    free(requirements->one);
    *requirements = (struct requirements){0};
}

int require_find(struct requirements *requirements, struct classes *classes)
{
    for (size_t i = 0; i < requirements->count; i++) {
        struct requirement *one = &requirements->one[i];
        if (one->class && !classes_find(classes, one->class, &one->place))
            return fail_as(USAGE, "--require %s: no model knows a class %s",
                           figure_name[one->figure], one->class);
    }
    return 0;
}

static double reached(const struct requirement *one, const struct evaluation *score)
{
    uint64_t right = is_of_class(one->figure) ? score->true_positives[one->place] : score->correct;
    uint64_t of = one->figure == FIGURE_RECALL      ? score->support[one->place]
                  : one->figure == FIGURE_PRECISION ? score->predicted[one->place]
                                                    : score->images;
    if (one->figure == FIGURE_LOSS)
        return score->loss / (double)of;
    return of > 0 ? (double)right / (double)of : NAN;
}

/* "net3, test: accuracy is 0.7312 and must be at least 0.75", with so many digits that the two
 * differ. */
static char *complain(const struct candidate *candidate, enum split split,
                      const struct requirement *one, double figure)
{
    char is[32], must[32];
    int digits = 4;
    do {
        snprintf(is, sizeof is, "%.*g", digits, figure);
        snprintf(must, sizeof must, "%.*g", digits, one->value);
    } while (strcmp(is, must) == 0 && digits++ < 17);
    return eformat("%s, %s: %s%s%s is %s and must be at %s %s", candidate->model.name,
                   split_name[split], figure_name[one->figure], one->class ? " of " : "",
                   one->class ? one->class : "", isnan(figure) ? "no number" : is,
                   one->figure == FIGURE_LOSS ? "most" : "least", must);
}

/* Adds what a score does not reach to the sentence missed, which is NULL until there is something.
 */
static char *check(const struct requirements *requirements, const struct candidate *candidate,
                   enum split split, char *missed)
{
    for (size_t i = 0; i < requirements->count; i++) {
        const struct requirement *one = &requirements->one[i];
        double figure = reached(one, &candidate->score[split]);
        if (one->figure == FIGURE_LOSS ? figure <= one->value : figure >= one->value)
            continue;
        char *more = complain(candidate, split, one, figure);
        char *all = missed ? eformat("%s; %s", missed, more) : ecopy(more);
        free(more);
        free(missed);
        missed = all;
    }
    return missed;
}

int require_check(const struct requirements *requirements, const struct candidate *candidate,
                  uint32_t candidates)
{
    char *missed = NULL;
    for (uint32_t c = 0; c < candidates; c++)
        for (int split = 0; split < SPLITS; split++)
            if (candidate[c].score[split].images > 0)
                missed = check(requirements, &candidate[c], (enum split)split, missed);
    int result = missed ? fail("%s", missed) : 0;
    free(missed);
    return result;
}
