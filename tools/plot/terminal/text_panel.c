/* One run as a panel: accuracy above, loss below, against the same iterations. */
#include "terminal/text.h"

#include "reading/titles.h"

#include "label.h"
#include "palette.h"

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

/* Blots at the points of a line: of every epoch, or in a long run of every second, third …, so that
 * they do not hide the line; always at the last. */
static void blots(struct dots *dots, const struct line *line, uint8_t ink)
{
    size_t step = line->count * 2 / ((size_t)dots->box.columns + 1) + 1;
    for (size_t i = 0; i < line->count; i++)
        if ((line->count - 1 - i) % step == 0)
            dots_blot(dots, line->x[i], line->y[i], ink);
}

/* Training as a smoothed line, the raw mini-batches pale behind it where there are colours to tell
 * them apart, validation as blots. */
static void plot(struct dots *dots, const struct run *run, enum curve_field field)
{
    if (dots->screen->look.colour && dots->screen->look.unicode && dots->box.rows >= ROWS_FOR_RAW) {
        struct line raw = curve_line(&run->progress, field, CURVE_RAW);
        dots_line(dots, raw.x, raw.y, raw.count, PALE_INK);
        dots_above(dots);
        line_free(&raw);
    }
    struct line training = curve_line(&run->progress, field, CURVE_SMOOTH);
    struct line validation = curve_line(&run->validation, field, CURVE_RAW);
    dots_line(dots, training.x, training.y, training.count, ink_of(INK_TRAINING));
    dots_above(dots);
    blots(dots, &validation, ink_of(INK_VALIDATION));
    dots_show(dots);
    line_free(&training);
    line_free(&validation);
}

static void loss_row(struct screen *screen, struct box box, const struct run *run,
                     const struct ranges *ranges)
{
    struct line loss = curve_line(&run->progress, CURVE_LOSS, CURVE_SMOOTH);
    screen_text(screen, box.row, box.column, 5, faint_style, "loss");
    text_spark(screen, box.row, box.column + 5, box.columns - 5, &loss, ranges->iterations, 0,
               ranges->loss, ink_of(INK_TRAINING));
    line_free(&loss);
}

/* The row of the box in which a text of this width hides least, of equals the nearest to its
 * middle. */
static int free_row(const struct screen *screen, struct box box, int column, int width)
{
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
    return best;
}

/* Says in the plot what the lines alone would not. */
static void remark(struct screen *screen, struct box box, const struct run *run)
{
    char text[64];
    double since = curve_diverged(run);
    if (run->progress.count + run->validation.count == 0)
        snprintf(text, sizeof text, "no records yet");
    else if (since > 0)
        snprintf(text, sizeof text, "diverged at iteration %.0f", since);
    else
        return;
    int width = (int)strlen(text), column = box.column + (box.columns - width) / 2;
    screen_text(screen, free_row(screen, box, column, width), column, box.columns,
                (struct style){.ink = ink_of(INK_VALIDATION), .bold = 1}, text);
}

/* The rows above the plot; box is what remains. */
static void head(struct screen *screen, struct box *box, const struct run *run,
                 const struct caption *caption)
{
    enum { ROWS_TO_SPARE = 12 };
    const char *verdict = caption->beside[1].text;
    /* The whole title, as long as the figure alone leaves room for it. */
    int most = box->columns - label_columns(caption->brief) - 2, taken = 0;
    const char *title = label_columns(title_of(run)) <= most ? title_of(run) : brief_of(run);
    int room = box->columns - (label_columns(title) < most ? label_columns(title) : most);
    int below = label_columns(verdict) + 2 > room && caption->keep && box->rows > ROWS_TO_SPARE;
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
        screen_text(screen, box->row++, box->column, box->columns, plain_style, verdict);
        box->rows--;
    }
    if (caption->below[0] && box->rows >= 7) {
        screen_text(screen, box->row++, box->column, box->columns, faint_style, caption->below);
        box->rows--;
    }
}

void text_panel(struct screen *screen, struct box box, const struct run *run,
                const struct ranges *ranges, const struct caption *caption)
{
    enum { TWO_PLOTS = 15, LOSS_ROW = 8 };
    struct axis iterations = {0, ranges->iterations, 1, "Iteration", .bare = 0};
    struct axis percent = {0, 100, 5, NULL, .bare = 0},
                loss = {0, ranges->loss, 0, NULL, .bare = 0};
    head(screen, &box, run, caption);
    struct box whole = box;
    int rows = box.rows;
    if (rows >= TWO_PLOTS) {
        struct axis bare = iterations;
        bare.bare = 1;
        box.rows = rows * 3 / 5;
        struct dots dots = text_axes(screen, box, &bare, &percent);
        plot(&dots, run, CURVE_ACCURACY);
        box.row += box.rows;
        box.rows = rows - box.rows;
        dots = text_axes(screen, box, &iterations, &loss);
        plot(&dots, run, CURVE_LOSS);
        screen_right(screen, box.row, box.column, box.columns, faint_style, "loss");
    } else {
        int with_loss = rows >= LOSS_ROW;
        box.rows -= with_loss;
        struct dots dots = text_axes(screen, box, &iterations, &percent);
        plot(&dots, run, CURVE_ACCURACY);
        box.row += box.rows;
        if (with_loss)
            loss_row(screen, (struct box){box.row, box.column, 1, box.columns}, run, ranges);
    }
    remark(screen, (struct box){whole.row, whole.column + 5, rows / 2, whole.columns - 5}, run);
}

int text_legend_width(int brief)
{
    return brief ? 26 : 36;
}

int text_legend(struct screen *screen, int row, int column, int width, int brief)
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
