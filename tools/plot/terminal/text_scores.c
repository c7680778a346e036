/* Scores as text: the confusion matrix, and recall and precision of every class. */
#include "terminal/page.h"

#include "label.h"
#include "palette.h"
#include "reading/titles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUMMARY = 8 }; /* columns of "100.0 %" and a blank */
enum { EDGE = 2 };    /* a blank and a bar, for a class may be called 7 */

/* The columns of the widest class name, from least to most. */
static int name_columns(const struct score *score, int least, int most)
{
    int widest = least;
    for (uint32_t i = 0; i < score->classes; i++)
        if (label_columns(score->class_name[i]) > widest)
            widest = label_columns(score->class_name[i]);
    return widest < most ? widest : most;
}

static struct screen *begin(const struct score *score, const struct page *page, int rows,
                            int columns)
{
    char result[200];
    struct screen *screen = screen_make(rows, columns, page->can);
    if (page->title) {
        screen_text(screen, 0, 0, page->columns, bold_style, page->title);
        return screen;
    }
    /* Where both have no room the name is cut. */
    score_result(score, result, sizeof result);
    int most = page->columns - label_columns(result) - 2;
    int used = screen_text(screen, 0, 0, most, bold_style, title_of_score(score));
    if (used > 0)
        used += screen_text(screen, 0, used, page->columns - used, bold_style, ", ");
    screen_text(screen, 0, used, page->columns - used, bold_style, result);
    return screen;
}

static void put_percent(struct screen *screen, int row, int column, int width, int ink,
                        double fraction)
{
    char text[32] = "-";
    if (!isnan(fraction))
        snprintf(text, sizeof text, "%.1f %%", 100 * fraction);
    screen_right(screen, row, column, width, (struct style){.ink = (uint8_t)ink}, text);
}

/* Grounds from pale to strong of the terminal's 256: blue where it is right, orange where wrong. */
static struct style shade(uint64_t count, uint64_t most, int right)
{
    static const uint8_t blue[] = {195, 153, 117, 75, 33}, orange[] = {230, 223, 216, 209, 202};
    if (count == 0 || most == 0)
        return faint_style;
    int level = (int)(4.999 * (double)count / (double)most);
    return (struct style){.ground = right ? blue[level] : orange[level], .ink = 16};
}

/* Counts, recall beside the rows, precision below the columns. */
static struct screen *matrix(const struct score *score, const struct page *page, int names,
                             int cell, const uint64_t most[2])
{
    int n = (int)score->classes, first = names + EDGE, width = first + n * cell + SUMMARY;
    struct screen *screen =
        begin(score, page, n + 5, width < page->columns ? page->columns : width);
    screen_right(screen, 2, 0, names, faint_style, "true");
    screen_text(screen, 2, first + 1, n * cell, faint_style, "predicted");
    screen_right(screen, 3, first + n * cell, SUMMARY, faint_style, "recall");
    screen_right(screen, 4 + n, 0, names, faint_style, "prec. %");
    for (int j = 0; j < n; j++) {
        char text[32];
        double precision = confusion_precision(score, (uint32_t)j);
        snprintf(text, sizeof text,
                 isnan(precision) ? "-"
                 : cell > 5       ? "%.1f"
                                  : "%.0f",
                 100 * precision);
        screen_right(screen, 3, first + j * cell, cell - 1, faint_style, score->class_name[j]);
        screen_right(screen, 4 + n, first + j * cell, cell - 1, plain_style, text);
    }
    for (uint32_t i = 0; i < score->classes; i++) {
        int row = 4 + (int)i;
        screen_right(screen, row, 0, names, plain_style, score->class_name[i]);
        screen_put(screen, row, names + 1, screen_pick(screen, 0x2502, '|'), faint_style);
        for (uint32_t j = 0; j < score->classes; j++) {
            uint64_t count = confusion_count(score, i, j);
            struct style style = shade(count, most[i == j], i == j);
            int column = first + (int)j * cell;
            char text[32];
            for (int c = 0; c < cell; c++)
                screen_put(screen, row, column + c, ' ', style);
            snprintf(text, sizeof text, "%llu", (unsigned long long)count);
            /* A zero among the mistakes would only hide the others. */
            screen_right(screen, row, column, cell - 1, style,
                         count                 ? text
                         : screen->can.unicode ? "·"
                                               : ".");
        }
        put_percent(screen, row, first + n * cell, SUMMARY, 0, confusion_recall(score, i));
    }
    return screen;
}

/* A matrix too wide for the page becomes a list of its classes, the best found on top. */
static struct screen *list(const struct score *score, const struct page *page, int names)
{
    enum { RECALL = 9, PRECISION = 10, GAP = 3 };
    uint32_t *order = confusion_order(score);
    struct screen *screen = begin(score, page, (int)score->classes + 3, page->columns);
    int rivals = names + 1 + RECALL + 1 + PRECISION + GAP;
    screen_right(screen, 2, 0, names, faint_style, "class");
    screen_right(screen, 2, names + 1, RECALL, faint_style, "recall");
    screen_right(screen, 2, names + 1 + RECALL + 1, PRECISION, faint_style, "precision");
    screen_text(screen, 2, rivals, page->columns - rivals, faint_style, "most often taken for");
    for (uint32_t place = 0; place < score->classes; place++) {
        char text[512];
        uint32_t i = order[place];
        int row = 3 + (int)place;
        int64_t rival = confusion_rival(score, i);
        screen_right(screen, row, 0, names, plain_style, score->class_name[i]);
        put_percent(screen, row, names + 1, RECALL, 0, confusion_recall(score, i));
        put_percent(screen, row, names + 1 + RECALL + 1, PRECISION, 0,
                    confusion_precision(score, i));
        if (rival < 0)
            continue;
        snprintf(text, sizeof text, "%s (%llu)", score->class_name[rival],
                 (unsigned long long)confusion_count(score, i, (uint32_t)rival));
        screen_text(screen, row, rivals, page->columns - rivals, plain_style, text);
    }
    free(order);
    return screen;
}

struct screen *text_confusion(const struct score *score, const struct page *page)
{
    char count[32];
    const uint64_t most[2] = {confusion_most(score, 0), confusion_most(score, 1)};
    int names = name_columns(score, 7, 20), n = score->classes ? (int)score->classes : 1;
    int least = 1 + snprintf(count, sizeof count, "%llu",
                             (unsigned long long)(most[0] > most[1] ? most[0] : most[1]));
    least = least < 5 ? 5 : least;
    /* Cells as wide as the class names want, if the page has room for that. */
    int room = (page->columns - names - EDGE - SUMMARY) / n;
    int wanted = names + 1 > least ? names + 1 : least;
    if (score->classes == 0 || room < least)
        return list(score, page, names);
    return matrix(score, page, names, room < wanted ? room : wanted, most);
}

/* The best found class on top, its figures and where they lie between 0 and 100 %. */
struct screen *text_classes(const struct score *score, const struct page *page)
{
    enum { FIGURE = 9, LEAST_PLOT = 20, MOST_NAME = 40 };
    const int ink[2] = {palette[INK_BLUE].terminal, palette[INK_VERMILLION].terminal};
    int names =
        name_columns(score, 5, page->columns / 3 < MOST_NAME ? page->columns / 3 : MOST_NAME);
    int left = names + 3 * FIGURE + 3, width = page->columns - left - 1;
    uint32_t *order = confusion_order(score);
    struct screen *screen = begin(score, page, (int)score->classes + 3, page->columns);
    int unicode = screen->can.unicode;
    screen_right(screen, 2, 0, names, faint_style, "class");
    screen_right(screen, 2, names + 1, FIGURE, faint_style, unicode ? "● recall" : "r recall");
    screen_right(screen, 2, names, 2 * FIGURE + 2, faint_style,
                 unicode ? "○ precis." : "p precis.");
    screen_right(screen, 2, names + 2 + 2 * FIGURE, FIGURE - 1, faint_style, "images");
    if (width >= LEAST_PLOT) {
        screen_text(screen, 2, left, 1, faint_style, "0");
        screen_right(screen, 2, left, width, faint_style, "100 %");
    }
    for (uint32_t place = 0; place < score->classes; place++) {
        uint32_t class = order[place];
        int row = 3 + (int)place;
        char images[32];
        double figure[2] = {confusion_recall(score, class), confusion_precision(score, class)};
        snprintf(images, sizeof images, "%llu",
                 (unsigned long long)confusion_support(score, class));
        screen_right(screen, row, 0, names, plain_style, score->class_name[class]);
        for (int i = 0; i < 2; i++)
            put_percent(screen, row, names + 1 + i * (FIGURE + 1), FIGURE, ink[i], figure[i]);
        screen_right(screen, row, names + 2 + 2 * FIGURE, FIGURE - 1, plain_style, images);
        for (int i = 0; width >= LEAST_PLOT && i < width; i++)
            screen_put(screen, row, left + i, screen_pick(screen, 0xb7, '.'), faint_style);
        for (int i = 1; width >= LEAST_PLOT && i >= 0; i--)
            if (!isnan(figure[i]))
                screen_put(screen, row, left + (int)lround(figure[i] * (width - 1)),
                           screen_pick(screen, i ? 0x25cb : 0x25cf, i ? 'p' : 'r'),
                           (struct style){.ink = (uint8_t)ink[i]});
    }
    free(order);
    return screen;
}
