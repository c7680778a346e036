/* A network as an ONNX model (onnx.ai).
 *
 * Opset 13 in IR version 7, of ONNX 1.8 (2020): the oldest in which all of its operators mean what
 * they mean today, and what takes a new one takes an older one. ONNX Runtime has it since 1.6
 * (1.15, 1.17 and 1.32 were tried). A file is one protobuf message. Of protobuf a writer needs two
 * kinds of fields, numbers and counted bytes, which are 30 lines here; a library would be one more
 * to install, and the code that it generates from onnx.proto many times as long.
 *
 * The graph scales the pixels, and each node has the name of its layer. Batch normalisation is
 * folded into the convolution before it, weights and bias in double and rounded once: what runs the
 * network does so anyway, but in float32, or not at all. It can be kept for who wants the tensors
 * as they were trained.
 */
#ifndef PSWEEP_ONNX_H
#define PSWEEP_ONNX_H

#include "bytes.h"

#include "nn/model.h"

struct onnx_options {
    int floats;         /* images are float32 0 … 1, [image][channel][row][column], as PyTorch has
                           them; else uint8, [image][row][column][channel], as files are decoded */
    int keep_normalise; /* batch normalisation stays a node of its own */
};

/* Makes a file with the input "images" and the outputs "logits" and "probabilities", all of any
 * number of images. classes[] are the names of the model's classes, as label_name() has them, which
 * stand in its metadata as "classes", a JSON array; network is its text. */
void onnx_make(struct bytes *file, const struct model *model, char *const *classes,
               const char *network, const struct onnx_options *options);

#endif
