/* Learning curves: a panel for every run, all with the same axes, so that they may be compared at
 * sight. */
#include "picture/chart.h"

#include "reading/titles.h"

#include "picture/pane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lengths of the picture, in pixels. */
struct layout {
    int across, down;
    double font;
    double left, top;     /* of the first panel, tick labels included */
    double width, height; /* of a panel with its title, labels and the gap to the next */
};

int chart_across(size_t count)
{
    return count < 2 ? 1 : (int)ceil(sqrt((double)count));
}

void chart_limit(double *width, double *height)
{
    double part = sqrt(CHART_MOST / (*width * *height));
    if (part < 1) {
        *width = floor(*width * part);
        *height = floor(*height * part);
    }
}

double chart_title(struct canvas *canvas, const char *title, double font)
{
    struct lettering lettering = {1.35 * font, black, 0, 0, 1, 0};
    if (title == NULL)
        return 0;
    canvas_text_in(canvas, font, font, canvas->width - 2 * font, &lettering, title);
    return 2.2 * font;
}

static double legend_line(struct canvas *canvas, double x, double y, double font, double width,
                          double alpha, const char *text)
{
    struct lettering lettering = {font, black, 0, 0.5, 0, 0};
    canvas_line(canvas, x, y, x + 2 * font, y, width, colour_of(INK_TRAINING, alpha));
    canvas_text(canvas, x + 2.6 * font, y, &lettering, text);
    return x + 4.4 * font + canvas_text_width(canvas, &lettering, text);
}

static void legend(struct canvas *canvas, double x, double y, double font,
                   const struct history *history)
{
    struct lettering lettering = {font, black, 0, 0.5, 0, 0};
    x = legend_line(canvas, x, y, font, 2, 0.3, "mini-batch");
    x = legend_line(canvas, x, y, font, 2, 1, "training, smoothed");
    canvas_dot(canvas, x + font, y, 0.3 * font, colour_of(INK_VALIDATION, 1));
    canvas_text(canvas, x + 2 * font, y, &lettering, "validation");
    x += 4 * font + canvas_text_width(canvas, &lettering, "validation");
    /* What stands in the titles, where there is room to say it. */
    char text[160];
    int training = rank_by_training(history->run, history->runs);
    snprintf(text, sizeof text, "figures: %s, %s", rank_measure(history->rank, training),
             rank_when(history->rank, training));
    struct lettering note = {0.85 * font, grey, 1, 0.5, 0, 0};
    if (x + canvas_text_width(canvas, &note, text) > canvas->width - font)
        snprintf(text, sizeof text, "figures: %s%s", history->rank == RANK_LOSS ? "loss, " : "",
                 rank_when(history->rank, training));
    if (x + canvas_text_width(canvas, &note, text) <= canvas->width - font)
        canvas_text(canvas, canvas->width - font, y, &note, text);
}

/* The raw mini-batches paler behind their mean, validation on top. */
static void draw_field(const struct pane *pane, const struct run *run, enum curve_field field)
{
    struct line raw = curve_line(&run->progress, field, CURVE_RAW);
    struct line mean = curve_line(&run->progress, field, CURVE_SMOOTH);
    struct line validation = curve_line(&run->validation, field, CURVE_RAW);
    /* Few mini-batches make a line, many make a band. */
    double thick = pane->font / 8, alpha = (double)raw.count < pane->width / 2 ? 0.45 : 0.25;
    pane_line(pane, &raw, 0.5 * thick, colour_of(INK_TRAINING, alpha), 0);
    pane_line(pane, &mean, thick, colour_of(INK_TRAINING, 1), 0);
    pane_line(pane, &validation, 0.5 * thick, colour_of(INK_VALIDATION, 0.6), 0);
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

/* How far a height is from the nearest of the run's accuracies between two places. */
static double distance(const struct pane *pane, const struct run *run, double y, double left,
                       double right)
{
    const struct points *lists[2] = {&run->progress, &run->validation};
    double nearest = pane->height;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->count; i++) {
            double x = pane_x(pane, lists[k]->point[i].iteration);
            if (x >= left && x <= right)
                nearest = fmin(nearest, fabs(pane_y(pane, 100 * lists[k]->point[i].accuracy) - y));
        }
    return nearest;
}

/* Where a text of this width around x hides least; the middle if that is as good. */
static double free_height(const struct pane *pane, const struct run *run, double x, double width)
{
    static const int tenths[] = {5, 4, 6, 3, 7, 2, 8, 1, 9};
    double best = 0, most = -1;
    for (size_t i = 0; i < sizeof tenths / sizeof *tenths; i++) {
        double y = pane->y + pane->height * tenths[i] / 10;
        double far = distance(pane, run, y, x - width / 2, x + width / 2);
        if (far > most) {
            most = far;
            best = y;
        }
    }
    return best;
}

static void remark(const struct pane *pane, const struct run *run)
{
    char text[64];
    double since = curve_diverged(run), x = pane->x + pane->width / 2, break_x;
    struct lettering lettering = {pane->font, colour_of(INK_VALIDATION, 1), 0.5, 0.5, 1, 0};
    if (run->progress.count + run->validation.count == 0) {
        snprintf(text, sizeof text, "no records yet");
    } else if (since > 0) {
        snprintf(text, sizeof text, "diverged at iteration %.0f", since);
        break_x = pane_x(pane, since);
        canvas_line(pane->canvas, break_x, pane->y, break_x, pane->y + pane->height, 1,
                    colour_of(INK_VALIDATION, 0.7));
        /* Beside that line, where there is more room. */
        double room = fmax(pane->x + pane->width - break_x, break_x - pane->x) - pane->font;
        if (canvas_text_width(pane->canvas, &lettering, text) > room)
            snprintf(text, sizeof text, "diverged");
        x = (break_x + (break_x < x ? pane->x + pane->width : pane->x)) / 2;
    } else {
        return;
    }
    double width = canvas_text_width(pane->canvas, &lettering, text) + pane->font;
    canvas_text(pane->canvas, x, free_height(pane, run, x, width), &lettering, text);
}

/* Name to the left, state and last validation accuracy to the right. */
static void panel_title(struct canvas *canvas, double x, double y, double width, double font,
                        const struct run *run, enum rank_rule rule)
{
    char verdict[128], brief[RANK_ROOM];
    struct lettering name = {1.1 * font, black, 0, 1, 1, 0}, figure = {font, grey, 1, 1, 0, 0};
    curve_outcome(run, rule, verdict, sizeof verdict, brief);
    const char *text = run->state == RUN_DONE && brief[0] ? brief : verdict;
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

static void draw_panel(struct canvas *canvas, const struct layout *layout, int place,
                       const struct history *history, const struct ranges *ranges)
{
    const struct run *run = history->run[place];
    double font = layout->font, labels = 3.2 * font, below = 1.9 * font, title = 2 * font;
    int column = place % layout->across;
    double x = layout->left + column * layout->width + labels;
    double y = layout->top + place / layout->across * layout->height + title;
    double width = layout->width - labels - 1.4 * font;
    double height = layout->height - title - below - 0.8 * font;
    int with_loss = height > 11 * font;
    double gap = 1.3 * font, upper = with_loss ? 0.64 * (height - gap) : height;
    struct axis iterations = {0, ranges->iterations, 1, "Iteration", .bare = with_loss};
    struct pane accuracy = {
        canvas, x, y, width, upper, iterations, {0, 100, 5, "Accuracy (%)", .bare = 0}, font};
    panel_title(canvas, x, y - 0.5 * font, width, font, run, history->rank);
    pane_frame(&accuracy);
    draw_field(&accuracy, run, CURVE_ACCURACY);
    remark(&accuracy, run);
    if (column == 0)
        pane_name_up(&accuracy, labels + 0.2 * font);
    struct pane lowest = accuracy;
    if (with_loss) {
        iterations.bare = 0;
        lowest = (struct pane){canvas,
                               x,
                               y + upper + gap,
                               width,
                               height - gap - upper,
                               iterations,
                               {0, ranges->loss, 0, "Loss", .bare = 0},
                               font};
        pane_frame(&lowest);
        draw_field(&lowest, run, CURVE_LOSS);
        if (column == 0)
            pane_name_up(&lowest, labels + 0.2 * font);
    }
    /* Only where no panel is below. */
    if (place + layout->across >= (int)history->runs)
        pane_name_across(&lowest, 1.9 * font);
}

/* Sizes that suit the number of runs where none was asked for. */
static void usual_size(size_t runs, int across, int down, double *width, double *height)
{
    double panel = runs == 1 ? 840 : runs <= 4 ? 600 : runs <= 9 ? 480 : 320;
    *width = across * panel;
    *height = down * panel * 0.72 + 60;
    chart_limit(width, height);
}

int chart_curves(const struct history *history, const struct picture *picture)
{
    struct layout layout = {.across = chart_across(history->runs)};
    struct canvas canvas;
    double width = picture->width, height = picture->height;
    layout.down = ((int)history->runs + layout.across - 1) / layout.across;
    if (width == 0)
        usual_size(history->runs, layout.across, layout.down, &width, &height);
    layout.font = fmin(width / layout.across / 34, height / layout.down / 25);
    layout.font = fmax(fmin(layout.font, 14), 7);
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    double font = layout.font, legend_font = fmin(fmax(font, 11), width / 42);
    layout.left = 1.8 * font;
    layout.top = chart_title(&canvas, picture->title, fmax(font, 11)) + 1.5 * legend_font;
    legend(&canvas, layout.left + 3.2 * font, layout.top, legend_font, history);
    layout.top += legend_font;
    layout.width = (width - layout.left) / layout.across;
    layout.height = (height - layout.top - 1.6 * font) / layout.down;
    struct ranges ranges = curve_ranges(history);
    for (size_t i = 0; i < history->runs; i++)
        draw_panel(&canvas, &layout, (int)i, history, &ranges);
    return canvas_close(&canvas);
}
