#include "terminal/panel.h"

#include "label.h"
#include "palette.h"
#include "reading/titles.h"
#include "terminal/plot.h"
#include "terminal/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The raw mini-batches are a grey that is pale on black and on white (of a terminal's 256 colours);
 * in fewer rows than this their band would hide the line. */
enum { PALE_INK = 246, ROWS_FOR_RAW = 10 };

static uint8_t ink_of(int ink)
{
    return palette[ink].terminal;
}

/* Training as a smoothed line, the raw mini-batches pale behind it where there are colours to tell
 * them apart, validation as blots: of every epoch, or in a long run of every second, third …, so
 * that they do not hide the line; always of the last. */
static void draw_lines(struct plot plot, const struct run *run, enum curve_field field)
{
    const struct screen *screen = plot.screen;
    struct line training = curve_line(&run->progress, field, CURVE_SMOOTH);
    struct line validation = curve_line(&run->validation, field, CURVE_RAW);
    size_t step = validation.count * 2 / ((size_t)plot.box.columns + 1) + 1;
    if (screen->can.colour && screen->can.unicode && plot.box.rows >= ROWS_FOR_RAW) {
        struct line raw = curve_line(&run->progress, field, CURVE_RAW);
        plot_line(&plot, &raw, PALE_INK);
        plot_above(&plot);
        line_free(&raw);
    }
    plot_line(&plot, &training, ink_of(INK_TRAINING));
    plot_above(&plot);
    for (size_t i = 0; i < validation.count; i++)
        if ((validation.count - 1 - i) % step == 0)
            plot_blot(&plot, validation.x[i], validation.y[i], ink_of(INK_VALIDATION));
    plot_show(&plot);
    line_free(&training);
    line_free(&validation);
}

/* Says in the plot what the lines alone would not, in the row where that hides least, of equals the
 * nearest to the middle. */
static void draw_remark(struct screen *screen, struct box box, const struct run *run)
{
    char text[64];
    curve_remark(run, text, sizeof text);
    int width = (int)strlen(text), column = box.column + (box.columns - width) / 2;
    int best = box.row + box.rows / 2, least = width + 1;
    for (int i = 0; i < box.rows; i++) {
        int row = box.row + box.rows / 2 + (i % 2 ? -(i + 1) / 2 : i / 2), taken = 0;
        if (row < box.row || row >= box.row + box.rows)
            continue;
        for (int c = column; c < column + width; c++)
            taken += screen_taken(screen, row, c);
        if (taken < least) {
            least = taken;
            best = row;
        }
    }
    screen_text(screen, best, column, box.columns,
                (struct style){.ink = ink_of(INK_VALIDATION), .bold = 1}, text);
}

/* The rows above the plot; box is what remains. */
static void draw_head(struct screen *screen, struct box *box, const struct run *run,
                      const struct caption *caption)
{
    enum { ROWS_TO_SPARE = 12 };
    const char *outcome = caption->beside[1].text;
    /* The whole title, as long as the figure alone leaves room for it. */
    int most = box->columns - label_columns(caption->brief) - 2, taken = 0;
    const char *title = label_columns(title_of(run)) <= most ? title_of(run) : brief_of(run);
    int room = box->columns - (label_columns(title) < most ? label_columns(title) : most);
    int below = label_columns(outcome) + 2 > room && caption->keep && box->rows > ROWS_TO_SPARE;
    for (int i = below ? -1 : 1; i >= 0; i--) {
        const char *text = caption->beside[i].text;
        if (i == 1 && label_columns(text) + 2 > room)
            text = caption->brief;
        if (text[0] == 0)
            continue;
        if (taken + label_columns(text) + 2 > room)
            break;
        screen_right(screen, box->row, box->column, box->columns - taken,
                     (struct style){.ink = caption->beside[i].ink}, text);
        taken += label_columns(text) + 2;
    }
    screen_text(screen, box->row, box->column, box->columns - taken, bold_style, title);
    box->row++;
    box->rows--;
    if (below) {
        screen_text(screen, box->row++, box->column, box->columns, plain_style, outcome);
        box->rows--;
    }
    if (caption->below[0] && box->rows >= 7) {
        screen_text(screen, box->row++, box->column, box->columns, faint_style, caption->below);
        box->rows--;
    }
}

/* A row of bars below the plots. */
static void draw_bars(struct screen *screen, const struct box *box, int row, const struct run *run,
                      enum curve_field field, const struct ranges *ranges)
{
    int is_rate = field == CURVE_RATE;
    struct box bars = {row, box->column + 5, 1, box->columns - 5};
    screen_text(screen, row, box->column, 5, faint_style, is_rate ? "rate" : "loss");
    plot_bars(screen, bars, &run->progress, field, ranges->iterations,
              is_rate ? ranges->rate : ranges->loss);
}

void panel_draw(struct screen *screen, struct box box, const struct run *run,
                const struct ranges *ranges, const struct caption *caption)
{
    enum { TWO_PLOTS = 15, LOSS_ROW = 8 };
    struct axis iterations = {0, ranges->iterations, 1, "Iteration", .bare = 0}, bare = iterations;
    struct axis percent = {0, 100, 5, NULL, .bare = 0},
                loss = {0, ranges->loss, 0, NULL, .bare = 0};
    draw_head(screen, &box, run, caption);
    /* Panels of runs that tell no rate are as high. */
    if (ranges->rate > 0 && box.rows > LOSS_ROW) {
        const struct samples *samples = &run->progress;
        box.rows--;
        if (samples->count > 0 && !isnan(samples->sample[samples->count - 1].rate))
            draw_bars(screen, &box, box.row + box.rows, run, CURVE_RATE, ranges);
    }
    struct box upper = box, lower = box;
    if (box.rows >= TWO_PLOTS) {
        bare.bare = 1;
        upper.rows = box.rows * 3 / 5;
        lower.row += upper.rows;
        lower.rows -= upper.rows;
        draw_lines(plot_make(screen, upper, &bare, &percent), run, CURVE_ACCURACY);
        draw_lines(plot_make(screen, lower, &iterations, &loss), run, CURVE_LOSS);
        screen_right(screen, lower.row, lower.column, lower.columns, faint_style, "loss");
    } else {
        upper.rows -= box.rows >= LOSS_ROW;
        draw_lines(plot_make(screen, upper, &iterations, &percent), run, CURVE_ACCURACY);
    }
    if (box.rows >= LOSS_ROW && box.rows < TWO_PLOTS)
        draw_bars(screen, &box, upper.row + upper.rows, run, CURVE_LOSS, ranges);
    draw_remark(screen, (struct box){box.row, box.column + 5, box.rows / 2, box.columns - 5}, run);
}

int panel_legend_width(int brief)
{
    return brief ? 26 : 36;
}

int panel_legend(struct screen *screen, int row, int column, int width, int brief)
{
    int start = column, end = column + width;
    struct style training = {.ink = ink_of(INK_TRAINING)};
    for (int i = 0; i < 2; i++)
        screen_put(screen, row, column++, screen_pick(screen, 0x2812, '-'), training);
    column++;
    column += screen_text(screen, row, column, end - column, plain_style,
                          brief ? "training" : "training, smoothed") +
              3;
    screen_put(screen, row, column, screen_pick(screen, 0x2836, 'o'),
               (struct style){.ink = ink_of(INK_VALIDATION)});
    column += 2;
    column += screen_text(screen, row, column, end - column, plain_style, "validation");
    return column - start;
}

struct grid panel_grid(int panels, int columns, int rows)
{
    enum { NARROWEST = 30, LOWEST = 7 };
    struct grid best = {0};
    double best_fit = INFINITY;
    for (int across = 1; across <= panels && columns / across >= NARROWEST; across++) {
        struct grid grid = {across, (panels + across - 1) / across, columns / across, 0};
        grid.rows = rows / grid.down;
        if (grid.rows < LOWEST)
            continue;
        /* A cell is about twice as high as wide; panels look best at about 3 : 2, and free places
         * at the end are a waste. */
        double fit = fabs(log((double)grid.columns / grid.rows / 3.2)) +
                     1.5 * (across * grid.down - panels) / panels;
        if (fit < best_fit) {
            best_fit = fit;
            best = grid;
        }
    }
    return best;
}

struct screen *text_curves(const struct history *history, const struct page *page)
{
    char measures[96] = "accuracy (%) and loss by iteration";
    int runs = (int)history->runs, above = page->title ? 3 : 2;
    struct grid grid = {0};
    if (page->rows > 0)
        grid = panel_grid(runs, page->columns, page->rows - above);
    /* On a page of any height: fewer rows for more runs. */
    if (grid.across == 0) {
        int most = page->columns / 38 < 1 ? 1 : page->columns / 38;
        int wanted = (int)ceil(sqrt((double)runs));
        grid.across = wanted < 1 ? 1 : wanted < most ? wanted : most;
        grid.down = (runs + grid.across - 1) / grid.across;
        grid.columns = page->columns / grid.across;
        grid.rows = runs <= 2 ? 22 : runs <= 6 ? 19 : runs <= 12 ? 13 : 10;
    }
    struct ranges ranges = curve_ranges(history);
    if (ranges.rate > 0)
        snprintf(measures, sizeof measures, "accuracy (%%), loss, rate (up to %.3g)", ranges.rate);
    struct screen *screen = screen_make(above + grid.down * grid.rows, page->columns, page->can);
    if (page->title)
        screen_text(screen, 0, 0, page->columns, bold_style, page->title);
    int used = panel_legend(screen, above - 2, 0, page->columns, 0) + 3;
    /* Less than half of it would say nothing. */
    if (page->columns - used >= (int)strlen(measures) / 2)
        screen_text(screen, above - 2, used, page->columns - used, faint_style, measures);
    for (int i = 0; i < runs; i++) {
        const struct run *run = history->run[i];
        /* Of a run that went its whole way the figure is enough. */
        struct caption caption = {.keep = run->state != RUN_DONE || run->epoch != run->epochs};
        curve_outcome(run, history->rank, caption.beside[1].text, sizeof caption.beside[1].text,
                      caption.brief);
        /* A blank column and row between neighbours. */
        struct box box = {above + i / grid.across * grid.rows, i % grid.across * grid.columns,
                          grid.rows - 1, grid.columns - (grid.across > 1) * 2};
        panel_draw(screen, box, run, &ranges, &caption);
    }
    return screen;
}
