/* The command line as a table: one row an option, shared by parsing, --help and the stream's
 * header.
 *
 * The same letter means the same thing in all six programs. Every program also has -h --help,
 * -V --version, -q --quiet and -v --verbose, which options_parse() answers by itself. Options and
 * operands may be mixed; "--" ends the options.
 */
#ifndef PSWEEP_OPTIONS_H
#define PSWEEP_OPTIONS_H

#include "write.h"

enum option_kind {
    OPTION_FLAG,    /* int: set to 1 */
    OPTION_UINT,    /* uint64_t, low … high */
    OPTION_REAL,    /* double, low … high */
    OPTION_TEXT,    /* const char * */
    OPTION_SIZE,    /* uint32_t[2]: HxW, each low … high; a single number means both */
    OPTION_PAIR,    /* the same, in the header a single number where both are the same */
    OPTION_RANGE,   /* double[2]: A..B, low … high, A no larger than B */
    OPTION_BYTES,   /* uint64_t, low … high; K, M, G suffixes are powers of 1024 */
    OPTION_CHOICE,  /* const char *: one of the words in choices, separated by | */
    OPTION_LIST,    /* struct option_list: one text more each time; never in a header */
    OPTION_HEADING, /* no option: its help stands above those that follow, its name is "" */
};

struct option_list {
    const char **text; /* [count] */
    size_t count;
};

/* Whether the option decides the bytes of the stream and so stands in its header; IF_GIVEN: only
 * where it was given, for options that came later: without them headers are, and runs are called,
 * as they were. */
enum { OPTION_LOCAL = 0, OPTION_IN_HEADER = 1, OPTION_IF_GIVEN = 2 };

/* A number with no default that was not given: OPTION_UNSET, for a real NAN, for a size {0, 0}. The
 * header then has nil. */
#define OPTION_UNSET UINT64_MAX

struct option_row {
    char letter;      /* 0: none */
    const char *name; /* without the dashes; NULL ends the table */
    enum option_kind kind;
    int header; /* OPTION_LOCAL, _IN_HEADER, _IF_GIVEN */
    void *value;
    double low, high;     /* bounds of numbers */
    const char *argument; /* "N", "HxW"; OPTION_CHOICE: "a|b|c"; NULL for a flag */
    const char *help;     /* one line; the default is told in it */
};

struct program {
    const char *name;
    const char *summary;  /* one line: what it does */
    const char *operands; /* "[SOURCE...]" */
    const char *examples; /* whole lines */
    const struct option_row *rows;
    void (*more)(void); /* prints what else --version tells; or NULL */
};

/* Parses argv, permutes the operands to its end and returns the index of the first. Answers --help
 * and
 * --version on stdout and exits 0; a mistake ends the program with a sentence and status USAGE.
 * Sets program (message.h), ignores SIGPIPE. */
int options_parse(const struct program *about, int argc, char **argv);

/* Parses the options of a line of text, blanks between them, which is cut up and must last as long
 * as their values; given are then those, and those of the command line. A mistake ends the program
 * with a sentence that names where ("points:3"), and status USAGE. */
void options_parse_line(const struct program *about, const char *where, char *line);

/* Packs the field "options": a map of the rows that decide bytes, in the table's order, with the
 * values they have now. */
void options_pack(struct writer *writer, const struct option_row *rows);

/* Whether the row of that name was given on the command line, or in the last line that was parsed.
 */
int options_given(const struct option_row *rows, const char *name);
/* Takes the row of that name for given: another option needs it, so its default decides bytes. */
void options_fill(const struct option_row *rows, const char *name);

/* Whether a text is one of the words in choices, separated by |. */
int options_among(const char *choices, const char *text);

/* Parses "0.4,0.5,0.5" into at most most reals: how many, or -1 with a sentence. */
int options_reals(const char *text, double *values, int most);

#endif
