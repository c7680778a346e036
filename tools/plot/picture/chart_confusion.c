/* Confusion matrices: counts, beside each row its recall, below each column its precision. */
#include "picture/chart.h"

#include "reading/titles.h"
#include "label.h"

#include <math.h>
#include <stdio.h>

/* One matrix in the picture; lengths in pixels. */
struct matrix {
    struct canvas *canvas;
    const struct score *score;
    double x, y;         /* of its first cell */
    double across, down; /* of a cell */
    double font;         /* of class names and titles */
    double figures;      /* of the counts; below READABLE they are left out */
    uint64_t most_right, most_wrong;
};

enum { READABLE = 6 };

/* What a cell is filled with. */
struct shade {
    int ink;
    double strength;
};
static struct colour colour_in(struct shade shade)
{
    return colour_of(shade.ink, shade.strength);
}

/* Mistakes stay paler than what is right. */
static struct shade shade_of(int is_right, double part)
{
    return is_right ? (struct shade){INK_BLUE, part}
                    : (struct shade){INK_VERMILLION, 0.05 + 0.55 * part};
}

/* Thin gaps between cells, while they are large enough. */
static double gap_of(const struct matrix *m)
{
    return m->across > 8 ? 1 : 0;
}

/* A cell at row and column of the grid (summaries count on behind a gap), and its text. */
static void cell(const struct matrix *m, double row, double column, struct shade shade)
{
    canvas_box(m->canvas, m->x + column * m->across, m->y + row * m->down, m->across - gap_of(m),
               m->down - gap_of(m), colour_in(shade));
}
static void write_in(const struct matrix *m, double row, double column, struct shade shade,
                     const char *text)
{
    struct lettering lettering = {
        m->figures, shade.ink == INK_BLUE && shade.strength > 0.55 ? white : black, 0.5, 0.5, 0, 0};
    if (m->figures >= READABLE)
        canvas_text(m->canvas, m->x + column * m->across + (m->across - gap_of(m)) / 2,
                    m->y + row * m->down + (m->down - gap_of(m)) / 2, &lettering, text);
}

static struct shade shade_of_count(const struct matrix *m, uint32_t i, uint32_t j)
{
    uint64_t most = i == j ? m->most_right : m->most_wrong;
    return shade_of(i == j, most ? (double)confusion_count(m->score, i, j) / (double)most : 0);
}

/* A box for each of a million cells would be 200 MB of SVG: they are one image, cut by the gaps. */
static void many_cells(const struct matrix *m)
{
    struct canvas boxes;
    double n = m->score->classes, width = n * m->across, height = n * m->down;
    canvas_boxes(m->canvas, &boxes, m->score->classes, m->score->classes);
    for (uint32_t i = 0; i < m->score->classes; i++)
        for (uint32_t j = 0; j < m->score->classes; j++)
            canvas_box(&boxes, j, i, 1, 1, colour_in(shade_of_count(m, i, j)));
    canvas_lay(m->canvas, &boxes, m->x, m->y, width, height);
    for (uint32_t i = 1; i <= m->score->classes && gap_of(m) > 0; i++) {
        canvas_box(m->canvas, m->x + i * m->across - 1, m->y, 1, height, white);
        canvas_box(m->canvas, m->x, m->y + i * m->down - 1, width, 1, white);
    }
}

static void counts(const struct matrix *m)
{
    enum { MANY = 100 };
    char text[32];
    uint32_t n = m->score->classes;
    if (n > MANY)
        many_cells(m);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            uint64_t count = confusion_count(m->score, i, j);
            struct shade shade = shade_of_count(m, i, j);
            snprintf(text, sizeof text, "%llu", (unsigned long long)count);
            if (n <= MANY)
                cell(m, i, j, shade);
            /* A zero among the mistakes would only hide the others. */
            if (count > 0 || i == j)
                write_in(m, i, j, shade, text);
        }
}

/* A pair of cells: the part that is right, the part that is wrong. */
static void share(const struct matrix *m, double right, int in_row, uint32_t place)
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
        cell(m, row, column, shade_of(k == 0, part));
        write_in(m, row, column, shade_of(k == 0, part), text);
    }
}

/* The widest class name, at most so many letters' heights. */
static double name_width(struct canvas *canvas, const struct score *score, double font)
{
    double widest = 0;
    struct lettering lettering = {font, black, 0, 0, 0, 0};
    for (uint32_t i = 0; i < score->classes; i++)
        widest = fmax(widest, canvas_text_width(canvas, &lettering, score->class_name[i]));
    return fmin(widest, 24 * font);
}

static void names(const struct matrix *m, double widest)
{
    const struct score *score = m->score;
    double below = m->y + (score->classes + 2.3) * m->down + 0.5 * m->font;
    int upwards = widest > m->across - 0.4 * m->font;
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

static void titles(const struct matrix *m, double left, double top, double width, double bottom)
{
    char text[600];
    double n = m->score->classes, font = m->font;
    struct lettering title = {1.15 * font, black, 0, 0, 1, 0};
    struct lettering centre = {font, black, 0.5, 1, 0, 0}, up = {font, black, 0.5, 0, 0, 1};
    struct lettering small = {0.85 * font, grey, 0.5, 1, 0, 0};
    score_heading(m->score, text, sizeof text);
    canvas_text_in(m->canvas, left + font, top + 0.6 * font, width - 2 * font, &title, text);
    canvas_text(m->canvas, m->x + n * m->across / 2, bottom - 0.6 * font, &centre,
                "Predicted class");
    canvas_text(m->canvas, left + 0.6 * font, m->y + n * m->down / 2, &up, "True class");
    if (2.3 * m->across > 3 * font)
        canvas_text(m->canvas, m->x + (n + 1.3) * m->across, m->y - 0.4 * font, &small, "recall");
    small.across = 1;
    small.down = 0.5;
    canvas_text_in(m->canvas, m->x - 0.5 * font, m->y + (n + 0.8) * m->down, 12 * font, &small,
                   "precision");
}

static void draw_matrix(struct canvas *canvas, const struct score *score, double left, double top,
                        double width, double height)
{
    double font = fmax(fmin(fmin(width, height) / 46, 14), 7), n = score->classes;
    double widest = fmin(fmax(name_width(canvas, score, font), 5 * font), 0.35 * width);
    struct matrix m = {.canvas = canvas, .score = score, .font = font};
    m.most_right = confusion_most(score, 1);
    m.most_wrong = confusion_most(score, 0);
    m.x = left + 2.6 * font + widest;
    m.y = top + 4.4 * font;
    m.across = (left + width - font - m.x) / (n + 2.3);
    double foot = widest > m.across - 0.4 * font ? widest + 3 * font : 4 * font;
    m.down = (top + height - foot - m.y) / (n + 2.3);
    if (m.across < 1 || m.down < 1)
        return;
    /* "99.9%" is the widest text of a cell, some 3.2 times its size, with air beside it. */
    m.figures = fmin(fmin(font, m.across / 4.2), m.down * 0.6);
    counts(&m);
    for (uint32_t i = 0; i < score->classes; i++) {
        share(&m, confusion_recall(score, i), 1, i);
        share(&m, confusion_precision(score, i), 0, i);
    }
    names(&m, widest);
    titles(&m, left, top, width, top + height);
}

/* Sizes that suit a matrix of so many classes, the longest name of so many columns. */
static void usual_size(double classes, int longest, double *width, double *height)
{
    double side = fmin(fmax(classes * 50 + 240, 480), 1600);
    double names = 8.5 * fmin(fmax(longest - 12, 0), 28);
    *width = side + names;
    *height = 0.88 * side + names;
}

int chart_confusion(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
    int across = chart_across(history->scores);
    int down = ((int)history->scores + across - 1) / across;
    double width = picture->width, height = picture->height, classes = 0;
    int longest = 0;
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        classes = fmax(classes, score->classes);
        for (uint32_t j = 0; j < score->classes; j++)
            if (label_columns(score->class_name[j]) > longest)
                longest = label_columns(score->class_name[j]);
    }
    if (width == 0) {
        usual_size(classes, longest, &width, &height);
        width *= across;
        height *= down;
        chart_limit(&width, &height);
    }
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    double top = chart_title(&canvas, picture->title, 14);
    width /= across;
    height = (height - top) / down;
    for (int i = 0; i < (int)history->scores; i++)
        draw_matrix(&canvas, history->score[i], i % across * width, top + i / across * height,
                    width, height);
    return canvas_close(&canvas);
}
