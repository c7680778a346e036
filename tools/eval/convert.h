/* A model as a file for other programs. */
#ifndef PSWEEP_CONVERT_H
#define PSWEEP_CONVERT_H

#include "onnx.h"

/* Whether there is a format for that ending of a path, .onnx, .safetensors or .npz; -1 with a
 * sentence. */
int convert_check(const char *path);
/* Whether it is .onnx. */
int convert_is_onnx(const char *path);

/* Writes the model into a new file, which at last takes the place of one that may be there. -1
 * with a sentence, also where a weight is not a finite number, which no program could use. */
int convert(const struct model *model, const char *path, const struct onnx_options *options);

#endif
