#include "show.h"

#include "message.h"
#include "runs/score.h"
#include "standard.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, USUAL_ROWS = 23, LEAST_COLUMNS = 20 };

const char show_kinds[] = "auto|curves|overlay|summary|confusion|classes|table|images|filters";

/* Those of runs and scores that are drawn in two ways: from which, and how. */
struct chart_kind {
    const char *kind, *name; /* name: "curves are", for a sentence */
    int of_scores;
    int (*picture)(const struct history *history, const struct picture *picture);
    struct screen *(*of_history)(const struct history *history, const struct page *page);
    struct screen *(*of_score)(const struct score *score, const struct page *page);
};
static const struct chart_kind kinds[] = {
    {"curves", "curves are", 0, chart_curves, text_curves, NULL},
    {"overlay", "overlays are", 0, chart_overlay, text_overlay, NULL},
    {"summary", "a summary is", 0, chart_summary, text_summary, NULL},
    {"confusion", "a confusion matrix is", 1, chart_confusion, NULL, text_confusion},
    {"classes", "a chart of classes is", 1, chart_classes, NULL, text_classes},
};

/* NULL for auto and table, which take what there is. */
static const struct chart_kind *find_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

int show_check(const struct history *history, const char *kind)
{
    const struct chart_kind *chart = find_kind(kind);
    if (history->runs + history->scores == 0)
        return fail("there is nothing to draw: the input holds no run and no score");
    if (chart && !chart->of_scores && history->runs == 0)
        return fail("%s drawn from runs (of pstrain); the input holds only scores", chart->name);
    if (chart && chart->of_scores && history->scores == 0)
        return fail("%s drawn from scores (of pseval); the input holds only runs", chart->name);
    return chart && chart->of_scores && history_check_confusion(history) < 0
               ? fail("%s; --kind table shows it", why())
               : 0;
}

struct page show_page(const uint32_t size[2], int ascii, const char *title, int *live)
{
    struct page page = {.columns = USUAL_COLUMNS, .title = title};
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize window = {0};
    int able = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
               ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0;
    int columns = able && window.ws_col > 0 ? window.ws_col : 0;
    int rows = able && window.ws_row > 1 ? window.ws_row - 1 : USUAL_ROWS;
    setlocale(LC_CTYPE, "");
    page.can.unicode = !ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    page.can.colour = able && (no_colour == NULL || no_colour[0] == 0);
    if (size[0] > 0) {
        page.columns = (int)size[0];
        page.rows = (int)size[1];
    } else if (columns > 0) {
        page.columns = columns;
    }
    if (page.columns < LEAST_COLUMNS)
        page.columns = LEAST_COLUMNS;
    if (live)
        *live = able;
    if (live && able && (page.rows == 0 || page.rows > rows))
        page.rows = rows;
    if (live && columns > 0 && page.columns > columns)
        page.columns = columns;
    return page;
}

int show_picture(const struct history *history, const char *kind, const struct picture *picture)
{
    const struct chart_kind *chart = find_kind(kind);
    if (chart == NULL && history->runs > 0 && history->scores > 0)
        return fail_as(USAGE,
                       "the input holds both runs and scores: choose with --kind which to draw");
    if (chart == NULL)
        chart = find_kind(history->runs > 0 ? "curves" : "confusion");
    if (chart->of_scores && history_check_confusion(history) < 0)
        return fail("%s; --kind table shows it", why());
    return chart->picture(history, picture);
}

static void print(struct screen *screen)
{
    screen_write(screen, stdout, "\n");
    screen_free(screen);
}

int show_text(const struct history *history, const char *kind, const struct page *page)
{
    const struct chart_kind *chart = find_kind(kind);
    int runs = history->runs > 0 && !(chart && chart->of_scores);
    int scores = history->scores > 0 && !(chart && !chart->of_scores);
    int table = strcmp(kind, "table") == 0 || (scores && history_check_confusion(history) < 0);
    if (runs)
        print(table   ? text_run_table(history, page)
              : chart ? chart->of_history(history, page)
                      : text_curves(history, page));
    if (runs && scores)
        putchar('\n');
    if (scores && table)
        print(text_score_table(history, page));
    for (size_t i = 0; scores && !table && i < history->scores; i++) {
        if (i > 0)
            putchar('\n');
        print(chart ? chart->of_score(history->score[i], page)
                    : text_confusion(history->score[i], page));
    }
    return standard_flush();
}
