/* Class tables: the names of the classes, whose places are the labels of images.
 *
 * Law: a class is its name. Two tables may have the same classes at other places, and a label means
 * something only beside its own table.
 */
#ifndef PSWEEP_CLASSES_H
#define PSWEEP_CLASSES_H

#include "record.h"

/* A label, or another place in a table, that there is not. */
#define NO_CLASS UINT32_MAX

struct classes {
    uint32_t count;
    char **name; /* [count], each ends with 0; owned by the table */
    void *found; /* where a name stands, once it was asked for */
};

/* The table of a header, which only that of images may be without: they have no labels then. -1
 * with a sentence. */
int classes_read(const struct record *header, struct classes *classes);
void classes_free(struct classes *classes);

/* The place of a name, into place; 0 when the table has none such. */
int classes_find(struct classes *classes, const char *name, uint32_t *place);

/* Tells the place of each class of more in all, into place[more->count]; those that all lacks
 * become its last. */
void classes_join(struct classes *all, const struct classes *more, uint32_t *place);

/* Sorts the names by their bytes, as psfetch does, and tells the new place of each old one, into
 * place[classes->count]. */
void classes_sort(struct classes *classes, uint32_t *place);

#endif
