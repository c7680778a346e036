/* The table of classes: their names, in the order of their labels.
 *
 * From a file it is the file's lines, in their order, whatever images there are: so sets that lack
 * a class still have the same table. Else it is the names that the images have: sorted by bytes,
 * or, where all are numbers that labels beside the images tell (labels.h), by number.
 */
#ifndef PSWEEP_TABLE_H
#define PSWEEP_TABLE_H

#include "image.h"
#include "sources/source.h"

enum { TABLE_MAX_FILE = 64 << 20 }; /* bytes of a file of names */

struct table {
    struct classes classes; /* to be freed, or taken over */
    const char *path;       /* of the file, borrowed, or NULL */
};

/* The table of count sources; path NULL: no file. 0, or -1 with a sentence and nothing to free. */
int table_make(struct table *table, const struct source *source, size_t count, const char *path);
/* The label of an item. A number that was read beside its image is the number of a line of the
 * file, from 0, and so is a folder's name that no line has. -1 with a sentence when the file has no
 * such line. */
int table_label(struct table *table, const struct source_item *item, uint32_t *label);

#endif
