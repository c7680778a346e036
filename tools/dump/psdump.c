/* psdump: writes what the other programs write as text, for programs. */
#include "export.h"
#include "message.h"
#include "options.h"
#include "standard.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

static const char *kind = "json", *rank = "last";
static uint64_t epochs;
static int bytes;

static const struct option_row rows[] = {
    {'k', "kind", OPTION_CHOICE, OPTION_LOCAL, &kind, 0, 0, "json|csv|ranking|means|classes|status",
     "records as JSON (default) or CSV; tables of runs, of scores, of run files"},
    {0, "bytes", OPTION_FLAG, OPTION_LOCAL, &bytes, 0, 0, NULL,
     "json: pixels and weights too, as base64"},
    {0, "rank", OPTION_CHOICE, OPTION_LOCAL, &rank, 0, 0, "last|mean5|best|loss",
     "ranking, means: what runs are judged by (last: accuracy after the last epoch)"},
    {'e', "epochs", OPTION_UINT, OPTION_LOCAL, &epochs, 1, UINT32_MAX, "N",
     "ranking: as of epoch N"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "psdump",
    "Writes any stream as JSON or CSV, ranks runs, and says what run files are worth: text for\n"
    "programs to read (psplot draws for people).",
    "[FILE...]",
    "  psdump net3.bin | jq 'select(.type == \"validation\").accuracy'\n"
    "  psfetch photos | psdump | head -n 1   the header: where the images come from\n"
    "  psdump -k csv net*.bin > runs.csv     every mini-batch and epoch, a row each\n"
    "  psdump -k ranking net*.bin            which network is best\n"
    "  psdump -k status *.part               which runs are done, stopped or torn\n",
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
    if (bytes && !is_kind("json"))
        die(USAGE, "--bytes is for --kind json");
    if (options_given(rows, "rank") && !is_kind("ranking") && !is_kind("means"))
        die(USAGE, "--rank is for --kind ranking and means");
    if (epochs && !is_kind("ranking"))
        die(USAGE, "--epochs is for --kind ranking");
}

static void print_table(struct input *input, int count)
{
    struct history history = {.rank = rank_rule(rank), .programs = 1};
    if (input_read_all(input, count, &history) < 0)
        die_why();
    int printed = is_kind("ranking") ? print_ranking(&history, epochs)
                  : is_kind("means") ? print_means(&history)
                                     : print_classes(&history);
    if (printed < 0)
        die(input_any_damaged(input, count) ? DAMAGED : why_status(), "%s", why());
    history_free(&history);
}

int main(int argc, char **argv)
{
    int first = options_parse(&about, argc, argv);
    char *standard[] = {NULL}, **path = argc > first ? argv + first : standard;
    int count = argc > first ? argc - first : 1;
    check_options();
    if (argc == first)
        estandard_input();
    if (is_kind("status")) {
        if (print_status(path, count) < 0)
            die_why();
        return DONE;
    }

    struct input *input = ealloc((size_t)count, sizeof *input);
    for (int i = 0; i < count; i++)
        input[i] = input_of(path[i]);

    if (!is_kind("json") && !is_kind("csv"))
        print_table(input, count);
    else if (export_records(input, count,
                            is_kind("csv") ? EXPORT_CSV
                            : bytes        ? EXPORT_JSON_BYTES
                                           : EXPORT_JSON) < 0)
        die_why();

    int damaged = input_any_damaged(input, count);
    for (int i = 0; i < count; i++)
        input_close(&input[i]);
    free(input);
    return damaged ? DAMAGED : DONE;
}
