/* Recall and precision of every class as text, the best found class on top. */
#include "terminal/text.h"

#include "reading/titles.h"
#include "label.h"
#include "message.h"
#include "palette.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIGURE = 9, LEAST_PLOT = 20, MOST_NAME = 40 };

static void put_percent(struct screen *screen, int row, int column, double fraction, int ink)
{
    char text[32] = "-";
    if (!isnan(fraction))
        snprintf(text, sizeof text, "%.1f %%", 100 * fraction);
    screen_right(screen, row, column, FIGURE, (struct style){.ink = palette[ink].terminal}, text);
}

static void put_mark(struct screen *screen, struct box plot, double fraction, uint32_t mark,
                     int ink)
{
    if (!isnan(fraction))
        screen_put(screen, plot.row, plot.column + (int)lround(fraction * (plot.columns - 1)), mark,
                   (struct style){.ink = palette[ink].terminal});
}

static void draw_class(struct screen *screen, const struct score *score, uint32_t class, int row,
                       int names)
{
    char images[32];
    double recall = confusion_recall(score, class), precision = confusion_precision(score, class);
    struct box plot = {row, names + 3 * FIGURE + 3, 1, screen->columns - names - 3 * FIGURE - 4};
    snprintf(images, sizeof images, "%llu", (unsigned long long)confusion_support(score, class));
    screen_right(screen, row, 0, names, plain_style, score->class_name[class]);
    put_percent(screen, row, names + 1, recall, INK_BLUE);
    put_percent(screen, row, names + 1 + FIGURE + 1, precision, INK_VERMILLION);
    screen_right(screen, row, names + 2 + 2 * FIGURE, FIGURE - 1, plain_style, images);
    if (plot.columns < LEAST_PLOT)
        return;
    for (int i = 0; i < plot.columns; i++)
        screen_put(screen, row, plot.column + i, screen_pick(screen, 0xb7, '.'), faint_style);
    put_mark(screen, plot, precision, screen_pick(screen, 0x25cb, 'p'), INK_VERMILLION);
    put_mark(screen, plot, recall, screen_pick(screen, 0x25cf, 'r'), INK_BLUE);
}

struct screen *text_classes(const struct score *score, const struct page *page)
{
    char text[600];
    int names = 5, most = page->columns / 3 < MOST_NAME ? page->columns / 3 : MOST_NAME;
    uint32_t *order = confusion_order(score);
    for (uint32_t i = 0; i < score->classes; i++)
        if (label_columns(score->class_name[i]) > names)
            names = label_columns(score->class_name[i]);
    names = names < most ? names : most;
    struct screen *screen = screen_make((int)score->classes + 3, page->columns, page->look);
    score_heading(score, text, sizeof text);
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : text);
    int plot = names + 3 * FIGURE + 3;
    screen_right(screen, 2, 0, names, faint_style, "class");
    screen_right(screen, 2, names + 1, FIGURE, faint_style,
                 screen->look.unicode ? "● recall" : "r recall");
    screen_right(screen, 2, names, 2 * FIGURE + 2, faint_style,
                 screen->look.unicode ? "○ precis." : "p precis.");
    screen_right(screen, 2, names + 2 + 2 * FIGURE, FIGURE - 1, faint_style, "images");
    if (page->columns - plot - 1 >= LEAST_PLOT) {
        screen_text(screen, 2, plot, 1, faint_style, "0");
        screen_right(screen, 2, plot, page->columns - plot - 1, faint_style, "100 %");
    }
    for (uint32_t i = 0; i < score->classes; i++)
        draw_class(screen, score, order[i], 3 + (int)i, names);
    free(order);
    return screen;
}
