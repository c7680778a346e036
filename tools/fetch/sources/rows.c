#include "sources/rows.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct rows *rows, const char *reason)
{
    return fail_as(DAMAGED, "cannot read %s, line %zu: %s", rows->name, rows->begins, reason);
}

static int next_byte(struct rows *rows)
{
    int c = getc(rows->file);
    rows->line += c == '\n';
    return c;
}

/* Reads a field whose first byte is c, with its zero byte behind: the byte that ends it, a comma, a
 * newline or EOF; -2 with a sentence. */
static int read_field(struct rows *rows, int c)
{
    int is_quoted = c == '"', is_open = is_quoted;
    if (is_quoted)
        c = next_byte(rows);
    for (;; c = next_byte(rows)) {
        if (is_open && c == '"' && (c = next_byte(rows)) != '"')
            is_open = 0;
        if (!is_open && c == '\r') {
            c = next_byte(rows);
            if (c != '\n' && c != EOF) {
                refuse(rows, "a carriage return in a field that has no quotes");
                return -2;
            }
        }
        if (c == EOF ? !is_open : !is_open && (c == ',' || c == '\n'))
            break;
        const char *reason =
            c == EOF                ? "a quote that opens a field there is not closed"
            : c == 0                ? "it is not text"
            : !is_open && is_quoted ? "more follows behind the quote that closes a field"
            : !is_open && c == '"'  ? "a quote in a field that does not begin with one"
            : rows->text.size >= ROWS_MAX_BYTES ? "the row is longer than 1 MiB"
                                                : NULL;
        if (reason != NULL) {
            refuse(rows, reason);
            return -2;
        }
        text_bytes(&rows->text, &(char){(char)c}, 1);
    }
    text_bytes(&rows->text, "", 1);
    return c;
}

int rows_open(struct rows *rows, const char *path)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    char head[sizeof mark];
    *rows = (struct rows){.file = fopen(path, "rbe"), .name = path, .line = 1};
    if (rows->file == NULL)
        return fail("cannot read %s: %s", path, strerror(errno));
    if (fread(head, 1, sizeof head, rows->file) != sizeof head ||
        memcmp(head, mark, sizeof mark) != 0)
        rewind(rows->file);
    return 0;
}

int rows_next(struct rows *rows)
{
    int c;
    do
        c = next_byte(rows);
    while (c == '\n' || c == '\r');
    rows->begins = rows->line;
    rows->fields = 0;
    text_clear(&rows->text);
    while (c != EOF) {
        if (rows->fields == ROWS_MAX_FIELDS)
            return refuse(rows, "the row has more than 4096 fields");
        rows->field = egrow_by_one(rows->field, rows->fields, sizeof *rows->field);
        rows->field[rows->fields++] = rows->text.size;
        c = read_field(rows, c);
        if (c == -2)
            return -1;
        if (c != ',')
            break;
        c = next_byte(rows);
        if (c == EOF) /* an empty field is the last */
            c = '\n';
    }
    if (ferror(rows->file))
        return fail("cannot read %s: %s", rows->name, strerror(errno));
    return rows->fields > 0;
}

const char *rows_field(const struct rows *rows, size_t field)
{
    return rows->text.at + rows->field[field];
}

void rows_close(struct rows *rows)
{
    if (rows->file != NULL)
        fclose(rows->file);
    free(rows->field);
    text_free(&rows->text);
}
