/* CIFAR-10 as its site has it (cifar-10-binary.tar.gz): data_batch_1.bin … 5 with images to train
 * with, test_batch.bin with those to test with, and batches.meta.txt with the names of the classes,
 * a line each (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009).
 *
 * A batch is a row of images of CIFAR_RECORD bytes: a byte with the class, counted from 0, then
 * uint8[3 channels][32 rows][32 columns].
 */
#ifndef PSWEEP_CIFAR_H
#define PSWEEP_CIFAR_H

#include "sources/source.h"

enum {
    CIFAR_SIDE = 32,
    CIFAR_PIXELS = 3 * CIFAR_SIDE * CIFAR_SIDE,
    CIFAR_RECORD = 1 + CIFAR_PIXELS,
    CIFAR_MAX_NAMES = 1 << 16, /* bytes of batches.meta.txt */
};

enum cifar_file { CIFAR_NONE, CIFAR_TRAIN, CIFAR_TEST, CIFAR_NAMES };

/* Which of these files a member of an archive is, by its name. */
enum cifar_file cifar_file(const char *name);

/* Adds one image of a batch to the source: its key is the batch's name without .bin, a slash and
 * its number there in five digits; its split is the batch's; names is the text of batches.meta.txt.
 * 1 when it was added, 0 when it is not wanted, -1 with a sentence when there is no such class. */
int cifar_add(struct source *source, const char *batch, uint32_t number, uint8_t label,
              const char *names);

/* The image's planes into pixels: uint8[row][column][channel]. */
int cifar_pixels(const uint8_t planes[CIFAR_PIXELS], struct pixels *pixels);

#endif
