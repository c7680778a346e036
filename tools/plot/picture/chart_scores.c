/* Scores as pictures: confusion matrices, counts with recall beside each row and precision below
 * each column; and recall and precision of every class as two dots in a row. */
#include "picture/chart.h"

#include "label.h"
#include "message.h"
#include "picture/pane.h"
#include "reading/titles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INK_RECALL = INK_BLUE, INK_PRECISION = INK_VERMILLION };
enum { READABLE = 6 }; /* pixels; smaller letters are left out */

/* One score's part of the picture; lengths in pixels. */
struct part {
    struct canvas *canvas;
    const struct score *score;
    double left, top, width, height;
};

/* Draws each score in its part of a picture of this size. */
static int draw_scores(const struct history *history, const struct picture *picture, double width,
                       double height, void (*draw)(const struct part *))
{
    struct canvas canvas;
    int across = chart_across(history->scores);
    int down = ((int)history->scores + across - 1) / across;
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    double top = chart_title(&canvas, picture->title, 14);
    width /= across;
    height = (height - top) / down;
    for (int i = 0; i < (int)history->scores; i++)
        draw(&(struct part){&canvas, history->score[i], i % across * width,
                            top + i / across * height, width, height});
    return canvas_close(&canvas);
}

/* "net3, test: 75.00 % of 60 images right", in two lines where one has not the room: then returns
 * the height of the second. */
static double draw_heading(const struct part *part, double font)
{
    char result[200];
    struct lettering title = {1.15 * font, black, 0, 0, 1, 0};
    double x = part->left + font, y = part->top + 0.6 * font, room = part->width - 2 * font;
    score_result(part->score, result, sizeof result);
    char *name = eformat("%s, ", title_of_score(part->score));
    double wide = canvas_text_width(part->canvas, &title, name);
    double more = wide + canvas_text_width(part->canvas, &title, result) > room ? 1.5 * font : 0;
    if (more > 0)
        canvas_text_in(part->canvas, x, y, room, &title, title_of_score(part->score));
    else
        canvas_text(part->canvas, x, y, &title, name);
    canvas_text_in(part->canvas, more > 0 ? x : x + wide, y + more, room, &title, result);
    free(name);
    return more;
}

static double name_width(const struct part *part, double font)
{
    double widest = 0;
    struct lettering lettering = {font, black, 0, 0, 0, 0};
    for (uint32_t i = 0; i < part->score->classes; i++)
        widest =
            fmax(widest, canvas_text_width(part->canvas, &lettering, part->score->class_name[i]));
    return widest;
}

struct matrix {
    struct canvas *canvas;
    const struct score *score;
    double x, y;         /* of its first cell */
    double across, down; /* of a cell */
    double gap;          /* between cells, while they are large enough */
    double font;         /* of class names and titles */
    double figures;      /* of the counts; below READABLE they are left out */
    uint64_t most[2];    /* of the counts off the diagonal, and on it */
};

/* What a cell is filled with: mistakes stay paler than what is right. */
static struct colour shade_of(int right, double part)
{
    return right ? colour_of(INK_BLUE, part) : colour_of(INK_VERMILLION, 0.05 + 0.55 * part);
}

static struct colour shade_of_count(const struct matrix *m, uint32_t i, uint32_t j)
{
    uint64_t most = m->most[i == j];
    return shade_of(i == j, most ? (double)confusion_count(m->score, i, j) / (double)most : 0);
}

/* A cell at row and column of the grid (summaries count on behind a gap), and its text. */
static void draw_cell(const struct matrix *m, double row, double column, struct colour shade)
{
    canvas_box(m->canvas, m->x + column * m->across, m->y + row * m->down, m->across - m->gap,
               m->down - m->gap, shade);
}
static void write_in(const struct matrix *m, double row, double column, int right, double part,
                     const char *text)
{
    struct lettering lettering = {m->figures, right && part > 0.55 ? white : black, 0.5, 0.5, 0, 0};
    if (m->figures >= READABLE)
        canvas_text(m->canvas, m->x + column * m->across + (m->across - m->gap) / 2,
                    m->y + row * m->down + (m->down - m->gap) / 2, &lettering, text);
}

static void draw_counts(const struct matrix *m)
{
    enum { MANY = 100 };
    uint32_t n = m->score->classes;
    double width = n * m->across, height = n * m->down;
    struct canvas boxes;
    char text[32];
    /* A box for each of a million cells would be 200 MB of SVG: they are one image, cut by the
     * gaps. */
    if (n > MANY) {
        canvas_boxes(m->canvas, &boxes, n, n);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                canvas_box(&boxes, j, i, 1, 1, shade_of_count(m, i, j));
        canvas_lay(m->canvas, &boxes, m->x, m->y, width, height);
        for (uint32_t i = 1; i <= n && m->gap > 0; i++) {
            canvas_box(m->canvas, m->x + i * m->across - 1, m->y, 1, height, white);
            canvas_box(m->canvas, m->x, m->y + i * m->down - 1, width, 1, white);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            uint64_t count = confusion_count(m->score, i, j);
            struct colour shade = shade_of_count(m, i, j);
            snprintf(text, sizeof text, "%llu", (unsigned long long)count);
            if (n <= MANY)
                draw_cell(m, i, j, shade);
            /* A zero among the mistakes would only hide the others. */
            if (count > 0 || i == j)
                write_in(m, i, j, i == j, shade.alpha, text);
        }
}

/* A pair of cells: the part that is right, the part that is wrong. */
static void draw_share(const struct matrix *m, double right, int in_row, uint32_t place)
{
    double behind = m->score->classes + 0.3;
    for (int k = 0; k < 2; k++) {
        char text[32] = "";
        double part = k == 0 ? right : 1 - right;
        double row = in_row ? place : behind + k, column = in_row ? behind + k : place;
        if (!isnan(part))
            snprintf(text, sizeof text, part > 0.9995 ? "%.0f%%" : "%.1f%%", 100 * part);
        else
            part = 0;
        draw_cell(m, row, column, shade_of(k == 0, part));
        write_in(m, row, column, k == 0, part, text);
    }
}

static void draw_names(const struct matrix *m, double widest, int upwards)
{
    const struct score *score = m->score;
    double below = m->y + (score->classes + 2.3) * m->down + 0.5 * m->font;
    struct lettering left = {fmin(m->font, m->down), black, 1, 0.5, 0, 0};
    struct lettering under = {fmin(m->font, m->across), black, 0.5, 0, 0, 0};
    struct lettering turned = {fmin(m->font, m->across), black, 1, 0.5, 0, 1};
    for (uint32_t i = 0; i < score->classes; i++) {
        double x = m->x + (i + 0.5) * m->across;
        if (left.size >= READABLE)
            canvas_text_in(m->canvas, m->x - 0.5 * m->font, m->y + (i + 0.5) * m->down, widest,
                           &left, score->class_name[i]);
        if (under.size >= READABLE)
            canvas_text_in(m->canvas, x, below, upwards ? widest : m->across,
                           upwards ? &turned : &under, score->class_name[i]);
    }
}

static void draw_matrix(const struct part *part)
{
    const struct score *score = part->score;
    double font = fmax(fmin(fmin(part->width, part->height) / 46, 14), 7), n = score->classes;
    double head = 4.4 * font + draw_heading(part, font), foot = 2.4 * font,
           bottom = part->top + part->height;
    struct matrix m = {.canvas = part->canvas, .score = score, .font = font};
    m.most[0] = confusion_most(score, 0);
    m.most[1] = confusion_most(score, 1);
    /* Names that cannot be read have no room; "precision" has. */
    double widest = fmin(name_width(part, font), 24 * font);
    if ((part->height - head - foot) / (n + 2.3) < READABLE)
        widest = 0;
    widest = fmin(fmax(widest, 5 * font), 0.35 * part->width);
    m.x = part->left + 2.6 * font + widest;
    m.y = part->top + head;
    m.across = (part->left + part->width - font - m.x) / (n + 2.3);
    int upwards = widest > m.across - 0.4 * font;
    if (m.across >= READABLE)
        foot = upwards ? widest + 3 * font : 4 * font;
    m.down = (bottom - foot - m.y) / (n + 2.3);
    m.gap = m.across > 8 ? 1 : 0;
    if (m.across < 1 || m.down < 1)
        return;
    /* "99.9%" is the widest text of a cell, some 3.2 times its size, with air beside it. */
    m.figures = fmin(fmin(font, m.across / 4.2), m.down * 0.6);
    draw_counts(&m);
    for (uint32_t i = 0; i < score->classes; i++) {
        draw_share(&m, confusion_recall(score, i), 1, i);
        draw_share(&m, confusion_precision(score, i), 0, i);
    }
    draw_names(&m, widest, upwards);
    struct lettering centre = {font, black, 0.5, 1, 0, 0}, up = {font, black, 0.5, 0, 0, 1};
    canvas_text(part->canvas, m.x + n * m.across / 2, bottom - 0.6 * font, &centre,
                "Predicted class");
    canvas_text(part->canvas, part->left + 0.6 * font, m.y + n * m.down / 2, &up, "True class");
    /* Over its column or, where that is narrower, up to its edge. */
    int fits = 2.3 * m.across > 3 * font;
    struct lettering recall = {0.85 * font, grey, fits ? 0.5 : 1, 1, 0, 0};
    struct lettering precision = {0.85 * font, grey, 1, 0.5, 0, 0};
    canvas_text(part->canvas, m.x + (n + (fits ? 1.3 : 2.3)) * m.across, m.y - 0.4 * font, &recall,
                "recall");
    canvas_text_in(part->canvas, m.x - 0.5 * font, m.y + (n + 0.8) * m.down, 12 * font, &precision,
                   "precision");
}

int chart_confusion(const struct history *history, const struct picture *picture)
{
    int across = chart_across(history->scores), longest = 0;
    int down = ((int)history->scores + across - 1) / across;
    double width = picture->width, height = picture->height, classes = 0;
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        classes = fmax(classes, score->classes);
        for (uint32_t j = 0; j < score->classes; j++)
            if (label_columns(score->class_name[j]) > longest)
                longest = label_columns(score->class_name[j]);
    }
    if (width == 0) {
        /* What suits a matrix of so many classes, the longest name of so many columns. */
        double side = fmin(fmax(classes * 50 + 240, 480), 1600);
        double names = 8.5 * fmin(fmax(longest - 12, 0), 28);
        width = across * (side + names);
        height = down * (0.88 * side + names);
        chart_limit(&width, &height);
    }
    return draw_scores(history, picture, width, height, draw_matrix);
}

/* Two dots in a row of the pane, and their figures behind it. */
static void draw_class(const struct pane *pane, double y, double font, double column, double recall,
                       double precision)
{
    double figure[2] = {recall, precision};
    static const int ink[2] = {INK_RECALL, INK_PRECISION};
    if (!isnan(recall) && !isnan(precision))
        canvas_line(pane->canvas, pane_x(pane, 100 * recall), y, pane_x(pane, 100 * precision), y,
                    font / 7, (struct colour){0.6, 0.6, 0.6, 1});
    for (int i = 1; i >= 0; i--) {
        struct lettering number = {font, colour_of(ink[i], 1), 1, 0.5, 0, 0};
        char text[32] = "–";
        if (!isnan(figure[i])) {
            snprintf(text, sizeof text, "%.1f", 100 * figure[i]);
            canvas_dot(pane->canvas, pane_x(pane, 100 * figure[i]), y, 0.33 * font,
                       colour_of(ink[i], 1));
        }
        if (font >= READABLE)
            canvas_text(pane->canvas, pane->x + pane->width + (i + 1) * column, y, &number, text);
    }
}

/* The worst figure, as a round number below it: the axis goes from there to 100. */
static double lowest(const struct score *score)
{
    double low = 1, high = 1;
    for (uint32_t i = 0; i < score->classes; i++) {
        low = fmin(low, confusion_recall(score, i));
        low = fmin(low, confusion_precision(score, i));
    }
    low = fmin(low, 0.9) - 0.02;
    ticks_widen(&low, &high, 8);
    return fmax(100 * low, 0);
}

/* The best found class on top. The columns' names have the colours of the dots: they are the key to
 * these as well. */
static void draw_board(const struct part *part)
{
    const struct score *score = part->score;
    double font = fmax(fmin(part->width / 46, 14), 7), column = 6.2 * font;
    double head = 4.2 * font + draw_heading(part, font), foot = 4.4 * font;
    double row = (part->height - head - foot) / score->classes, small = fmin(font, 0.8 * row);
    double names = small < READABLE ? 0 : fmin(name_width(part, small), 0.4 * part->width);
    double x = part->left + names + 1.8 * font;
    double right = part->left + part->width - 2.4 * column - font;
    struct pane pane = {part->canvas,
                        x,
                        part->top + head,
                        right - x,
                        part->height - head - foot,
                        {lowest(score), 100, 0, "Percent", .bare = 0},
                        {0, 1, 2, NULL, .bare = 0},
                        font};
    if (score->classes == 0 || right <= x || row <= 0)
        return;
    pane_columns(&pane);
    pane_name_across(&pane, 2 * font);
    uint32_t *order = confusion_order(score);
    for (uint32_t i = 0; i < score->classes; i++) {
        double y = pane.y + (i + 0.5) * row;
        struct lettering name = {small, black, 1, 0.5, 0, 0};
        canvas_line(pane.canvas, pane.x, y, pane.x + pane.width, y, 1, pale_grey);
        if (small >= READABLE)
            canvas_text_in(pane.canvas, pane.x - 0.6 * small, y, names, &name,
                           score->class_name[order[i]]);
        draw_class(&pane, y, small, column, confusion_recall(score, order[i]),
                   confusion_precision(score, order[i]));
    }
    free(order);
    static const char *const name[2] = {"recall", "precision"};
    for (int i = 0; i < 2; i++) {
        struct lettering lettering = {font, colour_of(i ? INK_PRECISION : INK_RECALL, 1), 1, 1, 1,
                                      0};
        canvas_text(pane.canvas, pane.x + pane.width + (i + 1) * column, pane.y - 0.5 * font,
                    &lettering, name[i]);
    }
}

int chart_classes(const struct history *history, const struct picture *picture)
{
    int across = chart_across(history->scores);
    int down = ((int)history->scores + across - 1) / across;
    double width = picture->width, height = picture->height, classes = 0;
    for (size_t i = 0; i < history->scores; i++)
        classes = fmax(classes, history->score[i]->classes);
    if (width == 0) {
        width = across * 640;
        height = down * (130 + fmin(24 * classes, 30000. / down));
        chart_limit(&width, &height);
    }
    return draw_scores(history, picture, width, height, draw_board);
}
