/* Texts in aligned columns on a screen; where that is narrow there are fewer columns.
 *
 * Columns are added first, then cells, one after the other, row by row; row 0 is the columns'
 * names.
 */
#ifndef PSPLOT_TABLE_H
#define PSPLOT_TABLE_H

#include "terminal/screen.h"

#include <stddef.h>

enum { TABLE_GAP = 2 }; /* blanks between columns */

struct table_column {
    int right;          /* its texts end below each other */
    int spare;          /* where there is no room for all the highest goes first; 0: it stays */
    int width;          /* at least, and by table_fit() as the texts need it; -1: no room */
    int most;           /* no wider than that; 0: as wide as its texts are */
    int behind;         /* more columns of the screen to be left free behind it */
    struct style style; /* of its texts; its name is faint */
};

/* Starts all zero. */
struct table {
    struct table_column *column; /* [columns] */
    size_t columns, cells;
    char **cell; /* [cells] */
};

/* The column, which may be given more than this until the next one is added. */
struct table_column *table_add_column(struct table *table, const char *name, int right, int spare);
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Chooses what fits into room columns of the screen, and where that is too little cuts the widest
 * texts: how many it takes. */
int table_fit(struct table *table, int room);
void table_draw(const struct table *table, size_t row, struct screen *screen, int screen_row);
void table_free(struct table *table);

#endif
