#include "show.h"

#include "message.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, USUAL_ROWS = 23, LEAST_COLUMNS = 20 };

static const struct score *without_matrix(const struct history *history)
{
    for (size_t i = 0; i < history->scores; i++)
        if (history->score[i]->confusion == NULL)
            return history->score[i];
    return NULL;
}

/* pseval makes no matrix of very many classes. */
static int check_matrices(const struct history *history)
{
    const struct score *score = without_matrix(history);
    return score == NULL
               ? 0
               : fail(
                     "the score of %s has no confusion matrix, for it has %u classes; --kind table "
                     "shows it",
                     score->name, score->classes);
}

int show_check(const struct history *history, const char *kind)
{
    int wants_runs = strcmp(kind, "curves") == 0 || strcmp(kind, "overlay") == 0;
    int wants_scores = strcmp(kind, "confusion") == 0;
    if (history->runs + history->scores == 0)
        return fail("there is nothing to draw: the input holds no run and no score");
    if (wants_runs && history->runs == 0)
        return fail("%s are drawn from runs (of pstrain); the input holds only scores",
                    strcmp(kind, "curves") == 0 ? "curves" : "overlays");
    if (wants_scores && history->scores == 0)
        return fail(
            "a confusion matrix is drawn from scores (of pseval); the input holds only runs");
    return wants_scores ? check_matrices(history) : 0;
}

/* The size of the terminal on standard output: 0 when there is none that can do more than print. */
static int terminal_size(struct winsize *window)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
           ioctl(STDOUT_FILENO, TIOCGWINSZ, window) == 0;
}

int show_terminal(struct page *page)
{
    struct winsize window;
    if (!terminal_size(&window))
        return 0;
    int rows = window.ws_row > 1 ? window.ws_row - 1 : USUAL_ROWS;
    if (page->rows == 0 || page->rows > rows)
        page->rows = rows;
    if (window.ws_col > 0 && page->columns > window.ws_col)
        page->columns = window.ws_col;
    return 1;
}

struct page show_page(const uint32_t size[2], int ascii, const char *title)
{
    struct page page = {.columns = USUAL_COLUMNS, .title = title};
    const char *no_colour = getenv("NO_COLOR");
    struct winsize window;
    int able = terminal_size(&window);
    setlocale(LC_CTYPE, "");
    page.look.unicode = !ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    page.look.colour = able && (no_colour == NULL || no_colour[0] == 0);
    if (size[0] > 0) {
        page.columns = (int)size[0];
        page.rows = (int)size[1];
    } else if (able && window.ws_col > 0) {
        page.columns = window.ws_col;
    }
    if (page.columns < LEAST_COLUMNS)
        page.columns = LEAST_COLUMNS;
    return page;
}

int show_picture(const struct history *history, const char *kind, const struct picture *picture)
{
    if (strcmp(kind, "overlay") == 0)
        return chart_overlay(history, picture);
    if (strcmp(kind, "curves") == 0 || history->scores == 0)
        return chart_curves(history, picture);
    if (strcmp(kind, "confusion") == 0 || history->runs == 0)
        return check_matrices(history) < 0 ? -1 : chart_confusion(history, picture);
    return fail_as(USAGE, "the input holds both runs and scores: choose with --kind which to draw");
}

static void print(struct screen *screen)
{
    screen_write(screen, stdout, "\n");
    screen_free(screen);
}

int show_text(const struct history *history, const char *kind, const struct page *page)
{
    int runs = history->runs > 0 && strcmp(kind, "confusion") != 0;
    int scores = history->scores > 0 && strcmp(kind, "curves") != 0 && strcmp(kind, "overlay") != 0;
    int table = strcmp(kind, "table") == 0 || (scores && without_matrix(history));
    if (runs)
        print(table                          ? text_run_table(history, page)
              : strcmp(kind, "overlay") == 0 ? text_overlay(history, page)
                                             : text_curves(history, page));
    if (runs && scores)
        putchar('\n');
    if (scores && table)
        print(text_score_table(history, page));
    for (size_t i = 0; scores && !table && i < history->scores; i++) {
        if (i > 0)
            putchar('\n');
        print(text_confusion(history->score[i], page));
    }
    return show_flush();
}

int show_flush(void)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE)
        return fail("cannot write output: %s", strerror(errno));
    return 0;
}
