#include "rows.h"

#include "message.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

/* What a table is made from, for record_check_kind(), and its columns. */
static const struct {
    const char *kinds, *columns;
} tables[] = {
    [TABLE_NONE] = {"images epochs run scores", ""},
    [TABLE_RUNS] = {"run", "type,name,depth,seed,epoch,iteration,loss,accuracy,images,time"},
    [TABLE_SCORES] = {"scores", "type,run,name,depth,epoch,stopped,split,truth,guess,images,loss,"
                                "accuracy,precision,recall"},
    [TABLE_IMAGES] = {"images epochs", "type,id,key,label,class,split,height,width,channels,epoch,"
                                       "row,column,flip,guess,probability"},
};

static void choose(struct rows *rows, enum table table)
{
    if (rows->table == TABLE_NONE)
        fprintf(rows->csv.out, "%s\n", tables[table].columns);
    rows->table = table;
}

int rows_begin(struct rows *rows, const char *name, int bare, const char *input)
{
    free(rows->name);
    rows->name = ecopy(name);
    rows->runs = 0;
    rows->depth = rows->seed = UINT64_MAX;
    if (bare && rows->table != TABLE_NONE && rows->table != TABLE_RUNS)
        return fail("%s is a progress channel; a stream of kind %s is wanted", input,
                    rows->table == TABLE_SCORES ? "scores" : "images");
    if (bare)
        choose(rows, TABLE_RUNS);
    return 0;
}

static uint64_t whole(const msgpack_object *map, const char *key)
{
    const msgpack_object *field = map ? map_field(map, key) : NULL;
    return field && field->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? field->via.u64 : UINT64_MAX;
}

static int is_true(const struct record *record, const char *key)
{
    const msgpack_object *field = record_field(record, key);
    return field && field->type == MSGPACK_OBJECT_BOOLEAN && field->via.boolean;
}

static int take_header(struct rows *rows, const struct reader *reader, const struct record *record)
{
    char kind[32];
    if (record_check_kind(reader, record, tables[rows->table].kinds) < 0 ||
        record_text(record, "kind", kind, sizeof kind) < 0)
        return -1;
    choose(rows, strcmp(kind, "run") == 0      ? TABLE_RUNS
                 : strcmp(kind, "scores") == 0 ? TABLE_SCORES
                                               : TABLE_IMAGES);
    rows->depth = whole(record_field(record, "options"), "depth");
    rows->seed = whole(record_field(record, "options"), "seed");
    rows->runs++;
    rows->epoch = strcmp(kind, "epochs") == 0 ? 1 : UINT64_MAX;
    rows->views = is_true(record, "views");
    classes_free(&rows->classes);
    return rows->table == TABLE_RUNS ? 0 : classes_read(record, &rows->classes);
}

/* A progress or validation record. */
static void take_point(struct rows *rows, const struct record *record)
{
    struct csv *csv = &rows->csv;
    const msgpack_object *name = record_field(record, "name");
    char numbered[32];
    csv_field(csv, record, "type");
    if (rows->runs == 0) {
        csv_object(csv, name);
    } else if (rows->runs == 1) {
        csv_text(csv, rows->name);
    } else {
        char *text = ealloc(strlen(rows->name) + sizeof numbered, 1);
        snprintf(numbered, sizeof numbered, " %d", rows->runs);
        csv_text(csv, strcat(strcpy(text, rows->name), numbered));
        free(text);
    }
    csv_count(csv, rows->depth);
    csv_count(csv, rows->seed);
    static const char *const field[] = {"epoch", "iteration", "loss", "accuracy", "images", "time"};
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        csv_field(csv, record, field[i]);
    csv_end(csv);
}

/* The list of a score record with an element for each class; nil, where there is none, becomes
 * NULL. -1 with a sentence. */
static int list_of(const struct rows *rows, const struct record *record, const char *key,
                   const msgpack_object **list)
{
    const msgpack_object *field = record_field(record, key);
    *list = NULL;
    if (field == NULL || field->type == MSGPACK_OBJECT_NIL)
        return 0;
    if (field->type != MSGPACK_OBJECT_ARRAY || field->via.array.size != rows->classes.count)
        return fail_as(DAMAGED,
                       "the %s of a score does not have one element for each of %u classes", key,
                       rows->classes.count);
    *list = field->via.array.ptr;
    return 0;
}

static int check_cells(const struct rows *rows, const msgpack_object *confusion)
{
    uint32_t classes = rows->classes.count;
    for (uint32_t i = 0; confusion && i < classes; i++) {
        if (confusion[i].type != MSGPACK_OBJECT_ARRAY || confusion[i].via.array.size != classes)
            return fail_as(DAMAGED, "row %u of a confusion matrix does not have %u columns", i + 1,
                           classes);
        for (uint32_t j = 0; j < classes; j++)
            if (confusion[i].via.array.ptr[j].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
                return fail_as(DAMAGED, "a confusion matrix holds a value that is not a count");
    }
    return 0;
}

/* The columns that all rows of a score begin with. */
static void begin_score_row(struct csv *csv, const struct record *record, const char *type)
{
    static const char *const field[] = {"run", "name", "depth", "epoch", "stopped", "split"};
    csv_text(csv, type);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        csv_field(csv, record, field[i]);
}

static void empty(struct csv *csv, int fields)
{
    while (fields-- > 0)
        csv_none(csv);
}

static int take_score(struct rows *rows, const struct record *record)
{
    struct csv *csv = &rows->csv;
    const msgpack_object *confusion, *precision, *recall;
    if (list_of(rows, record, "confusion", &confusion) < 0 ||
        list_of(rows, record, "precision", &precision) < 0 ||
        list_of(rows, record, "recall", &recall) < 0 || check_cells(rows, confusion) < 0)
        return -1;
    uint32_t classes = rows->classes.count;
    begin_score_row(csv, record, "score");
    empty(csv, 2);
    csv_field(csv, record, "images");
    csv_field(csv, record, "loss");
    csv_field(csv, record, "accuracy");
    empty(csv, 2);
    csv_end(csv);
    for (uint32_t i = 0; i < classes; i++) {
        uint64_t images = confusion ? 0 : UINT64_MAX;
        for (uint32_t j = 0; confusion && j < classes; j++)
            images += confusion[i].via.array.ptr[j].via.u64;
        begin_score_row(csv, record, "class");
        csv_text(csv, rows->classes.name[i]);
        csv_none(csv);
        csv_count(csv, images);
        empty(csv, 2);
        csv_object(csv, precision ? &precision[i] : NULL);
        csv_object(csv, recall ? &recall[i] : NULL);
        csv_end(csv);
    }
    for (uint32_t i = 0; confusion && i < classes; i++)
        for (uint32_t j = 0; j < classes; j++) {
            begin_score_row(csv, record, "cell");
            csv_text(csv, rows->classes.name[i]);
            csv_text(csv, rows->classes.name[j]);
            csv_object(csv, &confusion[i].via.array.ptr[j]);
            empty(csv, 4);
            csv_end(csv);
        }
    return 0;
}

static int take_image(struct rows *rows, const struct record *record)
{
    static const char *const field[] = {"split", "height", "width", "channels"};
    struct csv *csv = &rows->csv;
    struct image image;
    if (image_read(record, rows->classes.count, &image) < 0)
        return -1;
    csv_field(csv, record, "type");
    csv_field(csv, record, "id");
    csv_field(csv, record, "key");
    csv_field(csv, record, "label");
    csv_text(csv, rows->classes.name[image.label]);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        csv_field(csv, record, field[i]);
    csv_count(csv, image.split == SPLIT_TRAIN && !rows->views ? rows->epoch : UINT64_MAX);
    empty(csv, 3);
    if (image.guessed) {
        csv_text(csv, rows->classes.name[image.guess]);
        csv_field(csv, record, "probability");
    } else {
        empty(csv, 2);
    }
    csv_end(csv);
    return 0;
}

static int take_views(struct rows *rows, const struct record *record)
{
    struct csv *csv = &rows->csv;
    struct views views;
    if (views_read(record, &views) < 0)
        return -1;
    for (size_t i = 0; i < views.count; i++) {
        struct view view = views_view(&views, i, 0, 0);
        csv_text(csv, "view");
        csv_count(csv, views_id(&views, i));
        empty(csv, 7);
        csv_count(csv, rows->epoch);
        csv_whole(csv, view.row);
        csv_whole(csv, view.column);
        csv_whole(csv, view.flip);
        empty(csv, 2);
        csv_end(csv);
    }
    return 0;
}

int rows_take(struct rows *rows, const struct reader *reader, const struct record *record)
{
    switch (record->type) {
    case RECORD_HEADER:
        return take_header(rows, reader, record);
    case RECORD_PROGRESS:
    case RECORD_VALIDATION:
        if (rows->table == TABLE_RUNS)
            take_point(rows, record);
        return 0;
    case RECORD_SCORE:
        return rows->table == TABLE_SCORES ? take_score(rows, record) : 0;
    case RECORD_IMAGE:
        return rows->table == TABLE_IMAGES ? take_image(rows, record) : 0;
    case RECORD_VIEW:
        return rows->table == TABLE_IMAGES ? take_views(rows, record) : 0;
    case RECORD_EPOCH:
        rows->epoch += rows->epoch != UINT64_MAX;
        return 0;
    default:
        return 0;
    }
}

void rows_free(struct rows *rows)
{
    free(rows->name);
    classes_free(&rows->classes);
}
