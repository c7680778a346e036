/* Drawing for synth:shapes: a ground, figures and strokes with smooth edges, then noise.
 *
 * Places are in pixels from the middle of the image, x to the right and y up. Colours are red,
 * green, blue, 0 … 255; they may leave that range until canvas_pixels() cuts them off.
 */
#ifndef PSWEEP_SYNTH_CANVAS_H
#define PSWEEP_SYNTH_CANVAS_H

#include "drawing/synth.h"
#include "drawing/synth_figure.h"
#include "drawing/synth_words.h"

struct canvas {
    double pixel[SYNTH_SIDE][SYNTH_SIDE][SYNTH_CHANNELS]; /* [row][column][colour], row 0 on top */
};

/* What a surface looks like: a colour that changes evenly along a direction, and waves over it. */
struct paint {
    double colour[SYNTH_CHANNELS]; /* in the middle of the image */
    double slope[SYNTH_CHANNELS];  /* change per pixel along the direction */
    double wave[SYNTH_CHANNELS];   /* height of the waves */
    struct direction along;
    double frequency, phase; /* waves per pixel; at the middle of the image */
    int checked;             /* waves both ways make a pattern of patches instead of stripes */
};

/* Where a figure stands. */
struct place {
    double x, y;       /* of its middle */
    double size;       /* pixels that make a figure's unit */
    double reach;      /* it touches nothing farther off than this on either axis */
    double turn[2][2]; /* from pixels, relative to the middle, to the figure's own plane */
};

/* A place at most far from the middle of the image on each axis. The figure leans to either side by
 * at most the angle whose tangent is lean, and is drawn out along some axis, at most squash times
 * as long as wide. */
struct place any_place(struct words *words, double size, double far, double lean, double squash);

/* Random paint whose colours in the middle of the image lie between dark and light. */
struct paint any_paint(struct words *words, double dark, double light);

/* Covers everything. */
void canvas_ground(struct canvas *canvas, const struct paint *paint);

/* Draws a figure in fill, with an edge of edge_width pixels (0: none) in another paint. */
void canvas_figure(struct canvas *canvas, figure_distance *distance, const struct place *place,
                   const struct paint *fill, const struct paint *edge, double edge_width);

/* Draws a straight stroke of random place, direction, length and width. */
void canvas_stroke(struct canvas *canvas, struct words *words, const struct paint *paint);

/* Adds even noise of at most noise to either side, rounds, and writes uint8[row][column][colour].
 */
void canvas_pixels(const struct canvas *canvas, struct words *words, double noise,
                   uint8_t pixels[SYNTH_BYTES]);

#endif
