#include "csv.h"

#include "digits.h"
#include "image.h"
#include "label.h"
#include "message.h"
#include "utf8.h"
#include "views.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fields of a line. The next one; empty, where nothing more is written. */
static FILE *next(struct csv *csv)
{
    if (csv->fields++ > 0)
        putc(',', csv->out);
    return csv->out;
}

static void empty(struct csv *csv, int fields)
{
    while (fields-- > 0)
        next(csv);
}

static void put_sized(struct csv *csv, const char *text, size_t size)
{
    int quoted = memchr(text, ',', size) || memchr(text, '"', size) || memchr(text, '\n', size) ||
                 memchr(text, '\r', size);
    FILE *out = next(csv);
    if (quoted)
        putc('"', out);
    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = utf8_decode(text + i, size - i, &code);
        if (length == 0 || (utf8_control(code) && code != '\t' && code != '\n' && code != '\r'))
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text + i, 1, length, out);
        if (length == 1 && code == '"')
            putc('"', out);
        i += length ? length : 1;
    }
    if (quoted)
        putc('"', out);
}

static void put_text(struct csv *csv, const char *text)
{
    put_sized(csv, text, strlen(text));
}

/* UINT64_MAX: not known. */
static void put_count(struct csv *csv, uint64_t value)
{
    next(csv);
    if (value != UINT64_MAX)
        fprintf(csv->out, "%" PRIu64, value);
}

/* printf() may write -nan, which not everybody reads. */
static void put_real(struct csv *csv, double real, int single)
{
    char text[DIGITS_ROOM];
    fputs(isnan(real)   ? "nan"
          : isinf(real) ? (real < 0 ? "-inf" : "inf")
                        : digits_of(real, single, text),
          next(csv));
}

/* A number, text, true or false; empty when it is NULL or anything else. */
static void put_object(struct csv *csv, const msgpack_object *object)
{
    switch (object ? object->type : MSGPACK_OBJECT_NIL) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        fprintf(next(csv), "%" PRIu64, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        fprintf(next(csv), "%" PRId64, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        put_real(csv, object->via.f64, object->type == MSGPACK_OBJECT_FLOAT32);
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        put_text(csv, object->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_STR:
        put_sized(csv, object->via.str.ptr, object->via.str.size);
        break;
    default:
        next(csv);
        break;
    }
}

static void put_fields(struct csv *csv, const struct record *record, const char *const *key,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_object(csv, record_field(record, key[i]));
}
#define PUT_FIELDS(csv, record, ...)                                                               \
    put_fields(csv, record, (const char *const[]){__VA_ARGS__},                                    \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void end_line(struct csv *csv)
{
    putc('\n', csv->out);
    csv->fields = 0;
}

/* What a table is made from, for record_check_kind(), and its columns. */
static const struct {
    const char *kinds, *columns;
} tables[] = {
    [TABLE_NONE] = {"images epochs run scores", ""},
    [TABLE_RUNS] = {"run", "type,name,depth,seed,epoch,iteration,loss,accuracy,images,time,"
                           "network,rate"},
    [TABLE_SCORES] = {"scores", "type,run,name,depth,epoch,stopped,split,truth,guess,images,loss,"
                                "accuracy,precision,recall,network,tta"},
    [TABLE_IMAGES] = {"images epochs", "type,id,key,label,class,split,height,width,channels,epoch,"
                                       "row,column,flip,guess,probability"},
};

static void choose(struct csv *csv, enum table table)
{
    if (csv->table == TABLE_NONE)
        fprintf(csv->out, "%s\n", tables[table].columns);
    csv->table = table;
}

int csv_begin(struct csv *csv, const char *name, int bare, const char *input)
{
    free(csv->name);
    csv->name = ecopy(name);
    csv->runs = 0;
    csv->depth = csv->seed = UINT64_MAX;
    free(csv->network);
    csv->network = NULL;
    if (bare && csv->table != TABLE_NONE && csv->table != TABLE_RUNS)
        return fail("%s is a progress channel; a stream of kind %s is wanted", input,
                    csv->table == TABLE_SCORES ? "scores" : "images");
    if (bare)
        choose(csv, TABLE_RUNS);
    return 0;
}

static int take_header(struct csv *csv, const struct reader *reader, const struct record *record)
{
    const msgpack_object *network = map_field(record_field(record, "options"), "network");
    char kind[32];
    if (record_check_kind(reader, record, tables[csv->table].kinds) < 0 ||
        record_text(record, "kind", kind, sizeof kind) < 0)
        return -1;
    choose(csv, strcmp(kind, "run") == 0      ? TABLE_RUNS
                : strcmp(kind, "scores") == 0 ? TABLE_SCORES
                                              : TABLE_IMAGES);
    csv->depth = map_uint(record_field(record, "options"), "depth", UINT64_MAX);
    csv->seed = map_uint(record_field(record, "options"), "seed", UINT64_MAX);
    free(csv->network);
    csv->network = network && network->type == MSGPACK_OBJECT_STR
                       ? label_clean(network->via.str.ptr, network->via.str.size)
                       : NULL;
    csv->runs++;
    csv->epoch = strcmp(kind, "epochs") == 0 ? 1 : UINT64_MAX;
    csv->views = map_true(&record->map, "views");
    classes_free(&csv->classes);
    return csv->table == TABLE_RUNS ? 0 : classes_read(record, &csv->classes);
}

/* A progress or validation record. */
static void put_point(struct csv *csv, const struct record *record)
{
    PUT_FIELDS(csv, record, "type");
    if (csv->runs == 0) {
        PUT_FIELDS(csv, record, "name");
    } else if (csv->runs == 1) {
        put_text(csv, csv->name);
    } else {
        char *numbered = eformat("%s %d", csv->name, csv->runs);
        put_text(csv, numbered);
        free(numbered);
    }
    put_count(csv, csv->depth);
    put_count(csv, csv->seed);
    PUT_FIELDS(csv, record, "epoch", "iteration", "loss", "accuracy", "images", "time");
    put_text(csv, csv->network ? csv->network : "");
    PUT_FIELDS(csv, record, "rate");
    end_line(csv);
}

/* The list of a score record with an element for each class; nil, where there is none, becomes
 * NULL. -1 with a sentence. */
static int list_of(const struct csv *csv, const struct record *record, const char *key,
                   const msgpack_object **list)
{
    const msgpack_object *field = record_field(record, key);
    *list = NULL;
    if (field == NULL || field->type == MSGPACK_OBJECT_NIL)
        return 0;
    if (field->type != MSGPACK_OBJECT_ARRAY || field->via.array.size != csv->classes.count)
        return fail_as(DAMAGED,
                       "the %s of a score does not have one element for each of %u classes", key,
                       csv->classes.count);
    *list = field->via.array.ptr;
    return 0;
}

static int check_cells(const struct csv *csv, const msgpack_object *confusion)
{
    uint32_t classes = csv->classes.count;
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

/* The columns that all rows of a score begin and end with. */
static void begin_score_row(struct csv *csv, const struct record *record, const char *type)
{
    put_text(csv, type);
    PUT_FIELDS(csv, record, "run", "name", "depth", "epoch", "stopped", "split");
}

static void end_score_row(struct csv *csv, const struct record *record)
{
    PUT_FIELDS(csv, record, "network", "tta");
    end_line(csv);
}

static int take_score(struct csv *csv, const struct record *record)
{
    const msgpack_object *confusion, *precision, *recall;
    if (list_of(csv, record, "confusion", &confusion) < 0 ||
        list_of(csv, record, "precision", &precision) < 0 ||
        list_of(csv, record, "recall", &recall) < 0 || check_cells(csv, confusion) < 0)
        return -1;
    uint32_t classes = csv->classes.count;
    begin_score_row(csv, record, "score");
    empty(csv, 2);
    PUT_FIELDS(csv, record, "images", "loss", "accuracy");
    empty(csv, 2);
    end_score_row(csv, record);
    for (uint32_t i = 0; i < classes; i++) {
        uint64_t images = confusion ? 0 : UINT64_MAX;
        for (uint32_t j = 0; confusion && j < classes; j++)
            images += confusion[i].via.array.ptr[j].via.u64;
        begin_score_row(csv, record, "class");
        put_text(csv, csv->classes.name[i]);
        next(csv);
        put_count(csv, images);
        empty(csv, 2);
        put_object(csv, precision ? &precision[i] : NULL);
        put_object(csv, recall ? &recall[i] : NULL);
        end_score_row(csv, record);
    }
    for (uint32_t i = 0; confusion && i < classes; i++)
        for (uint32_t j = 0; j < classes; j++) {
            begin_score_row(csv, record, "cell");
            put_text(csv, csv->classes.name[i]);
            put_text(csv, csv->classes.name[j]);
            put_object(csv, &confusion[i].via.array.ptr[j]);
            empty(csv, 4);
            end_score_row(csv, record);
        }
    return 0;
}

/* The end of a row: what a model takes an image for in that place, if for anything. */
static void put_guess(struct csv *csv, const struct image *image, uint32_t place)
{
    if (place < image->guesses) {
        const struct guess *guess = &image->guess[place];
        put_text(csv, csv->classes.name[guess->class]);
        put_real(csv, guess->probability, 0);
    } else {
        empty(csv, 2);
    }
    end_line(csv);
}

static int take_image(struct csv *csv, const struct record *record)
{
    struct image image;
    if (image_read(record, csv->classes.count, &image) < 0)
        return -1;
    PUT_FIELDS(csv, record, "type", "id", "key", "label");
    put_text(csv, image.label != NO_CLASS ? csv->classes.name[image.label] : "");
    PUT_FIELDS(csv, record, "split", "height", "width", "channels");
    put_count(csv, image.split == SPLIT_TRAIN && !csv->views ? csv->epoch : UINT64_MAX);
    empty(csv, 3);
    put_guess(csv, &image, 0);
    for (uint32_t i = 1; i < image.guesses; i++) {
        put_text(csv, "guess");
        PUT_FIELDS(csv, record, "id", "key");
        empty(csv, 10);
        put_guess(csv, &image, i);
    }
    return 0;
}

static int take_views(struct csv *csv, const struct record *record)
{
    struct views views;
    if (views_read(record, &views) < 0)
        return -1;
    for (size_t i = 0; i < views.count; i++) {
        struct view view = views_view(&views, i, 0, 0);
        put_text(csv, "view");
        put_count(csv, views_id(&views, i));
        empty(csv, 7);
        put_count(csv, csv->epoch);
        fprintf(next(csv), "%" PRId64, (int64_t)view.row);
        fprintf(next(csv), "%" PRId64, (int64_t)view.column);
        put_count(csv, (uint64_t)(view.flip | view.upside_down << 1));
        empty(csv, 2);
        end_line(csv);
    }
    return 0;
}

int csv_take(struct csv *csv, const struct reader *reader, const struct record *record)
{
    switch (record->type) {
    case RECORD_HEADER:
        return take_header(csv, reader, record);
    case RECORD_PROGRESS:
    case RECORD_VALIDATION:
        if (csv->table == TABLE_RUNS)
            put_point(csv, record);
        return 0;
    case RECORD_SCORE:
        return csv->table == TABLE_SCORES ? take_score(csv, record) : 0;
    case RECORD_IMAGE:
        return csv->table == TABLE_IMAGES ? take_image(csv, record) : 0;
    case RECORD_VIEW:
        return csv->table == TABLE_IMAGES ? take_views(csv, record) : 0;
    case RECORD_EPOCH:
        csv->epoch += csv->epoch != UINT64_MAX;
        return 0;
    default:
        return 0;
    }
}

void csv_free(struct csv *csv)
{
    free(csv->name);
    free(csv->network);
    classes_free(&csv->classes);
}
