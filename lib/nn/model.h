/* A trained network as a record, and back. */
#ifndef PSWEEP_MODEL_H
#define PSWEEP_MODEL_H

#include "images.h"
#include "nn/net.h"

/* Packs a list of {name, shape, values} under key: all tensors of values[net->parameters], or only
 * those that are trained (momentum has no others). */
void model_pack_tensors(struct writer *writer, const char *key, const struct net *net,
                        const float *values, int trained_only);
/* The inverse: each tensor of the list goes to its place in values; all that net has must be there
 * (with trained_only: all that are trained). -1 with a sentence. */
int model_read_tensors(const struct record *record, const char *key, const struct net *net,
                       float *values, int trained_only);

struct run;

/* What a finished or stopped run left behind. */
struct model {
    char name[256];  /* of the file, without directories and suffix: "net3" */
    struct run *run; /* that made it */
    struct net net;
    struct classes classes;
    struct images_about about; /* shape, counts, mean, deviation of what it was trained on */
    int cropped;               /* which were windows of images (psaug --crop) */
    uint32_t resized[2];       /* of images of this height and width; {0, 0}: of any size */
    float *parameters;         /* [net.parameters] */
};

/* Reads the run at path to its end and takes its model. -1 with a sentence, also when the file is
 * whole but has no model, or is torn. */
int model_read(struct model *model, const char *path);
void model_free(struct model *model);

/* Whether images of this shape are what the model was trained on, or where that was windows, what
 * they were cut from; -1 with a sentence. */
int model_fits(const struct model *model, const struct image *image);

#endif
