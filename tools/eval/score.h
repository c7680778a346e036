/* How well one model does on one split: counts, and the record made of them. */
#ifndef PSWEEP_SCORE_H
#define PSWEEP_SCORE_H

#include "nn/engine.h"
#include "nn/model.h"

/* The most classes that a confusion matrix is made of: a record has at most a million elements. */
enum { SCORE_MOST_CONFUSION = 1000 };

struct score {
    uint64_t images, correct;
    double loss;                      /* cross entropy, summed */
    uint64_t *confusion;              /* [true class][predicted class], or NULL */
    uint64_t *is, *taken_for, *right; /* [class]: images of it; taken for it; both */
};

/* A model under examination. */
struct candidate {
    struct model model;
    struct engine *engine;
    struct score score[SPLITS];
};

/* Reads a model file and puts it on an engine; mean and deviation of the options come from the
 * model. -1 with a sentence. */
int candidate_open(struct candidate *candidate, const char *path, const char *device,
                   const struct engine_options *options);
void candidate_close(struct candidate *candidate);

/* Whether images of this shape with these classes are what the model was trained on, or hold such a
 * window where it was trained on windows; -1 with a sentence. */
int candidate_fits(const struct candidate *candidate, const struct classes *classes,
                   const struct image *image);

/* Adds count images of a split to its score. pixels[count][height][width][channels]; probability is
 * scratch for [count][classes]. */
int candidate_examine(struct candidate *candidate, enum split split, const uint8_t *pixels,
                      const uint32_t *label, uint32_t count, float *probability);

/* The class with the highest of [classes] probabilities; the first of several. */
uint32_t score_guess(const float *probability, uint32_t classes);

/* Tells the score of a split to people, in a sentence. */
void candidate_tell(const struct candidate *candidate, enum split split);
/* Writes it as a record; number: 1 … place on the command line. */
int candidate_write(struct writer *writer, const struct candidate *candidate, uint32_t number,
                    enum split split);

#endif
