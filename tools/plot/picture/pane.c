#include "picture/pane.h"

#include <math.h>
#include <string.h>

/* A grid line with its label below, which stays on the picture where the axis ends at its edge. */
static void mark_across(const struct pane *pane, double value, const char *text)
{
    double x = pane_x(pane, value), bottom = pane->y + pane->height;
    struct lettering below = {pane->font, grey, 0.5, 0, 0, 0};
    canvas_line(pane->canvas, x, pane->y, x, bottom, 1, pale_grey);
    double half = canvas_text_width(pane->canvas, &below, text) / 2;
    if (!pane->across.bare)
        canvas_text(pane->canvas, fmin(x, pane->canvas->width - half - 1),
                    bottom + 0.5 * pane->font, &below, text);
}

/* The axis' own labels, but for those that would run into the one before. */
static void own_marks(const struct pane *pane)
{
    struct lettering below = {pane->font, grey, 0.5, 0, 0, 0};
    double end = -INFINITY;
    for (size_t i = 0; i < pane->across.marks; i++) {
        const struct axis_mark *mark = &pane->across.mark[i];
        double half = canvas_text_width(pane->canvas, &below, mark->text) / 2;
        int fits = pane_x(pane, mark->at) - half > end + 0.5 * pane->font;
        mark_across(pane, mark->at, fits ? mark->text : "");
        if (fits)
            end = pane_x(pane, mark->at) + half;
    }
}

static int at_most(double ticks)
{
    return ticks < 2 ? 2 : ticks > 11 ? 11 : (int)ticks;
}

static void round_marks(const struct pane *pane)
{
    struct lettering below = {pane->font, grey, 0.5, 0, 0, 0};
    struct ticks ticks = ticks_make(pane->across.low, pane->across.high, 11, pane->across.smallest);
    char text[32];
    /* As wide as the last label with the decimals that so many would have. */
    tick_text(&ticks, pane->across.high, text, sizeof text);
    double wide = canvas_text_width(pane->canvas, &below, text) + 2.5 * pane->font;
    ticks = ticks_make(pane->across.low, pane->across.high, at_most(pane->width / wide + 1),
                       pane->across.smallest);
    for (int i = 0; i < ticks.count; i++) {
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        mark_across(pane, tick_value(&ticks, i), text);
    }
}

void pane_columns(const struct pane *pane)
{
    double bottom = pane->y + pane->height;
    if (pane->across.mark)
        own_marks(pane);
    else
        round_marks(pane);
    canvas_line(pane->canvas, pane->x, bottom, pane->x + pane->width, bottom, 1, grey);
}

static struct ticks ticks_up(const struct pane *pane)
{
    return ticks_make(pane->up.low, pane->up.high, at_most(pane->height / (2 * pane->font) + 1),
                      pane->up.smallest);
}

double pane_label_width(const struct pane *pane)
{
    struct lettering left = {pane->font, grey, 1, 0.5, 0, 0};
    struct ticks ticks = ticks_up(pane);
    double widest = 0;
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        widest = fmax(widest, canvas_text_width(pane->canvas, &left, text));
    }
    return widest;
}

void pane_frame(const struct pane *pane)
{
    double font = pane->font, bottom = pane->y + pane->height;
    struct lettering left = {font, grey, 1, 0.5, 0, 0};
    struct ticks ticks = ticks_up(pane);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        double value = tick_value(&ticks, i), y = pane_y(pane, value);
        canvas_line(pane->canvas, pane->x, y, pane->x + pane->width, y, 1, pale_grey);
        tick_text(&ticks, value, text, sizeof text);
        canvas_text(pane->canvas, pane->x - 0.5 * font, y, &left, text);
    }
    pane_columns(pane);
    canvas_line(pane->canvas, pane->x, pane->y, pane->x, bottom, 1, grey);
}

void pane_name_up(const struct pane *pane, double distance)
{
    struct lettering lettering = {pane->font, black, 0.5, 1, 0, 1};
    canvas_text(pane->canvas, pane->x - distance, pane->y + pane->height / 2, &lettering,
                pane->up.name);
}

void pane_name_across(const struct pane *pane, double distance)
{
    struct lettering lettering = {pane->font, black, 0.5, 0, 0, 0};
    canvas_text(pane->canvas, pane->x + pane->width / 2, pane->y + pane->height + distance,
                &lettering, pane->across.name);
}

static void clip(const struct pane *pane)
{
    cairo_save(pane->canvas->cairo);
    cairo_rectangle(pane->canvas->cairo, pane->x, pane->y, pane->width, pane->height);
    cairo_clip(pane->canvas->cairo);
}

/* Values far outside would be more than cairo's fixed-point numbers hold. */
static double near(const struct pane *pane, double y)
{
    return fmax(fmin(y, pane->y + 3 * pane->height), pane->y - 2 * pane->height);
}

/* Adds the points [from, to), which share a pixel's width, to the path: all of few, the extremes of
 * many. */
static void add_points(const struct pane *pane, const struct line *line, size_t from, size_t to,
                       int *drawn)
{
    cairo_t *cairo = pane->canvas->cairo;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = from; i < to; i++) {
        if (!isfinite(line->y[i])) {
            *drawn = 0;
            continue;
        }
        low = fmin(low, line->y[i]);
        high = fmax(high, line->y[i]);
        if (to - from <= 3) {
            (*drawn ? cairo_line_to : cairo_move_to)(cairo, pane_x(pane, line->x[i]),
                                                     near(pane, pane_y(pane, line->y[i])));
            *drawn = 1;
        }
    }
    if (to - from <= 3 || low > high)
        return;
    double x = pane_x(pane, line->x[from]);
    (*drawn ? cairo_line_to : cairo_move_to)(cairo, x, near(pane, pane_y(pane, low)));
    cairo_line_to(cairo, x, near(pane, pane_y(pane, high)));
    *drawn = 1;
}

void pane_line(const struct pane *pane, const struct line *line, double width, struct colour colour,
               int dash)
{
    static const double pattern[4][4] = {{0}, {5, 2, 5, 2}, {1.5, 1.5, 1.5, 1.5}, {6, 2, 1.5, 2}};
    cairo_t *cairo = pane->canvas->cairo;
    double dashes[4];
    int drawn = 0;
    clip(pane);
    canvas_colour(pane->canvas, colour);
    cairo_set_line_width(cairo, width);
    for (int i = 0; i < 4; i++)
        dashes[i] = pattern[dash % 4][i] * width;
    cairo_set_dash(cairo, dashes, dash % 4 ? 4 : 0, 0);
    for (size_t from = 0, to; from < line->count; from = to) {
        double pixel = floor(pane_x(pane, line->x[from]));
        for (to = from + 1; to < line->count && floor(pane_x(pane, line->x[to])) == pixel;)
            to++;
        add_points(pane, line, from, to, &drawn);
    }
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
    cairo_restore(cairo);
}

void pane_dots(const struct pane *pane, const struct line *line, double radius,
               struct colour colour)
{
    for (size_t i = 0; i < line->count; i++) {
        double x = pane_x(pane, line->x[i]), y = pane_y(pane, line->y[i]);
        if (x >= pane->x - 1 && x <= pane->x + pane->width + 1 && y >= pane->y - 1 &&
            y <= pane->y + pane->height + 1)
            canvas_dot(pane->canvas, x, y, radius, colour);
    }
}
