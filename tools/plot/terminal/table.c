#include "terminal/table.h"

#include "label.h"
#include "message.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LEAST_TEXT = 16 }; /* columns of a text that is cut */

struct table_column *table_add_column(struct table *table, const char *name, int right, int spare)
{
    table->column = egrow(table->column, table->columns + 1, sizeof *table->column);
    struct table_column *column = &table->column[table->columns++];
    *column = (struct table_column){.right = right, .spare = spare};
    table_add(table, "%s", name);
    return column;
}

void table_add(struct table *table, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    table->cell = egrow_by_one(table->cell, table->cells, sizeof *table->cell);
    table->cell[table->cells++] = ecopy(text);
}

static int total(const struct table *table)
{
    int columns = -TABLE_GAP;
    for (size_t c = 0; c < table->columns; c++)
        columns += table->column[c].width >= 0 ? table->column[c].width + TABLE_GAP : 0;
    return columns;
}

int table_fit(struct table *table, int room)
{
    for (size_t i = 0; i < table->cells; i++) {
        struct table_column *column = &table->column[i % table->columns];
        int wanted = label_columns(table->cell[i]);
        wanted = column->most > 0 && wanted > column->most ? column->most : wanted;
        column->width = wanted > column->width ? wanted : column->width;
    }
    while (total(table) > room) {
        struct table_column *next = NULL;
        for (size_t c = 0; c < table->columns; c++)
            if (table->column[c].width >= 0 && table->column[c].spare > (next ? next->spare : 0))
                next = &table->column[c];
        if (next == NULL)
            break;
        next->width = -1;
    }
    /* Still too wide: the widest text is cut, but not to nothing. */
    struct table_column *widest = &table->column[0];
    for (size_t c = 1; c < table->columns; c++)
        if (table->column[c].width > widest->width)
            widest = &table->column[c];
    int left = room - (total(table) - widest->width), least = LEAST_TEXT;
    least = widest->width < least ? widest->width : least;
    if (left < widest->width)
        widest->width = left < least ? least : left;
    return total(table);
}

void table_draw(const struct table *table, size_t row, struct screen *screen, int screen_row)
{
    int place = 0;
    for (size_t c = 0; c < table->columns; c++) {
        const struct table_column *column = &table->column[c];
        if (column->width < 0)
            continue;
        (column->right ? screen_right : screen_text)(screen, screen_row, place, column->width,
                                                     row == 0 ? faint_style : column->style,
                                                     table->cell[row * table->columns + c]);
        place += column->width + TABLE_GAP + column->behind;
    }
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->cells; i++)
        free(table->cell[i]);
    free(table->cell);
    free(table->column);
    *table = (struct table){0};
}
