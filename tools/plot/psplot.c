/* psplot: draws what the other programs write. */
#include "follow.h"
#include "label.h"
#include "message.h"
#include "options.h"
#include "reading/titles.h"
#include "show.h"
#include "standard.h"

#include <stdlib.h>
#include <string.h>

static const char *kind = "auto", *output, *title;
static const char *by = "auto", *only, *rank = "last";
static uint64_t limit, epochs;
static uint32_t size[2];
static int ascii, dark, following;

static const struct option_row rows[] = {
    {'k', "kind", OPTION_TEXT, OPTION_LOCAL, &kind, 0, 0, show_kinds,
     "what to draw (auto: curves of runs, confusion of scores)"},
    {'o', "output", OPTION_TEXT, OPTION_LOCAL, &output, 0, 0, "FILE",
     "write a picture: FILE.png, .svg or .pdf (default: text)"},
    {0, "size", OPTION_SIZE, OPTION_LOCAL, size, 10, 20000, "WxH",
     "size in pixels, of text in columns and rows"},
    {0, "title", OPTION_TEXT, OPTION_LOCAL, &title, 0, 0, "TEXT", "title above the chart"},
    {0, "dark", OPTION_FLAG, OPTION_LOCAL, &dark, 0, 0, NULL, "a picture on a dark ground"},
    {0, "ascii", OPTION_FLAG, OPTION_LOCAL, &ascii, 0, 0, NULL, "no characters beyond ASCII"},
    {0, "follow", OPTION_FLAG, OPTION_LOCAL, &following, 0, 0, NULL,
     "draw live, from growing run files, folders of these, and progress FIFOs"},
    {0, "rank", OPTION_CHOICE, OPTION_LOCAL, &rank, 0, 0, "last|mean5|best|loss",
     "runs: what they are judged by (last: accuracy after the last epoch)"},
    {'e', "epochs", OPTION_UINT, OPTION_LOCAL, &epochs, 1, UINT32_MAX, "N",
     "follow: how many epochs runs are to get"},
    {0, "by", OPTION_CHOICE, OPTION_LOCAL, &by, 0, 0, "auto|order|class|image",
     "images: a line a class, or an image with its views (auto: sets by class)"},
    {0, "only", OPTION_CHOICE, OPTION_LOCAL, &only, 0, 0, "train|validation|test",
     "images: only of this split (default: train of epochs, else all)"},
    {'n', "limit", OPTION_UINT, OPTION_LOCAL, &limit, 1, 100000, "N",
     "images: at most N (default: 64; by class, ten of each)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "psplot",
    "Draws runs (of pstrain) and scores (of pseval): curves, confusion matrices, filters, tables;\n"
    "draws images. psdump writes the same for programs to read.",
    "[FILE...]",
    "  psplot net*.bin                       learning curves in the terminal\n"
    "  psplot -k overlay -o depths.png net*.bin\n"
    "  pseval net3.bin < test.ps | psplot    the confusion matrix\n"
    "  psplot --follow progress.fifo         many trainers, live\n"
    "  psfetch photos | psplot -k images -o sheet.png\n",
    rows,
    NULL,
};

static int is_kind(const char *name)
{
    return strcmp(kind, name) == 0;
}

/* Options that do not go together. */
static void check_options(void)
{
    if (options_among("csv|json|means|ranking|status", kind))
        die(USAGE, "--kind %s is written for programs, by psdump: psdump --kind %s", kind, kind);
    if (!options_among(show_kinds, kind))
        die(USAGE, "--kind takes one of %s, not %s", show_kinds, kind);
    if (output && canvas_check(output) < 0)
        die_why();
    if (output && is_kind("table"))
        die(USAGE, "--kind table is text, for standard output: --output takes a picture");
    if (dark && !output)
        die(USAGE, "--dark is for pictures: it needs --output");
    if (following && (output || !(is_kind("auto") || is_kind("curves"))))
        die(USAGE,
            "--follow draws curves in the terminal: it takes neither --output nor another --kind");
    if (epochs && !following)
        die(USAGE, "--epochs is for --follow");
    if (options_given(rows, "rank") && !options_among("auto|curves|overlay|summary|table", kind))
        die(USAGE, "--rank is for kinds that judge runs: curves, overlay, summary and table");
    if (!is_kind("images") && (options_given(rows, "by") || only || limit))
        die(USAGE, "--by, --only and --limit are for --kind images");
    if ((is_kind("images") || is_kind("filters")) && output == NULL)
        die(USAGE, "%s are drawn as a picture: name its file with --output", kind);
}

/* After a failure of reading a history. */
static _Noreturn void die_unread(const struct history *history)
{
    if (history->images)
        die(why_status(), "%s (--kind images draws images)", why());
    die_why();
}

/* Reads all inputs to their ends and draws the history that they tell. */
static int draw_history(struct input *input, int count, struct history *history,
                        const struct picture *picture)
{
    if (input_read_all(input, count, history) < 0)
        die_unread(history);
    give_titles(history);
    if (show_check(history, kind) < 0)
        die(input_any_damaged(input, count) ? DAMAGED : why_status(), "%s", why());
    if (output)
        return show_picture(history, kind, picture);
    struct page page = show_page(size, ascii, title, NULL);
    return show_text(history, kind, &page);
}

static int draw_images(struct input *input, int count, const struct picture *picture)
{
    enum sheet_by lines = strcmp(by, "order") == 0   ? SHEET_ORDER
                          : strcmp(by, "class") == 0 ? SHEET_CLASS
                          : strcmp(by, "image") == 0 ? SHEET_IMAGE
                                                     : SHEET_AUTO;
    uint32_t most = size[0] > size[1] ? size[0] : size[1];
    struct sheet sheet = {.options = {lines, only, limit, most > 192 ? most : 192}};
    if (sheet_read(&sheet, input, count) < 0)
        return -1;
    if (sheet.images == 0)
        die(input_any_damaged(input, count) ? DAMAGED : FAILED,
            "there is nothing to draw: the input holds no %s%simages", only ? only : "",
            only ? " " : "");
    int drawn = chart_images(&sheet, picture);
    sheet_free(&sheet);
    return drawn;
}

static int draw_filters(struct input *input, int count, struct history *history,
                        const struct picture *picture)
{
    struct bank bank = {0};
    if (filters_read(&bank, history, input, count) < 0)
        return -1;
    if (bank.models == 0)
        die(input_any_damaged(input, count) ? DAMAGED : FAILED,
            "there is nothing to draw: the input holds no weights");
    int drawn = chart_filters(&bank, picture);
    filters_free(&bank);
    return drawn;
}

int main(int argc, char **argv)
{
    int first = options_parse(&about, argc, argv);
    char *standard[] = {NULL}, **path = argc > first ? argv + first : standard;
    int count = argc > first ? argc - first : 1;
    check_options();
    if (title)
        title = label_clean(title, strlen(title));
    if (argc == first)
        estandard_input();
    struct history history = {.rank = rank_rule(rank), .epochs = epochs};
    if (following) {
        int status = follow(path, count, &history, &(struct follow_options){size, ascii, title});
        if (status < 0)
            die_unread(&history);
        history_free(&history);
        return status;
    }

    struct picture picture = {output, size[0], size[1], title, dark};
    struct input *input = ealloc((size_t)count, sizeof *input);
    for (int i = 0; i < count; i++)
        input[i] = input_of(path[i]);

    if ((is_kind("images")    ? draw_images(input, count, &picture)
         : is_kind("filters") ? draw_filters(input, count, &history, &picture)
                              : draw_history(input, count, &history, &picture)) < 0)
        die_why();

    int damaged = input_any_damaged(input, count);
    for (int i = 0; i < count; i++)
        input_close(&input[i]);
    history_free(&history);
    free(input);
    return damaged ? DAMAGED : DONE;
}
