#include "history.h"

#include "label.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

struct run *history_add_run(struct history *history, const char *path, const char *stem,
                            int ordinal)
{
    struct run *run = run_new();
    run->path = path;
    run->stem = stem;
    run->ordinal = ordinal;
    history->run = egrow(history->run, history->runs + 1, sizeof *history->run);
    history->named = 0;
    return history->run[history->runs++] = run;
}

struct run *history_named_run(struct history *history, const char *path, const char *stem,
                              const struct record *record)
{
    const msgpack_object *name = record_field(record, "name");
    char *given = label_clean(name->via.str.ptr, name->via.str.size);
    for (size_t i = 0; i < history->runs; i++)
        if (history->run[i]->path == path && strcmp(history->run[i]->given, given) == 0) {
            free(given);
            return history->run[i];
        }
    struct run *run = history_add_run(history, path, stem, 0);
    run->given = given;
    size_t place = history->runs - 1;
    for (; place > 0 && history->run[place - 1]->path == path &&
           strverscmp(history->run[place - 1]->given, given) > 0;
         place--)
        history->run[place] = history->run[place - 1];
    return history->run[place] = run;
}

void history_add_models(struct history *history, const struct record *header)
{
    const msgpack_object *upstream = record_field(header, "upstream");
    uint32_t count =
        upstream && upstream->type == MSGPACK_OBJECT_ARRAY ? upstream->via.array.size : 0;
    for (uint32_t i = 0; i < count; i++) {
        const msgpack_object *above = &upstream->via.array.ptr[i];
        if (!object_is(map_field(above, "kind"), "run"))
            continue;
        struct run *model = run_new();
        run_read_options(model, above);
        history->model = egrow(history->model, history->models + 1, sizeof *history->model);
        history->model[history->models++] = model;
    }
}

int history_add_score(struct history *history, const struct record *record,
                      const struct classes *classes, size_t first_model)
{
    struct score *score = ealloc(1, sizeof *score);
    uint64_t place = map_uint(&record->map, "run", 0);
    history->score = egrow(history->score, history->scores + 1, sizeof *history->score);
    history->score[history->scores++] = score;
    int result = score_read(score, record, classes);
    if (place >= 1 && place <= history->models - first_model)
        score->model = history->model[first_model + place - 1];
    return result;
}

void history_forget(struct history *history, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->runs; i++) {
        if (history->run[i]->path == path)
            run_free(history->run[i]);
        else
            history->run[kept++] = history->run[i];
    }
    history->runs = kept;
    history->named = 0;
}

int history_check_confusion(const struct history *history)
{
    for (size_t i = 0; i < history->scores; i++)
        if (history->score[i]->confusion == NULL)
            return fail("the score of %s has no confusion matrix, for it has %u classes",
                        history->score[i]->name, history->score[i]->classes);
    return 0;
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->runs; i++)
        run_free(history->run[i]);
    for (size_t i = 0; i < history->scores; i++)
        score_free(history->score[i]);
    for (size_t i = 0; i < history->models; i++)
        run_free(history->model[i]);
    free(history->model);
    free(history->run);
    free(history->score);
}
