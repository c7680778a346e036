/* What is drawn, chosen from what was read, and where it goes. */
#ifndef PSPLOT_SHOW_H
#define PSPLOT_SHOW_H

#include "picture/chart.h"
#include "runs/history.h"
#include "terminal/page.h"

/* All kinds, as options have choices. Images and filters are not drawn from a history, and not
 * here. */
extern const char show_kinds[];

/* Checks that the history holds what that kind draws. -1 with a sentence. */
int show_check(const struct history *history, const char *kind);

/* Writes the view as a picture. -1 with a sentence. */
int show_picture(const struct history *history, const char *kind, const struct picture *picture);

/* Writes the view as text to standard output. -1 with a sentence. */
int show_text(const struct history *history, const char *kind, const struct page *page);

/* How this terminal, pipe or file shows text. size: columns and rows asked for, 0 for none. live:
 * gets whether standard output is a terminal that can do more than print, whose page then has rows
 * that fill it, but for the last, where the cursor rests; NULL: nothing is drawn in place. */
struct page show_page(const uint32_t size[2], int ascii, const char *title, int *live);

#endif
