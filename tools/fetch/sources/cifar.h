/* CIFAR-10 and CIFAR-100 as their site has them, in archives of binary batches (Krizhevsky,
 * "Learning Multiple Layers of Features from Tiny Images", 2009).
 *
 * cifar-10-binary.tar.gz has data_batch_1.bin … 5 with images to train with, test_batch.bin with
 * those to test with, and batches.meta.txt with the names of the classes, a line each. A batch is a
 * row of images: a byte with the class, counted from 0, then uint8[3 channels][32 rows][32
 * columns].
 *
 * cifar-100-binary.tar.gz has train.bin and test.bin, where two bytes stand before an image: its
 * class of 20 coarse ones and of 100 fine ones, whose names are in coarse_label_names.txt and
 * fine_label_names.txt.
 */
#ifndef PSWEEP_CIFAR_H
#define PSWEEP_CIFAR_H

#include "decoding/decode.h"

#include <stdint.h>

enum {
    CIFAR_SIDE = 32,
    CIFAR_PIXELS = 3 * CIFAR_SIDE * CIFAR_SIDE,
    CIFAR_MAX_NAMES = 1 << 16, /* bytes of a file of names */
};

/* A way to label the images of such a set. */
enum cifar_labels { CIFAR_10, CIFAR_FINE, CIFAR_COARSE, CIFAR_WAYS };
struct cifar {
    const char *set, *names; /* its name; the file with those of the classes */
    unsigned labels, label;  /* bytes before an image, and which of them is the class */
};
extern const struct cifar cifar[CIFAR_WAYS];

/* What a member of an archive is, by the last part of its name: a batch, whose labels and split
 * (enum split) are told, CIFAR_FINE for CIFAR-100; names, of these labels; or neither. */
enum cifar_file { CIFAR_NONE, CIFAR_BATCH, CIFAR_NAMES };
enum cifar_file cifar_file(const char *name, enum cifar_labels *labels, int *split);

/* The name of a class in a text of names, *size bytes; NULL where it has none. */
const char *cifar_name(const char *names, unsigned label, size_t *size);

/* An image's planes into pixels: uint8[row][column][channel]. 0, or -1 with a sentence. */
int cifar_pixels(const uint8_t planes[CIFAR_PIXELS], struct pixels *pixels);

#endif
