/* A page with a panel for every run. */
#include "terminal/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char measures[] = "accuracy (%) and loss by iteration";

/* Rows of a panel on a page of any height: fewer for more runs. */
static int usual_rows(size_t runs)
{
    return runs <= 2 ? 22 : runs <= 6 ? 19 : runs <= 12 ? 13 : 10;
}

/* Panels beside each other on such a page. */
static int usual_across(size_t runs, int columns)
{
    int most = columns / 38 < 1 ? 1 : columns / 38;
    int wanted = (int)ceil(sqrt((double)runs));
    return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

static struct caption caption_of(const struct run *run, enum rank_rule rule)
{
    struct caption caption = {0};
    curve_verdict(run, rule, caption.beside[1].text, sizeof caption.beside[1].text, caption.brief);
    /* Of a run that went its whole way the figure is enough. */
    caption.keep = run->state != RUN_DONE || run->epoch != run->epochs;
    return caption;
}

struct screen *text_curves(const struct history *history, const struct page *page)
{
    int runs = (int)history->runs, above = page->title ? 3 : 2;
    struct grid grid = {0};
    if (page->rows > 0)
        grid = text_grid(runs, page->columns, page->rows - above);
    if (grid.across == 0) {
        grid.across = usual_across(history->runs, page->columns);
        grid.down = (runs + grid.across - 1) / grid.across;
        grid.columns = page->columns / grid.across;
        grid.rows = usual_rows(history->runs);
    }
    struct ranges ranges = curve_ranges(history);
    struct screen *screen = screen_make(above + grid.down * grid.rows, page->columns, page->look);
    if (page->title)
        screen_text(screen, 0, 0, page->columns, bold_style, page->title);
    int used = text_legend(screen, above - 2, 0, page->columns, 0) + 3;
    /* Less than half of it would say nothing. */
    if (page->columns - used >= (int)strlen(measures) / 2)
        screen_text(screen, above - 2, used, page->columns - used, faint_style, measures);
    for (int i = 0; i < runs; i++) {
        struct caption caption = caption_of(history->run[i], history->rank);
        /* A blank column and row between neighbours. */
        struct box box = {above + i / grid.across * grid.rows, i % grid.across * grid.columns,
                          grid.rows - 1, grid.columns - (grid.across > 1) * 2};
        text_panel(screen, box, history->run[i], &ranges, &caption);
    }
    return screen;
}
