/* The view record, which tells the views of many images in place of their pixels. */
#ifndef PSWEEP_VIEWS_H
#define PSWEEP_VIEWS_H

#include "view.h"
#include "write.h"

/* Views in the order in which they are trained on, as they stand in a record; borrowed from it. */
struct views {
    size_t count;
    const uint8_t *ids, *rows, *columns, *flips; /* uint64, int32, int32, uint8 [count] */

    /* What not all streams have: where it is missing, NULL. */
    const uint8_t *maps, *cuts, *colours; /* int32 [count][4], [count][2], [count][colour_size] */
    uint32_t colour_size, channels;       /* channels: that the fields are for; 0: any */
    struct view common;                   /* what all views have alike */
};
enum { VIEWS_MOST = 4096 }; /* that are written as one record */

/* Takes a view record apart. -1 with a sentence. */
int views_read(const struct record *record, struct views *views);
/* The image that a view is of, and the view, whose size the header tells. */
uint64_t views_id(const struct views *views, size_t place);
struct view views_view(const struct views *views, size_t place, uint32_t height, uint32_t width);

/* Writes count views of images of so many channels, ids[count], as one record; count ≤ VIEWS_MOST.
 * The first tells what they have alike: fill, ground, size of the cutout, and which steps there
 * are. */
int views_write(struct writer *writer, const uint64_t *ids, const struct view *view, size_t count,
                uint32_t channels);

#endif
