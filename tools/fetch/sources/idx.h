/* MNIST, FashionMNIST and what else comes in idx files: images in train-images-idx3-ubyte, their
 * labels beside it in train-labels-idx1-ubyte, and the same called t10k or test; packed, as
 * train-images-idx3-ubyte.gz, or not. */
#ifndef PSWEEP_IDX_H
#define PSWEEP_IDX_H

enum { IDX_MOST = 10000000 /* images in a file; each takes about 150 bytes of memory */ };

/* Whether a source, a path or a URL, is called as such a file of images is. */
int idx_is_file(const char *name);
/* Whether a folder holds MNIST's. */
int idx_is_folder(const char *name);

#endif
