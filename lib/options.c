#include "options.h"

#include "message.h"
#include "standard.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 96, FIRST_CODE = 256 };

static const struct option_row common_row[] = {
    {'q', "quiet", OPTION_FLAG, 0, NULL, 0, 0, NULL, "print errors only"},
    {'v', "verbose", OPTION_FLAG, 0, NULL, 0, 0, NULL, "explain what is done"},
    {'h', "help", OPTION_FLAG, 0, NULL, 0, 0, NULL, "print this and exit"},
    {'V', "version", OPTION_FLAG, 0, NULL, 0, 0, NULL, "print the version and exit"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

/* Rows that the command line named, each once; tables are few and long-lived, so their addresses
 * are kept. */
static const struct option_row *given[MOST_ROWS];
static int givens, givens_of_command; /* all; those that no line named */

static int is_given(const struct option_row *row)
{
    for (int i = 0; i < givens; i++)
        if (given[i] == row)
            return 1;
    return 0;
}

static void add_given(const struct option_row *row)
{
    if (!is_given(row) && givens < MOST_ROWS)
        given[givens++] = row;
}

static const struct option_row *find_row(const struct option_row *rows, const char *name)
{
    while (rows->name && strcmp(rows->name, name) != 0)
        rows++;
    return rows;
}

int options_given(const struct option_row *rows, const char *name)
{
    return is_given(find_row(rows, name));
}

void options_fill(const struct option_row *rows, const char *name)
{
    add_given(find_row(rows, name));
}

static void print_rows(const struct option_row *row)
{
    for (; row->name; row++) {
        char left[128];
        if (row->kind == OPTION_HEADING) {
            printf("\n%s\n", row->help);
            continue;
        }
        int used = row->letter ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                               : snprintf(left, sizeof left, "      --%s", row->name);
        if (row->argument && used < (int)sizeof left)
            snprintf(left + used, sizeof left - (size_t)used, " %s", row->argument);
        if (strlen(left) < 28)
            printf("%-28s%s\n", left, row->help);
        else
            printf("%s\n%-28s%s\n", left, "", row->help);
    }
}

static _Noreturn void print_help(const struct program *about)
{
    printf("usage: %s [OPTION...] %s\n%s\n%s", about->name, about->operands, about->summary,
           about->rows->kind == OPTION_HEADING ? "" : "\n");
    print_rows(about->rows);
    print_rows(common_row);
    if (about->examples)
        printf("\nexamples\n%s", about->examples);
    end_after_text();
}

/* A value that is refused; of a list or a range, "1,2,3" or "int:8..64", with a word that these are
 * sweep's. */
static const char *refused(const char *text)
{
    int is_for_sweep = strchr(text, ',') || strncmp(text, "uniform:", 8) == 0 ||
                       strncmp(text, "log:", 4) == 0 || strncmp(text, "int:", 4) == 0;
    return is_for_sweep ? eformat("%s (lists and ranges of values are for sweep)", text) : text;
}

/* What an option takes, with its bounds: for a text that is no number, and one that is none of
 * these. */
static _Noreturn void refuse_number(const struct option_row *row, const char *text)
{
    const char *kind = row->kind == OPTION_REAL ? "number" : "whole number";
    text = refused(text);
    if (row->kind == OPTION_RANGE)
        die(USAGE, "--%s takes %s, numbers from %.10g to %.10g, the smaller first, not %s",
            row->name, row->argument, row->low, row->high, text);
    if (row->kind == OPTION_SIZE || row->kind == OPTION_PAIR)
        die(USAGE, "--%s takes %s, whole numbers from %.10g to %.10g, not %s", row->name,
            row->argument, row->low, row->high, text);
    if (row->kind == OPTION_BYTES)
        die(USAGE, "--%s takes a number of bytes, 500M or 4G say, not %s", row->name, text);
    if (row->high >= 0x1p63)
        die(USAGE, "--%s takes a %s of at least %.10g, not %s", row->name, kind, row->low, text);
    die(USAGE, "--%s takes a %s from %.10g to %.10g, not %s", row->name, kind, row->low, row->high,
        text);
}

/* Takes the number at *at, a part of the text; of a whole one *whole has all digits. */
static double number(const struct option_row *row, const char *text, char **at, uint64_t *whole)
{
    char *start = *at;
    errno = 0;
    int real = row->kind == OPTION_REAL || row->kind == OPTION_RANGE;
    double value = real ? strtod(start, at) : 0;
    if (!real)
        value = (double)(*whole = strtoull(start, at, 10));
    int starts_well = real || (*start >= '0' && *start <= '9');
    if (*at == start || errno || !starts_well || !isfinite(value))
        refuse_number(row, text);
    if (row->kind == OPTION_BYTES && **at && strchr("KMG", **at)) {
        int shift = **at == 'K' ? 10 : **at == 'M' ? 20 : 30;
        value *= (double)(1ull << shift);
        *whole <<= shift;
        ++*at;
    }
    if (value < row->low || value > row->high)
        refuse_number(row, text);
    return value;
}

int options_among(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *word = choices; word; word = strchr(word, '|')) {
        word += *word == '|';
        size_t size = strcspn(word, "|");
        if (size == length && memcmp(word, text, size) == 0)
            return 1;
    }
    return 0;
}

static void set(const struct option_row *row, char *text)
{
    char *end = text;
    uint64_t whole[2];
    double range[2];
    add_given(row);
    switch (row->kind) {
    case OPTION_FLAG:
        *(int *)row->value = 1;
        return;
    case OPTION_UINT:
    case OPTION_BYTES:
        number(row, text, &end, row->value);
        break;
    case OPTION_REAL:
        *(double *)row->value = number(row, text, &end, NULL);
        break;
    case OPTION_RANGE:
        range[0] = number(row, text, &end, NULL);
        end -= end[-1] == '.' && end[0] == '.'; /* of 1..2 it took the first dot, too */
        if (strncmp(end, "..", 2) != 0)
            refuse_number(row, text);
        end += 2;
        range[1] = number(row, text, &end, NULL);
        if (range[0] > range[1])
            refuse_number(row, text);
        memcpy(row->value, range, sizeof range);
        break;
    case OPTION_SIZE:
    case OPTION_PAIR:
        number(row, text, &end, &whole[0]);
        whole[1] = whole[0];
        if (*end == 'x') {
            end++;
            number(row, text, &end, &whole[1]);
        }
        ((uint32_t *)row->value)[0] = (uint32_t)whole[0];
        ((uint32_t *)row->value)[1] = (uint32_t)whole[1];
        break;
    case OPTION_CHOICE:
        if (!options_among(row->argument, text))
            die(USAGE, "--%s takes one of %s, not %s", row->name, row->argument, refused(text));
        /* fallthrough */
    case OPTION_TEXT:
        *(const char **)row->value = text;
        return;
    case OPTION_LIST: {
        struct option_list *list = row->value;
        list->text = egrow(list->text, list->count + 1, sizeof *list->text);
        list->text[list->count++] = text;
        return;
    }
    case OPTION_HEADING:
        return;
    }
    if (*end)
        refuse_number(row, text);
}

/* getopt's two tables from ours: long options carry FIRST_CODE + place, letters map back by search.
 */
static int build(const struct option_row *rows, int base, struct option *longs, char *letters)
{
    int count = 0;
    while (longs->name)
        longs++;
    for (; rows[count].name; count++) {
        int takes = rows[count].kind != OPTION_FLAG;
        if (rows[count].kind == OPTION_HEADING)
            continue;
        *longs++ = (struct option){rows[count].name, takes, NULL, FIRST_CODE + base + count};
        size_t end = strlen(letters);
        letters[end] = rows[count].letter;
        if (rows[count].letter && takes)
            letters[end + 1] = ':';
    }
    return count;
}

static void answer_common(const struct program *about, int which)
{
    if (which == 'q')
        verbosity = 0;
    else if (which == 'v')
        verbosity = 2;
    else if (which == 'h')
        print_help(about);
    else if (which == 'V') {
        printf("%s (psweep) %s\n", about->name, PSWEEP_VERSION);
        if (about->more)
            about->more();
        end_after_text();
    }
}

/* Of a long option that getopt does not take: --spilt, --s of several, --quiet=1. */
static _Noreturn void refuse_name(const struct option *longs, const char *text, const char *tool)
{
    const char *name = text + strspn(text, "-");
    size_t size = strcspn(name, "=");
    int alike = 0, exact = 0;
    for (; longs->name; longs++)
        if (strncmp(longs->name, name, size) == 0) {
            alike++;
            exact |= longs->name[size] == '\0';
        }
    if (alike == 0)
        die(USAGE, "there is no option %s (see %s --help)", text, tool);
    if (alike > 1 && !exact)
        die(USAGE, "more than one option begins with --%.*s (see %s --help)", (int)size, name,
            tool);
    die(USAGE, "--%.*s takes no value, but has one: %s", (int)size, name, text);
}

/* The index of the first operand. own_only: options that all programs have are mistakes. */
static int parse(const struct program *about, int argc, char **argv, int own_only)
{
    struct option longs[MOST_ROWS] = {0};
    char letters[2 * MOST_ROWS + 2] = ":";
    int own = build(about->rows, 0, longs, letters);
    build(common_row, own, longs, letters);
    opterr = 0;
    optind = 0; /* from the beginning, with nothing left over from another time */
    for (int got; (got = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const char *text = argv[optind - 1];
        if (got == ':')
            die(USAGE, "%s needs a value (see %s --help)", text, about->name);
        if (got == '?' && optopt && optopt < FIRST_CODE)
            die(USAGE, "there is no option -%c (see %s --help)", optopt, about->name);
        if (got == '?')
            refuse_name(longs, text, about->name);
        int place = got - FIRST_CODE;
        if (got < FIRST_CODE)
            for (place = 0; place < own && about->rows[place].letter != got; place++)
                ;
        if (place < own)
            set(&about->rows[place], optarg);
        else if (own_only)
            die(USAGE, "-%c belongs on the command line",
                got >= FIRST_CODE ? common_row[place - own].letter : got);
        else
            answer_common(about, got >= FIRST_CODE ? common_row[place - own].letter : got);
    }
    return optind;
}

int options_parse(const struct program *about, int argc, char **argv)
{
    messages_from(about->name);
    signal(SIGPIPE, SIG_IGN); /* a reader that closes shows as EPIPE, which the writer handles */
    signal(SIGXFSZ, SIG_IGN); /* and a file that may not grow (ulimit -f) as EFBIG */
    int first = parse(about, argc, argv, 0);
    givens_of_command = givens;
    for (int i = first; i < argc; i++)
        if (argv[i][0] == '\0')
            die(USAGE, "an argument is empty text: is a variable not set?");
    return first;
}

void options_parse_line(const struct program *about, const char *where, char *line)
{
    enum { BLANK_AND_WORD = 2 };
    const char *blanks = " \t\r\n";
    char **words = ealloc(strlen(line) / BLANK_AND_WORD + 3, sizeof *words), *save;
    int count = 1;
    program = words[0] = eformat("%s: %s", about->name, where);
    givens = givens_of_command;
    for (char *word = strtok_r(line, blanks, &save); word; word = strtok_r(NULL, blanks, &save))
        words[count++] = word;
    if (parse(about, count, words, 1) < count)
        die(USAGE, "%s is not an option", words[count - 1]);
    program = about->name;
    free(words[0]);
    free(words);
}

static void pack_value(struct writer *writer, const struct option_row *row)
{
    const char *text;
    const uint32_t *size;
    switch (row->kind) {
    case OPTION_FLAG:
        pack_bool(writer, row->name, *(int *)row->value);
        return;
    case OPTION_UINT:
    case OPTION_BYTES:
        if (*(uint64_t *)row->value == OPTION_UNSET)
            break;
        pack_uint(writer, row->name, *(uint64_t *)row->value);
        return;
    case OPTION_REAL:
        if (isnan(*(double *)row->value))
            break;
        pack_real(writer, row->name, *(double *)row->value);
        return;
    case OPTION_TEXT:
    case OPTION_CHOICE:
        text = *(const char **)row->value;
        if (text == NULL)
            break;
        pack_text(writer, row->name, text);
        return;
    case OPTION_RANGE:
        pack_reals(writer, row->name, row->value, 2);
        return;
    case OPTION_PAIR:
    case OPTION_SIZE:
        size = row->value;
        if (row->kind == OPTION_PAIR && size[0] == size[1]) {
            pack_uint(writer, row->name, size[0]);
            return;
        }
        if (row->kind == OPTION_SIZE && size[0] == 0)
            break;
        pack_array(writer, row->name);
        pack_uint(writer, NULL, size[0]);
        pack_uint(writer, NULL, size[1]);
        pack_close(writer);
        return;
    case OPTION_LIST:
    case OPTION_HEADING:
        break;
    }
    pack_nil(writer, row->name);
}

void options_pack(struct writer *writer, const struct option_row *rows)
{
    pack_map(writer, "options");
    for (const struct option_row *row = rows; row->name; row++)
        if (row->header == OPTION_IN_HEADER || (row->header == OPTION_IF_GIVEN && is_given(row)))
            pack_value(writer, row);
    pack_close(writer);
}

int options_reals(const char *text, double *values, int most)
{
    int count = 0;
    for (const char *place = text;; place++) {
        char *end;
        double value = strtod(place, &end);
        if (end == place || !isfinite(value) || (*end && *end != ','))
            return fail("%s is not a list of numbers such as 0.4,0.5,0.5", text);
        if (count == most)
            return fail("%s has more than %d numbers", text, most);
        values[count++] = value;
        if (!*end)
            return count;
        place = end;
    }
}
