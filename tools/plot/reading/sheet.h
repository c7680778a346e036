/* The images that a contact sheet shows, taken from streams of images.
 *
 * Only what is shown is kept, and reading ends when the sheet is full; by class at the end of the
 * sets, for one that is joined may bring more classes. Of a stream that psaug made the training
 * images are shown as they came out of it, of a set all images, unless a split is asked for. Of a
 * stream with views, whose pixels come long before, the first training images that the sheet has
 * room for are kept, and their views are shown as they come. By image there are at most eight views
 * of each, and of a stream with fewer epochs more images. An epoch that brings nothing which there
 * is room for is the last that is read: all of them have the same images.
 */
#ifndef PSPLOT_SHEET_H
#define PSPLOT_SHEET_H

#include "runs/input.h"
#include "reading/tile.h"

/* One image on the sheet. */
struct shown {
    struct tile tile;
    const char *class; /* its name, borrowed from the sheet; NULL: it has no label */
    const char *guess; /* what a model took it for; NULL: no model was asked */
    double probability;
};

/* Images that stand beside each other. */
struct strip {
    uint64_t of; /* the label or the id that they share */
    struct shown *shown;
    size_t count;
};

enum sheet_by {
    SHEET_AUTO,  /* a set by class, since it is sorted; what is shuffled, or has guesses or no
                    labels, in order */
    SHEET_ORDER, /* as they come: one strip, to be broken into lines */
    SHEET_CLASS, /* a strip a class */
    SHEET_IMAGE, /* a strip an image: its views in the epochs */
};

struct sheet_options {
    enum sheet_by by;
    const char *only; /* a split, or NULL */
    uint64_t limit;   /* pictures on the sheet; 0: 64, by class ten of each, at most 400 */
    uint32_t most;    /* pixels of a side that are kept */
};

struct sheet {
    struct sheet_options options; /* by is no longer SHEET_AUTO when an image was read */
    struct classes table;         /* of all inputs, joined by name */
    char **class;                 /* [table.count] clean names, in the order they came in */
    uint32_t classes;             /* of the first of them */
    int grows;                    /* sets by class: more classes may come */
    struct strip *strip;          /* [strips] */
    size_t strips, most_strips, most_shown; /* of strips, and of images in a strip */
    size_t images;                          /* in all strips */
    size_t taken; /* that there was room for, some of which had to go again */
};

/* Reads until the sheet is full or the inputs end. Damage is a state of the input; -1 with a
 * sentence. */
int sheet_read(struct sheet *sheet, struct input *input, int count);
void sheet_free(struct sheet *sheet);

#endif
