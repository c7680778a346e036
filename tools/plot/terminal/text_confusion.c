/* A confusion matrix as text: counts, recall beside the rows, precision below the columns. A matrix
 * too wide for the page becomes a list of its classes, the best found on top. */
#include "terminal/text.h"

#include "reading/titles.h"
#include "label.h"
#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY = 8 }; /* columns of "100.0 %" and a blank */
enum { EDGE = 2 };    /* a blank and a bar, for a class may be called 7 */

static int widest_class(const struct score *score)
{
    int widest = 4;
    for (uint32_t i = 0; i < score->classes; i++) {
        int columns = label_columns(score->class_name[i]);
        widest = columns > widest ? columns : widest;
    }
    return widest < 20 ? widest : 20;
}

static void percent(char *text, size_t size, double fraction)
{
    if (isnan(fraction))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.1f %%", 100 * fraction);
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

static void title(struct screen *screen, const struct score *score, const struct page *page)
{
    char text[600];
    score_heading(score, text, sizeof text);
    screen_text(screen, 0, 0, page->columns, bold_style, page->title ? page->title : text);
}

static void matrix_row(struct screen *screen, const struct score *score, uint32_t i, int names,
                       int cell)
{
    char text[32];
    int row = 4 + (int)i;
    uint64_t right = confusion_most(score, 1), wrong = confusion_most(score, 0);
    screen_right(screen, row, 0, names, plain_style, score->class_name[i]);
    screen_put(screen, row, names + 1, screen_pick(screen, 0x2502, '|'), faint_style);
    for (uint32_t j = 0; j < score->classes; j++) {
        uint64_t count = confusion_count(score, i, j);
        struct style style = shade(count, i == j ? right : wrong, i == j);
        int column = names + EDGE + (int)j * cell;
        for (int c = 0; c < cell; c++)
            screen_put(screen, row, column + c, ' ', style);
        snprintf(text, sizeof text, "%llu", (unsigned long long)count);
        /* A zero among the mistakes would only hide the others. */
        screen_right(screen, row, column, cell - 1, style,
                     count                  ? text
                     : screen->look.unicode ? "·"
                                            : ".");
    }
    percent(text, sizeof text, confusion_recall(score, i));
    screen_right(screen, row, names + EDGE + (int)score->classes * cell, SUMMARY, plain_style,
                 text);
}

static struct screen *matrix(const struct score *score, const struct page *page, int names,
                             int cell)
{
    int n = (int)score->classes, width = names + EDGE + n * cell + SUMMARY;
    struct screen *screen =
        screen_make(n + 5, width < page->columns ? page->columns : width, page->look);
    title(screen, score, page);
    screen_right(screen, 2, 0, names, faint_style, "true");
    screen_text(screen, 2, names + EDGE + 1, n * cell, faint_style, "predicted");
    screen_right(screen, 3, names + EDGE + n * cell, SUMMARY, faint_style, "recall");
    for (int j = 0; j < n; j++)
        screen_right(screen, 3, names + EDGE + j * cell, cell - 1, faint_style,
                     score->class_name[j]);
    for (uint32_t i = 0; i < score->classes; i++)
        matrix_row(screen, score, i, names, cell);
    screen_right(screen, 4 + n, 0, names, faint_style, "prec. %");
    for (uint32_t j = 0; j < score->classes; j++) {
        char text[32];
        double precision = confusion_precision(score, j);
        snprintf(text, sizeof text,
                 isnan(precision) ? "-"
                 : cell > 5       ? "%.1f"
                                  : "%.0f",
                 100 * precision);
        screen_right(screen, 4 + n, names + EDGE + (int)j * cell, cell - 1, plain_style, text);
    }
    return screen;
}

static struct screen *list(const struct score *score, const struct page *page, int names)
{
    uint32_t *order = confusion_order(score);
    struct screen *screen = screen_make((int)score->classes + 3, page->columns, page->look);
    title(screen, score, page);
    screen_right(screen, 2, 0, names, faint_style, "class");
    screen_right(screen, 2, names + 1, 9, faint_style, "recall");
    screen_right(screen, 2, names + 11, 10, faint_style, "precision");
    screen_text(screen, 2, names + 24, page->columns - names - 24, faint_style,
                "most often taken for");
    for (uint32_t place = 0; place < score->classes; place++) {
        char text[512];
        uint32_t i = order[place];
        int row = 3 + (int)place;
        int64_t rival = confusion_rival(score, i);
        screen_right(screen, row, 0, names, plain_style, score->class_name[i]);
        percent(text, sizeof text, confusion_recall(score, i));
        screen_right(screen, row, names + 1, 9, plain_style, text);
        percent(text, sizeof text, confusion_precision(score, i));
        screen_right(screen, row, names + 11, 10, plain_style, text);
        if (rival < 0)
            continue;
        snprintf(text, sizeof text, "%s (%llu)", score->class_name[rival],
                 (unsigned long long)confusion_count(score, i, (uint32_t)rival));
        screen_text(screen, row, names + 24, page->columns - names - 24, plain_style, text);
    }
    free(order);
    return screen;
}

struct screen *text_confusion(const struct score *score, const struct page *page)
{
    char count[32];
    uint64_t right = confusion_most(score, 1), wrong = confusion_most(score, 0);
    int names = widest_class(score);
    names = names < 7 ? 7 : names;
    int least = 1 + snprintf(count, sizeof count, "%llu",
                             (unsigned long long)(right > wrong ? right : wrong));
    least = least < 5 ? 5 : least;
    /* Cells as wide as the class names want, if the page has room for that. */
    int room =
        (page->columns - names - EDGE - SUMMARY) / (int)(score->classes ? score->classes : 1);
    int wanted = names + 1 > least ? names + 1 : least;
    if (score->classes == 0 || room < least)
        return list(score, page, names);
    return matrix(score, page, names, room < wanted ? room : wanted);
}
