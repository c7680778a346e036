#include "picture/pane.h"

#include <math.h>
#include <string.h>

/* A grid line with its label below, in so much room, which stays on the picture where the axis ends
 * at its edge. */
static void mark_across(const struct pane *pane, double value, const char *text, double room)
{
    double x = pane_x(pane, value), bottom = pane->y + pane->height;
    struct lettering below = {pane->font, grey, 0.5, 0, 0, 0};
    canvas_line(pane->canvas, x, pane->y, x, bottom, 1, pale_grey);
    double half = fmin(room, canvas_text_width(pane->canvas, &below, text)) / 2;
    if (!pane->across.bare)
        canvas_text_in(pane->canvas, fmin(x, pane->canvas->width - half - 1),
                       bottom + 0.5 * pane->font, room, &below, text);
}

static int at_most(double ticks)
{
    return ticks < 2 ? 2 : ticks > 11 ? 11 : (int)ticks;
}

void pane_columns(const struct pane *pane)
{
    const struct axis *axis = &pane->across;
    double bottom = pane->y + pane->height, end = -INFINITY;
    struct lettering below = {pane->font, grey, 0.5, 0, 0, 0};
    char text[32];
    /* Its own labels, but for those that would run into the one before; words are cut where it is
     * of use. */
    double step = pane_x(pane, 1) - pane_x(pane, 0) - 0.6 * pane->font;
    double room = axis->words && step > 4 * pane->font ? step : INFINITY;
    for (size_t i = 0; i < axis->marks; i++) {
        double x = pane_x(pane, axis->mark[i].at);
        double half = fmin(room, canvas_text_width(pane->canvas, &below, axis->mark[i].text)) / 2;
        int fits = x - half > end + 0.5 * pane->font;
        mark_across(pane, axis->mark[i].at, fits ? axis->mark[i].text : "", room);
        end = fits ? x + half : end;
    }
    /* Round numbers, each as wide as the last with the decimals that so many would have. */
    struct ticks ticks = ticks_make(axis->low, axis->high, 11, axis->smallest);
    tick_text(&ticks, axis->high, text, sizeof text);
    double wide = canvas_text_width(pane->canvas, &below, text) + 2.5 * pane->font;
    ticks = ticks_make(axis->low, axis->high, at_most(pane->width / wide + 1), axis->smallest);
    for (int i = 0; axis->mark == NULL && i < ticks.count; i++) {
        tick_text(&ticks, tick_value(&ticks, i), text, sizeof text);
        mark_across(pane, tick_value(&ticks, i), text, INFINITY);
    }
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

/* Adds the points [from, to), which share a pixel's width, to the path: all of few, the extremes of
 * many. Values far outside would be more than cairo's fixed-point numbers hold. */
static void add_points(const struct pane *pane, const struct line *line, size_t from, size_t to,
                       int *drawn)
{
    cairo_t *cairo = pane->canvas->cairo;
    double low = INFINITY, high = -INFINITY;
    double top = pane->y - 2 * pane->height, bottom = pane->y + 3 * pane->height;
    for (size_t i = from; i < to; i++) {
        if (!isfinite(line->y[i])) {
            *drawn = 0;
            continue;
        }
        double y = fmax(fmin(pane_y(pane, line->y[i]), bottom), top);
        low = fmin(low, y);
        high = fmax(high, y);
        if (to - from <= 3) {
            (*drawn ? cairo_line_to : cairo_move_to)(cairo, pane_x(pane, line->x[i]), y);
            *drawn = 1;
        }
    }
    if (to - from <= 3 || low > high)
        return;
    double x = pane_x(pane, line->x[from]);
    (*drawn ? cairo_line_to : cairo_move_to)(cairo, x, high);
    cairo_line_to(cairo, x, low);
    *drawn = 1;
}

void pane_line(const struct pane *pane, const struct line *line, double width, struct colour colour)
{
    cairo_t *cairo = pane->canvas->cairo;
    int drawn = 0;
    cairo_save(cairo);
    cairo_rectangle(cairo, pane->x, pane->y, pane->width, pane->height);
    cairo_clip(cairo);
    canvas_colour(pane->canvas, colour);
    cairo_set_line_width(cairo, width);
    for (size_t from = 0, to; from < line->count; from = to) {
        double pixel = floor(pane_x(pane, line->x[from]));
        for (to = from + 1; to < line->count && floor(pane_x(pane, line->x[to])) == pixel;)
            to++;
        add_points(pane, line, from, to, &drawn);
    }
    cairo_stroke(cairo);
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
