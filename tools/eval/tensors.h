/* A network's tensors in files of arrays, as float32; what they mean says FORMAT.md.
 *
 * Both files also have the pixels' mean and deviation, and the network's text and the names of its
 * classes, as label_name() has them.
 */
#ifndef PSWEEP_TENSORS_H
#define PSWEEP_TENSORS_H

#include "bytes.h"

#include "nn/model.h"

/* .safetensors (huggingface.co/docs/safetensors): named as in the state_dict of the module in
 * pipelines/psweep_net.py, block1.convolution1.weight, block1.normalise1.running_mean, mean;
 * network and classes, a JSON array, are in its metadata. */
void tensors_make_safetensors(struct bytes *file, const struct model *model, char *const *classes,
                              const char *network);

/* .npz, numpy's, an uncompressed zip file of arrays: named as in the model's record; mean,
 * deviation, network and classes are arrays, too. */
void tensors_make_npz(struct bytes *file, const struct model *model, char *const *classes,
                      const char *network);

#endif
