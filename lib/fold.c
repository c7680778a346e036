#include "fold.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fold_parse(struct fold *fold, const char *option, const char *text)
{
    unsigned number, of;
    int end = 0;
    if (sscanf(text, "%4u/%4u%n", &number, &of, &end) != 2 || text[end] != '\0' ||
        text[strspn(text, "0123456789/")] != '\0' || of < 2 || of > FOLD_MOST || number < 1 ||
        number > of)
        return fail_as(USAGE,
                       "%s takes K/N, fold K of N, such as 2/5, with N from 2 to %d, not '%s'",
                       option, FOLD_MOST, text);
    *fold = (struct fold){.number = number, .of = of};
    return 0;
}

enum split fold_deal(struct fold *fold, uint32_t label, enum split split)
{
    if (split == SPLIT_TEST)
        return split;
    if (label == NO_CLASS)
        label = 0;
    if (label >= fold->classes) {
        uint32_t classes = 2 * label + 2;
        fold->dealt = egrow(fold->dealt, classes, sizeof *fold->dealt);
        memset(fold->dealt + fold->classes, 0, (classes - fold->classes) * sizeof *fold->dealt);
        fold->classes = classes;
    }
    /* The classes begin with one fold after the other, lest the first have more of all. */
    uint64_t place = label + fold->dealt[label]++;
    return place % fold->of + 1 == fold->number ? SPLIT_VALIDATION : SPLIT_TRAIN;
}

void fold_free(struct fold *fold)
{
    free(fold->dealt);
    *fold = (struct fold){0};
}
