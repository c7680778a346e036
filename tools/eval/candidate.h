/* How well one model does on one split: counts, and the record made of them. */
#ifndef PSWEEP_CANDIDATE_H
#define PSWEEP_CANDIDATE_H

#include "looks.h"

#include "nn/engine.h"
#include "nn/model.h"

/* The most classes that a confusion matrix is made of: a record has at most a million elements. */
enum { MOST_CONFUSION = 1000 };

struct evaluation {
    uint64_t images, correct;
    double loss;         /* cross entropy, summed */
    uint64_t *confusion; /* [true class][predicted class], or NULL */
    /* [class]: images of it; that are taken for it; both */
    uint64_t *support, *predicted, *true_positives;
};

/* A model under examination. A label is a place in the table of all classes that the models know,
 * which need not be that of a model's own table. */
struct candidate {
    struct model model;
    struct engine *engine;
    uint32_t classes; /* in the table of all */
    uint32_t *place;  /* [its own classes] in the table of all */
    uint32_t *own;    /* [classes] in its own table, or NO_CLASS */
    struct evaluation score[SPLITS];
    struct looks looks;
    uint32_t batch;
    uint32_t *label;    /* [batch] of the present mini-batch, in its own table */
    float *probability; /* [count][its own classes] what it said; first [looks][count][…] of each */
};

/* Reads a model file and puts it on an engine; mean and deviation of the options come from the
 * model. -1 with a sentence. */
int candidate_open(struct candidate *candidate, const char *path, const char *device,
                   const struct engine_options *options);
/* Makes ready for mini-batches of at most batch images, each looked at so; all has all classes that
 * the models know. */
void candidate_begin(struct candidate *candidate, uint32_t batch, const struct looks *looks,
                     struct classes *all);
void candidate_close(struct candidate *candidate);

/* Whether the model knows the class of images that has this name and this place in the table of
 * all; -1 with a sentence. */
int candidate_knows(const struct candidate *candidate, const char *name, uint32_t class);

/* Asks for count images: probability is then [count][its own classes].
 * pixels[looks][batch][height][width][channels]. */
int candidate_ask(struct candidate *candidate, const uint8_t *pixels, uint32_t count);
/* The same of images of these classes, and adds them to the score of a split. With several looks
 * the loss is the cross entropy of their mean, in which 0 counts as 2^-149, the smallest float. */
int candidate_examine(struct candidate *candidate, enum split split, const uint8_t *pixels,
                      const uint32_t *label, uint32_t count);
/* The label of the class that it gave the highest probability, of several the first, for an image
 * of that mini-batch; and that probability. NO_CLASS where it is no number: such an image is taken
 * for none, and not right. */
uint32_t candidate_guess(const struct candidate *candidate, uint32_t image, double *probability);

/* Tells the score of a split to people, in a sentence. */
void candidate_tell(const struct candidate *candidate, enum split split);
/* Writes it as a record; number: 1 … place on the command line. */
int candidate_write(struct writer *writer, const struct candidate *candidate, uint32_t number,
                    enum split split);

#endif
