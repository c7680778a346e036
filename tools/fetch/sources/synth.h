/* synth:shapes, the built-in set of images: ten classes of drawn figures, nothing to download.
 *
 * Every image is 32×32 pixels of three colours and shows one figure of its class, at a random place
 * and of random size, leaning, drawn out of shape and painted at random, on a ground with clutter;
 * strokes lie across it and noise over all. The mirror image of a figure is a figure of the same
 * class, so that flips keep the label.
 *
 * An image is a pure function of its set, label and number: philox(set, block, label · 2^32 +
 * number, PURPOSE_SYNTH) gives all its random words. The arithmetic is that of integers and of IEEE
 * doubles with +, −, ×, ÷ and square root alone, so the bytes are the same on every machine.
 */
#ifndef PSWEEP_SYNTH_H
#define PSWEEP_SYNTH_H

#include <stdint.h>

enum {
    SYNTH_SIDE = 32,
    SYNTH_CHANNELS = 3,
    SYNTH_CLASSES = 10,
    SYNTH_BYTES = SYNTH_SIDE * SYNTH_SIDE * SYNTH_CHANNELS,
};

/* The names of the classes, sorted; a label is an index into it. */
extern const char *const synth_class[SYNTH_CLASSES];

/* The figures of the classes: ten plane shapes, each its own mirror image, left for right. A shape
 * is a function of the plane, x to the right and y up: below 0 inside, above 0 outside, and near
 * the outline the distance to it, as smooth edges need it (farther off it may fall short). Its
 * middle is about (0, 0), it lies within FIGURE_REACH of there, and all ten cover an area of 2.3 to
 * 2.9, so that size says nothing about the class. */
#define FIGURE_REACH 1.6
double synth_figure(int label, double x, double y);

struct synth {
    const char *name;   /* "synth:shapes", static */
    uint64_t set;       /* the key of its random words: another set has other images */
    uint32_t per_class; /* images of each class */
};

/* Knows "synth:shapes" (10,000 images to train with, 1000 a class) and "synth:shapes/test" (2,000
 * others, 200 a class). 0, or -1 with a sentence that names these two. */
int synth_parse(const char *source, struct synth *synth);

/* Draws image number (0 … per_class − 1) of a class into pixels: uint8[row][column][red, green,
 * blue]. Any number of threads may draw at once. */
void synth_draw(const struct synth *synth, uint32_t label, uint32_t number,
                uint8_t pixels[SYNTH_BYTES]);

#endif
