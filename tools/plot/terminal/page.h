/* The views as pages of characters, each in the file of its name (curves in panel.c, those of
 * scores in text_scores.c). Each makes a screen that the caller frees. */
#ifndef PSPLOT_PAGE_H
#define PSPLOT_PAGE_H

#include "runs/history.h"
#include "terminal/screen.h"

struct page {
    int columns;       /* that the page may fill */
    int rows;          /* 0: as many as the view likes */
    const char *title; /* NULL: none */
    struct capabilities can;
};

struct screen *text_curves(const struct history *history, const struct page *page);
struct screen *text_overlay(const struct history *history, const struct page *page);
struct screen *text_summary(const struct history *history, const struct page *page);
struct screen *text_classes(const struct score *score, const struct page *page);
struct screen *text_confusion(const struct score *score, const struct page *page);
struct screen *text_run_table(const struct history *history, const struct page *page);
struct screen *text_score_table(const struct history *history, const struct page *page);

#endif
