/* psplot: draws runs and scores: learning curves, confusion matrices, tables. */
#include "message.h"
#include "options.h"
#include "follow.h"
#include "standard.h"
#include "show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *kind = "auto", *output, *title;
static uint32_t size[2];
static int ascii, following;

static const struct option_row rows[] = {
    {'k', "kind", OPTION_CHOICE, OPTION_LOCAL, &kind, 0, 0, "auto|curves|overlay|confusion|table",
     "what to draw (auto: curves of runs, confusion of scores)"},
    {'o', "output", OPTION_TEXT, OPTION_LOCAL, &output, 0, 0, "FILE",
     "write a picture: FILE.png, .svg or .pdf (default: text)"},
    {0, "size", OPTION_SIZE, OPTION_LOCAL, size, 10, 20000, "WxH",
     "size in pixels, of text in columns and rows"},
    {0, "title", OPTION_TEXT, OPTION_LOCAL, &title, 0, 0, "TEXT", "title above the chart"},
    {0, "ascii", OPTION_FLAG, OPTION_LOCAL, &ascii, 0, 0, NULL, "no characters beyond ASCII"},
    {0, "follow", OPTION_FLAG, OPTION_LOCAL, &following, 0, 0, NULL,
     "draw live, from growing run files and progress FIFOs"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "psplot",
    "Draws runs (of pstrain) and scores (of pseval): curves, confusion matrices, tables.",
    "[FILE...]",
    "  psplot net*.bin                       learning curves in the terminal\n"
    "  psplot -k overlay -o depths.png net*.bin\n"
    "  pseval net3.bin < test.ps | psplot    the confusion matrix\n"
    "  psplot --follow progress.fifo         many trainers, live\n",
    rows,
};

/* Options that do not go together. */
static void check_options(void)
{
    if (output && canvas_check(output) < 0)
        die_why();
    if (output && strcmp(kind, "table") == 0)
        die(USAGE, "a table is text: --output draws curves, overlays and confusion matrices");
    if (following && (output || (strcmp(kind, "auto") != 0 && strcmp(kind, "curves") != 0)))
        die(USAGE, "--follow draws curves in the terminal, nothing else");
}

/* Draws what was read. */
static int draw(const struct history *history)
{
    struct page page = show_page(size, ascii, title);
    struct picture picture = {output, size[0], size[1], title};
    return output ? show_picture(history, kind, &picture) : show_text(history, kind, &page);
}

/* Reads all inputs to their ends: whether any was damaged. */
static int read_all(struct source *source, int count, struct history *history)
{
    int damaged = 0;
    for (int i = 0; i < count; i++) {
        if (source_read(&source[i], history, NAN) < 0)
            die_why();
        source_complain(&source[i]);
        damaged |= source[i].state == SOURCE_DAMAGED;
    }
    history_name(history);
    return damaged;
}

int main(int argc, char **argv)
{
    int first = options_parse(&about, argc, argv), damaged = 0;
    int count = argc > first ? argc - first : 1;
    check_options();
    if (argc == first)
        estandard_input();
    struct history history = {0};
    struct source *source = ealloc((size_t)count, sizeof *source);
    for (int i = 0; i < count; i++)
        if (source_open(&source[i], argc > first ? argv[first + i] : NULL, following) < 0)
            die_why();

    if (following) {
        if (follow(source, count, &history, &(struct follow_options){size, ascii, title}) < 0)
            die_why();
    } else {
        damaged = read_all(source, count, &history);
        if (show_check(&history, kind) < 0)
            die(damaged ? DAMAGED : why_status(), "%s", why());
        if (draw(&history) < 0)
            die_why();
    }

    for (int i = 0; i < count; i++) {
        damaged |= source[i].state == SOURCE_DAMAGED;
        source_close(&source[i]);
    }
    history_free(&history);
    free(source);
    return damaged ? DAMAGED : DONE;
}
