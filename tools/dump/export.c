#include "export.h"

#include "csv.h"
#include "json.h"
#include "message.h"
#include "standard.h"

#include <errno.h>
#include <string.h>

/* What an input is called: by its file without folder and suffix, where no other has that name,
 * else as it was given. */
static const char *name_of(const struct input *input, int count, int place)
{
    const char *stem = input[place].stem;
    for (int i = 0; stem && i < count; i++)
        if (i != place && input[i].stem && strcmp(input[i].stem, stem) == 0)
            stem = NULL;
    return stem ? stem : input[place].name;
}

/* All records of one input. 1, or 0 where the output takes no more, or -1. */
static int export_one(struct input *input, const char *name, enum export_form form, struct csv *csv)
{
    struct record record;
    int got, first = 1;
    if (input_open(input, 0) < 0)
        return -1;
    while ((got = input_next(input, &record)) == RECORD_READ) {
        errno = 0;
        if (form != EXPORT_CSV) {
            json_write(stdout, &record.map, form == EXPORT_JSON_BYTES);
            putc('\n', stdout);
        } else if ((first && csv_begin(csv, name, input->bare, input->name) < 0) ||
                   csv_take(csv, input->reader, &record) < 0) {
            return -1;
        }
        first = 0;
        /* A progress channel is watched while it is written: no line waits. */
        if (input->bare)
            fflush(stdout);
        if (ferror(stdout))
            return errno == EPIPE ? 0 : fail("cannot write output: %s", strerror(errno));
    }
    if (got < 0)
        return -1;
    input_complain(input);
    input_shut(input);
    return 1;
}

int export_records(struct input *input, int count, enum export_form form)
{
    struct csv csv = {.out = stdout};
    int more = 1;
    for (int i = 0; more > 0 && i < count; i++)
        more = export_one(&input[i], name_of(input, count, i), form, &csv);
    csv_free(&csv);
    return more > 0 ? standard_flush() : more;
}
