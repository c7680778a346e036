/* Learning curves: a panel for every run, all with the same axes, so that they may be compared at
 * sight. */
#include "picture/chart.h"

#include "picture/pane.h"
#include "reading/titles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the panels are, in pixels. */
struct curves_grid {
    int across, down;
    double font;
    double left, top;     /* of the first panel, tick labels included */
    double width, height; /* of a panel with its title, labels and the gap to the next */
};

static void draw_legend(struct canvas *canvas, double x, double y, double font,
                        const struct history *history, const struct ranges *ranges)
{
    static const char *const name[3] = {"mini-batch", "training, smoothed", "validation"};
    char text[160];
    struct lettering lettering = {font, black, 0, 0.5, 0, 0};
    for (int i = 0; i < 3; i++) {
        double mark = i < 2 ? 2 : 1.4;
        if (i < 2)
            canvas_line(canvas, x, y, x + 2 * font, y, 2, colour_of(INK_TRAINING, i ? 1 : 0.3));
        else
            canvas_dot(canvas, x + font, y, 0.3 * font, colour_of(INK_VALIDATION, 1));
        canvas_text(canvas, x + (mark + 0.6) * font, y, &lettering, name[i]);
        x += (i < 2 ? 4.4 : 4) * font + canvas_text_width(canvas, &lettering, name[i]);
    }
    if (ranges->rate > 0) {
        snprintf(text, sizeof text, "rate, up to %.3g", ranges->rate);
        canvas_line(canvas, x, y, x + 2 * font, y, 1.5, grey);
        canvas_text(canvas, x + 2.6 * font, y, &lettering, text);
        x += 4.4 * font + canvas_text_width(canvas, &lettering, text);
    }
    /* What stands in the titles, where there is room to say it. */
    int training = rank_by_training(history->run, history->runs);
    const char *when = rank_when(history->rank, training, rank_keeps(history->run, history->runs));
    struct lettering note = {0.85 * font, grey, 1, 0.5, 0, 0};
    snprintf(text, sizeof text, "figures: %s, %s", rank_measure(history->rank, training), when);
    if (x + canvas_text_width(canvas, &note, text) > canvas->width - font)
        snprintf(text, sizeof text, "figures: %s%s", history->rank == RANK_LOSS ? "loss, " : "",
                 when);
    if (x + canvas_text_width(canvas, &note, text) <= canvas->width - font)
        canvas_text(canvas, canvas->width - font, y, &note, text);
}

/* The raw mini-batches paler behind their mean, validation on top. */
static void draw_lines(const struct pane *pane, const struct run *run, enum curve_field field)
{
    struct line raw = curve_line(&run->progress, field, CURVE_RAW);
    struct line mean = curve_line(&run->progress, field, CURVE_SMOOTH);
    struct line validation = curve_line(&run->validation, field, CURVE_RAW);
    /* Few mini-batches make a line, many make a band. */
    double thick = pane->font / 8, alpha = (double)raw.count < pane->width / 2 ? 0.45 : 0.25;
    pane_line(pane, &raw, 0.5 * thick, colour_of(INK_TRAINING, alpha));
    pane_line(pane, &mean, thick, colour_of(INK_TRAINING, 1));
    pane_line(pane, &validation, 0.5 * thick, colour_of(INK_VALIDATION, 0.6));
    /* Many epochs in a small panel: dots that do not run into each other. */
    double radius = 0.45 * pane->width / (double)(validation.count + 1);
    radius = fmax(fmin(radius, 0.27 * pane->font), 0.13 * pane->font);
    pane_dots(pane, &validation, radius, colour_of(INK_VALIDATION, 1));
    /* A single mini-batch makes no line. */
    if (raw.count == 1)
        pane_dots(pane, &raw, 0.27 * pane->font, colour_of(INK_TRAINING, 1));
    line_free(&raw);
    line_free(&mean);
    line_free(&validation);
}

/* The learning rate, where it is told: thin, behind the others, on an axis of its own that ends at
 * the highest of all. */
static void draw_rate(const struct pane *pane, const struct run *run, double highest)
{
    struct pane rates = *pane;
    struct line line = curve_line(&run->progress, CURVE_RATE, CURVE_RAW);
    rates.up.low = 0;
    rates.up.high = 1.04 * highest;
    if (highest > 0)
        pane_line(&rates, &line, 0.09 * pane->font, grey);
    line_free(&line);
}

/* How far a height is from the nearest of the run's accuracies between two places. */
static double distance(const struct pane *pane, const struct run *run, double y, double left,
                       double right)
{
    const struct samples *side[2] = {&run->progress, &run->validation};
    double nearest = pane->height;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < side[k]->count; i++) {
            double x = pane_x(pane, side[k]->sample[i].iteration);
            if (x >= left && x <= right)
                nearest = fmin(nearest, fabs(pane_y(pane, 100 * side[k]->sample[i].accuracy) - y));
        }
    return nearest;
}

/* What the lines alone would not say, at the height where that hides least; in the middle if that
 * is as good. */
static void draw_remark(const struct pane *pane, const struct run *run)
{
    static const int tenths[] = {5, 4, 6, 3, 7, 2, 8, 1, 9};
    char text[64];
    double since = curve_diverged(run), x = pane->x + pane->width / 2, best = 0, most = -1;
    struct lettering lettering = {pane->font, colour_of(INK_VALIDATION, 1), 0.5, 0.5, 1, 0};
    curve_remark(run, text, sizeof text);
    if (text[0] == 0)
        return;
    if (since > 0) {
        double at = pane_x(pane, since);
        canvas_line(pane->canvas, at, pane->y, at, pane->y + pane->height, 1,
                    colour_of(INK_VALIDATION, 0.7));
        /* Beside that line, where there is more room. */
        double room = fmax(pane->x + pane->width - at, at - pane->x) - pane->font;
        if (canvas_text_width(pane->canvas, &lettering, text) > room)
            snprintf(text, sizeof text, "diverged");
        x = (at + (at < x ? pane->x + pane->width : pane->x)) / 2;
    }
    double width = canvas_text_width(pane->canvas, &lettering, text) + pane->font;
    for (size_t i = 0; i < sizeof tenths / sizeof *tenths; i++) {
        double y = pane->y + pane->height * tenths[i] / 10;
        double far = distance(pane, run, y, x - width / 2, x + width / 2);
        if (far > most) {
            most = far;
            best = y;
        }
    }
    canvas_text(pane->canvas, x, best, &lettering, text);
}

/* Name to the left, state and last validation accuracy to the right. */
static void draw_title(struct canvas *canvas, double x, double y, double width, double font,
                       const struct run *run, enum rank_rule rule)
{
    char outcome[128], brief[RANK_ROOM];
    struct lettering name = {1.1 * font, black, 0, 1, 1, 0}, figure = {font, grey, 1, 1, 0, 0};
    curve_outcome(run, rule, outcome, sizeof outcome, brief);
    const char *text = run->state == RUN_DONE && brief[0] ? brief : outcome;
    double taken = canvas_text_width(canvas, &figure, text);
    /* A small panel has no room for more than the figure. */
    if (taken > 0.62 * width && brief[0])
        taken = canvas_text_width(canvas, &figure, text = brief);
    /* In a very small one the name is more. */
    if (taken + font + fmin(canvas_text_width(canvas, &name, brief_of(run)), 5 * font) > width)
        taken = -font;
    int fits = canvas_text_width(canvas, &name, title_of(run)) <= width - taken - font;
    canvas_text_in(canvas, x, y, width - taken - font, &name, fits ? title_of(run) : brief_of(run));
    if (taken > 0)
        canvas_text(canvas, x + width, y, &figure, text);
}

static void draw_panel(struct canvas *canvas, const struct curves_grid *grid, int place,
                       const struct history *history, const struct ranges *ranges)
{
    const struct run *run = history->run[place];
    double font = grid->font, labels = 3.2 * font, below = 1.9 * font, title = 2 * font;
    int column = place % grid->across;
    double x = grid->left + column * grid->width + labels;
    double y = grid->top + place / grid->across * grid->height + title;
    double width = grid->width - labels - 1.4 * font;
    double height = grid->height - title - below - 0.8 * font;
    int with_loss = height > 11 * font;
    double gap = 1.3 * font, upper = with_loss ? 0.64 * (height - gap) : height;
    struct axis iterations = {0, ranges->iterations, 1, "Iteration", .bare = with_loss};
    struct axis percent = {0, 100, 5, "Accuracy (%)", .bare = 0},
                losses = {0, ranges->loss, 0, "Loss", .bare = 0};
    struct pane accuracy = {canvas, x, y, width, upper, iterations, percent, font};
    iterations.bare = 0;
    struct pane loss = {canvas, x,   y + upper + gap, width, height - gap - upper, iterations,
                        losses, font};
    draw_title(canvas, x, y - 0.5 * font, width, font, run, history->rank);
    pane_frame(&accuracy);
    if (!with_loss)
        draw_rate(&accuracy, run, ranges->rate);
    draw_lines(&accuracy, run, CURVE_ACCURACY);
    draw_remark(&accuracy, run);
    if (column == 0)
        pane_name_up(&accuracy, labels + 0.2 * font);
    if (with_loss) {
        pane_frame(&loss);
        draw_rate(&loss, run, ranges->rate);
        draw_lines(&loss, run, CURVE_LOSS);
        if (column == 0)
            pane_name_up(&loss, labels + 0.2 * font);
    }
    /* Only where no panel is below. */
    if (place + grid->across >= (int)history->runs)
        pane_name_across(with_loss ? &loss : &accuracy, 1.9 * font);
}

int chart_curves(const struct history *history, const struct picture *picture)
{
    struct curves_grid grid = {.across = chart_across(history->runs)};
    struct canvas canvas;
    double width = picture->width, height = picture->height;
    size_t runs = history->runs;
    grid.down = ((int)runs + grid.across - 1) / grid.across;
    if (width == 0) {
        double panel = runs == 1 ? 840 : runs <= 4 ? 600 : runs <= 9 ? 480 : 320;
        width = grid.across * panel;
        height = grid.down * panel * 0.72 + 60;
        chart_limit(&width, &height);
    }
    grid.font = fmin(width / grid.across / 34, height / grid.down / 25);
    grid.font = fmax(fmin(grid.font, 14), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    struct ranges ranges = curve_ranges(history);
    double font = grid.font,
           legend_font = fmin(fmax(font, 11), width / (ranges.rate > 0 ? 50 : 42));
    grid.left = 1.8 * font;
    grid.top = chart_title(&canvas, picture->title, fmax(font, 11)) + 1.5 * legend_font;
    draw_legend(&canvas, grid.left + 3.2 * font, grid.top, legend_font, history, &ranges);
    grid.top += legend_font;
    grid.width = (width - grid.left) / grid.across;
    grid.height = (height - grid.top - 1.6 * font) / grid.down;
    for (size_t i = 0; i < runs; i++)
        draw_panel(&canvas, &grid, (int)i, history, &ranges);
    return canvas_close(&canvas);
}
