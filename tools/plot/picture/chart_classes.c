/* Recall and precision of every class as two dots in a row: the best found class on top. */
#include "picture/chart.h"

#include "reading/titles.h"
#include "message.h"
#include "picture/pane.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INK_RECALL = INK_BLUE, INK_PRECISION = INK_VERMILLION, READABLE = 6 };

/* One score's part of the picture; lengths in pixels. */
struct board {
    const struct score *score;
    const uint32_t *order; /* [classes] of the rows */
    struct pane pane;
    double row;    /* height of one */
    double names;  /* width of the class names, left of the pane */
    double column; /* width of a column of figures, right of it */
    double font;   /* of names and figures */
};

static void dumbbell(const struct board *board, double y, double recall, double precision)
{
    const struct pane *pane = &board->pane;
    double figure[2] = {recall, precision};
    static const int ink[2] = {INK_RECALL, INK_PRECISION};
    if (!isnan(recall) && !isnan(precision))
        canvas_line(pane->canvas, pane_x(pane, 100 * recall), y, pane_x(pane, 100 * precision), y,
                    board->font / 7, (struct colour){0.6, 0.6, 0.6, 1});
    for (int i = 1; i >= 0; i--) {
        struct lettering number = {board->font, colour_of(ink[i], 1), 1, 0.5, 0, 0};
        char text[32] = "–";
        if (!isnan(figure[i])) {
            snprintf(text, sizeof text, "%.1f", 100 * figure[i]);
            canvas_dot(pane->canvas, pane_x(pane, 100 * figure[i]), y, 0.33 * board->font,
                       colour_of(ink[i], 1));
        }
        if (board->font >= READABLE)
            canvas_text(pane->canvas, pane->x + pane->width + (i + 1) * board->column, y, &number,
                        text);
    }
}

static void draw_rows(const struct board *board)
{
    const struct pane *pane = &board->pane;
    for (uint32_t i = 0; i < board->score->classes; i++) {
        uint32_t class = board->order[i];
        double y = pane->y + (i + 0.5) * board->row;
        struct lettering name = {board->font, black, 1, 0.5, 0, 0};
        canvas_line(pane->canvas, pane->x, y, pane->x + pane->width, y, 1, pale_grey);
        if (board->font >= READABLE)
            canvas_text_in(pane->canvas, pane->x - 0.6 * board->font, y, board->names, &name,
                           board->score->class_name[class]);
        dumbbell(board, y, confusion_recall(board->score, class),
                 confusion_precision(board->score, class));
    }
}

/* The columns' names, in the colours of the dots: they are the key to these as well. */
static void draw_heads(const struct board *board, double left, double top, double width,
                       double font)
{
    char text[600];
    const struct pane *pane = &board->pane;
    const struct score *score = board->score;
    struct lettering title = {1.15 * font, black, 0, 0, 1, 0};
    score_heading(score, text, sizeof text);
    canvas_text_in(pane->canvas, left + font, top + 0.6 * font, width - 2 * font, &title, text);
    static const char *const name[2] = {"recall", "precision"};
    for (int i = 0; i < 2; i++) {
        struct lettering head = {font, colour_of(i ? INK_PRECISION : INK_RECALL, 1), 1, 1, 1, 0};
        canvas_text(pane->canvas, pane->x + pane->width + (i + 1) * board->column,
                    pane->y - 0.5 * font, &head, name[i]);
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

static void draw_board(struct canvas *canvas, const struct score *score, double left, double top,
                       double width, double height)
{
    double font = fmax(fmin(width / 46, 14), 7), names = 0;
    uint32_t *order = confusion_order(score);
    struct board board = {.score = score, .order = order, .column = 6.2 * font};
    double head = 4.2 * font, foot = 4.4 * font;
    board.row = (height - head - foot) / score->classes;
    board.font = fmin(font, 0.8 * board.row);
    struct lettering name = {board.font, black, 0, 0, 0, 0};
    for (uint32_t i = 0; i < score->classes; i++)
        names = fmax(names, canvas_text_width(canvas, &name, score->class_name[i]));
    board.names = board.font < READABLE ? 0 : fmin(names, 0.4 * width);
    double x = left + board.names + 1.8 * font, right = left + width - 2.4 * board.column - font;
    struct axis across = {lowest(score), 100, 0, "Percent", .bare = 0};
    board.pane = (struct pane){
        canvas, x, top + head, right - x, height - head - foot, across, {0, 1, 2, NULL, .bare = 0},
        font};
    if (right > x && board.row > 0) {
        pane_columns(&board.pane);
        pane_name_across(&board.pane, 2 * font);
        draw_rows(&board);
        draw_heads(&board, left, top, width, font);
    }
    free(order);
}

int chart_classes(const struct history *history, const struct picture *picture)
{
    struct canvas canvas;
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
    if (canvas_open(&canvas, picture->path, width, height, picture->dark) < 0)
        return -1;
    double top = chart_title(&canvas, picture->title, 14);
    width /= across;
    height = (height - top) / down;
    for (int i = 0; i < (int)history->scores; i++)
        if (history->score[i]->classes > 0)
            draw_board(&canvas, history->score[i], i % across * width, top + i / across * height,
                       width, height);
    return canvas_close(&canvas);
}
