/* Cross-validation: the images but those marked test are dealt into folds, class by class in their
 * order, and those of one fold validate what the others have trained. Each image is in one fold; of
 * a class, and of all, folds have as many images as each other, or one more or less of each class.
 */
#ifndef PSWEEP_FOLD_H
#define PSWEEP_FOLD_H

#include "image.h"

enum { FOLD_MOST = 1000 };

/* Start with all zero: no folds. */
struct fold {
    uint32_t number, of; /* 1 … of */
    uint64_t *dealt;     /* images of each class so far */
    uint32_t classes;    /* for which there is room */
};

/* Takes "2/5". -1 with a sentence, in which it is option. */
int fold_parse(struct fold *fold, const char *option, const char *text);
/* The split of the next image of that class and split; where images have none, it is NO_CLASS. */
enum split fold_deal(struct fold *fold, uint32_t label, enum split split);
void fold_free(struct fold *fold);

#endif
