#include "export.h"

#include "json.h"
#include "message.h"
#include "rows.h"
#include "standard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One of the two forms. Functions return -1 with a sentence. */
struct form {
    int (*begin)(void *state, const struct source *source, const char *name);
    int (*take)(void *state, const struct source *source, const struct record *record);
    void *state;
};

enum { WRITE_MORE = 1, WRITE_NO_MORE = 0 };

/* Whether the output takes more. A progress channel is watched while it is written: no line waits.
 */
static int look_at_output(const struct source *source)
{
    if (source->feed->bare)
        fflush(stdout);
    if (!ferror(stdout))
        return WRITE_MORE;
    return errno == EPIPE ? WRITE_NO_MORE : fail("cannot write output: %s", strerror(errno));
}

static int export_one(struct source *source, const struct form *form, const char *name)
{
    struct record record;
    int got, more = WRITE_MORE;
    if (source_open(source, 0) < 0)
        return -1;
    for (int first = 1; more > 0 && (got = source_next(source, &record)) != RECORD_NONE;
         first = 0) {
        errno = 0;
        if (got < 0 || (first && form->begin(form->state, source, name) < 0) ||
            form->take(form->state, source, &record) < 0)
            return -1;
        more = look_at_output(source);
    }
    source_complain(source);
    source_shut(source);
    return more;
}

static int export_all(struct source *source, int count, const struct form *form)
{
    int more = WRITE_MORE;
    for (int i = 0; more > 0 && i < count; i++)
        more = export_one(&source[i], form, source_label(source, count, i));
    return more > 0 ? standard_flush() : more;
}

static int json_begin(void *state, const struct source *source, const char *name)
{
    (void)state, (void)source, (void)name;
    return 0;
}

static int json_take(void *state, const struct source *source, const struct record *record)
{
    (void)source;
    json_write(stdout, &record->map, *(const int *)state);
    putc('\n', stdout);
    return 0;
}

int export_json(struct source *source, int count, int bytes)
{
    struct form form = {json_begin, json_take, &bytes};
    return export_all(source, count, &form);
}

static int csv_begin(void *state, const struct source *source, const char *name)
{
    return rows_begin(state, name, source->feed->bare, source->feed->path);
}

static int csv_take(void *state, const struct source *source, const struct record *record)
{
    return rows_take(state, source->reader, record);
}

int export_csv(struct source *source, int count)
{
    struct rows rows = {.csv = {.out = stdout}};
    struct form form = {csv_begin, csv_take, &rows};
    int result = export_all(source, count, &form);
    rows_free(&rows);
    return result;
}
