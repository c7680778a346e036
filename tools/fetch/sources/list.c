/* A list of images, a file called .csv: a row each, under a row that names the columns, of which
 *
 *     path or url  is the image: a path from the folder of the list on, s3://bucket/key, https://…
 *     label        its class, or the number of it; without this column the folder that it lies in
 *     split        as a folder would be called; nothing where it is empty
 *
 * are read, in any order. Images keep the order of their rows. What comes by a network has a size
 * only when it comes, so all of it is asked for as it stands.
 */
#include "sources/open.h"

#include "archives/blob.h"
#include "decoding/decode.h"
#include "message.h"
#include "meter.h"
#include "name.h"
#include "s3/listing.h"
#include "s3/transfers.h"
#include "sources/labels.h"
#include "sources/rows.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPECTED = 256 << 10 /* bytes of what comes by a network */ };

/* Where an item is, by source_item.index. */
struct entry {
    char *url;               /* of a page; or */
    char *bucket;            /* of S3, with the object's key; neither: a path, the item's key */
    struct s3_object object; /* of any size */
};

struct list {
    int folder; /* that paths begin at */
    struct entry *entry;
    size_t entries;
    int has_pages, has_objects;

    /* On their way, by a thread of their own, as in bucket.c. */
    struct source *source;
    const size_t *choice;
    size_t count, next;
    struct prefetch *prefetch;
    struct s3 *s3;
    struct transfers *transfers;
    pthread_t thread;
    int asked, answered; /* for an object of S3 */
};

enum column { COLUMN_IMAGE, COLUMN_LABEL, COLUMN_SPLIT, COLUMNS };

/* Reads the file of a path: 0; 1: it is bad. */
static int load(struct source *source, size_t item, struct fetched *fetched)
{
    const struct list *list = source->state;
    const struct source_item *wanted = &source->item[item];
    int fd = openat(list->folder, wanted->key, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("%s", strerror(errno));
        return 1;
    }
    fetched->size = (size_t)wanted->size;
    fetched->bytes = egrow(NULL, fetched->size, 1);
    int result = read_at(fd, 0, fetched->bytes, fetched->size);
    close(fd);
    return result < 0;
}

/* The next job; those that are files of this machine are done at once. */
static int claim(void *user, size_t *job)
{
    struct list *list = user;
    for (; list->next < list->count; list->next++) {
        const struct source_item *item = &list->source->item[list->choice[list->next]];
        const struct entry *entry = &list->entry[item->index];
        int is_object = entry->bucket != NULL, is_file = !is_object && entry->url == NULL;
        /* The first answer tells the region of all. */
        if (is_object && list->asked && !list->answered)
            return CLAIM_LATER;
        if (!prefetch_ask(list->prefetch, list->next, is_file ? item->size : EXPECTED))
            return CLAIM_LATER;
        list->asked |= is_object;
        *job = list->next;
        if (!is_file) {
            list->next++;
            return CLAIM_TAKEN;
        }
        struct fetched fetched = {0};
        if (load(list->source, list->choice[*job], &fetched) > 0) {
            free(fetched.bytes);
            fetched = (struct fetched){.bad = ecopy(why())};
        }
        prefetch_arrive(list->prefetch, *job, &fetched);
    }
    return CLAIM_NONE;
}

static const struct entry *entry_at(const struct list *list, size_t job)
{
    return &list->entry[list->source->item[list->choice[job]].index];
}

static void address(void *user, size_t job, struct request *request)
{
    const struct entry *entry = entry_at(user, job);
    if (entry->bucket != NULL)
        request_object(request, entry->bucket, &entry->object);
    else
        request_url(request, entry->url, &entry->object);
}

static int came(void *user, size_t job, struct request *request, const char *gone)
{
    struct list *list = user;
    struct fetched fetched = {.bytes = request->body.bytes, .size = request->body.size};
    list->answered |= entry_at(list, job)->bucket != NULL;
    if (gone != NULL)
        fetched = (struct fetched){.bad = ecopy(gone)};
    else
        request->body = (struct body){0};
    prefetch_arrive(list->prefetch, job, &fetched);
    return CAME_DONE;
}

static int is_window_over(void *prefetch)
{
    return prefetch_is_over(prefetch) ? fail("no more is wanted") : 0;
}

static void *transfer_all(void *user)
{
    struct list *list = user;
    const struct transfers_client client = {claim, address, came, list};
    const struct cancellation cancellation = {is_window_over, list->prefetch};
    if (transfers_run(list->transfers, &client, &cancellation) < 0)
        prefetch_break(list->prefetch);
    return NULL;
}

static int start(struct source *source, const size_t *choice, size_t count, unsigned connections,
                 struct prefetch *prefetch)
{
    struct list *list = source->state;
    list->source = source;
    list->choice = choice;
    list->count = count;
    list->next = 0;
    list->prefetch = prefetch;
    if (connections > count)
        connections = count ? (unsigned)count : 1;
    list->transfers = transfers_open(list->s3, connections, prefetch_wake(prefetch));
    if (list->transfers == NULL)
        return -1;
    int error = pthread_create(&list->thread, NULL, transfer_all, list);
    if (error == 0)
        return 0;
    transfers_close(list->transfers);
    list->transfers = NULL;
    return fail("cannot start the network thread: %s", strerror(error));
}

static void stop(struct source *source)
{
    struct list *list = source->state;
    if (list->transfers == NULL)
        return;
    pthread_join(list->thread, NULL);
    transfers_close(list->transfers);
    list->transfers = NULL;
}

static void close_list(struct source *source)
{
    struct list *list = source->state;
    for (size_t i = 0; i < list->entries; i++) {
        free(list->entry[i].url);
        free(list->entry[i].bucket);
        free(list->entry[i].object.key);
    }
    free(list->entry);
    s3_close(list->s3);
    if (list->folder >= 0)
        close(list->folder);
    free(list);
}

/* Where there are URLs, transfers bring all. */
static const struct source_kind of_network = {.start = start, .stop = stop, .close = close_list};

/* Which column of the first row is which; a list has no column that is SIZE_MAX. */
static int take_columns(const struct rows *rows, size_t column[COLUMNS])
{
    static const char *const known[] = {"path", "label", "split", "url"};
    for (int c = 0; c < COLUMNS; c++)
        column[c] = SIZE_MAX;
    for (size_t i = 0; i < rows->fields; i++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            enum column c = k < COLUMNS ? (enum column)k : COLUMN_IMAGE;
            if (strcasecmp(rows_field(rows, i), known[k]) != 0)
                continue;
            if (column[c] != SIZE_MAX)
                return fail_as(DAMAGED,
                               "cannot read %s, line %zu: there are two columns for the %s",
                               rows->name, rows->begins, c == COLUMN_IMAGE ? "image" : known[k]);
            column[c] = i;
        }
    return column[COLUMN_IMAGE] != SIZE_MAX
               ? 0
               : fail_as(DAMAGED,
                         "cannot read %s, line %zu: it names no column path or url; the first line "
                         "names the columns, such as path,label,split",
                         rows->name, rows->begins);
}

/* The place of a path, *size bytes; or of a URL. -1 with a reason. */
static int find_image(struct list *list, const char *image, struct entry *entry, uint64_t *size)
{
    struct s3_listing place = {0};
    struct stat status;
    *entry = (struct entry){.object.size = S3_ANY_SIZE};
    if (*image == '\0')
        return fail("it names no image");
    if (s3_is_url(image)) {
        if (s3_take_url(image, 0, &place) < 0)
            return -1;
        entry->bucket = place.bucket;
        entry->object.key = place.folder;
        list->has_objects = 1;
    } else if (blob_is_url(image)) {
        if (blob_check_page(image) < 0)
            return -1;
        entry->url = ecopy(image);
        list->has_pages = 1;
    } else if (fstatat(list->folder, image, &status, 0) < 0) {
        return fail("%s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        return fail("it is not a file");
    } else if (status.st_size > DECODE_MAX_FILE) {
        return fail("it has more than %d MiB", DECODE_MAX_FILE >> 20);
    } else {
        *size = (uint64_t)status.st_size;
    }
    return 0;
}

/* Takes a row, whose fields the columns name. -1 with a sentence without the line's number. */
static int take_row(struct source *source, const struct rows *rows, const size_t column[COLUMNS])
{
    struct list *list = source->state;
    const char *field[COLUMNS] = {NULL};
    enum label kind = LABEL_FOLDER;
    char *label = NULL, *key;
    uint64_t size = 0;
    for (int c = 0; c < COLUMNS; c++)
        if (column[c] != SIZE_MAX)
            field[c] = rows_field(rows, column[c]);
    const char *image = field[COLUMN_IMAGE], *split = field[COLUMN_SPLIT];
    int which = split && *split ? layout_split(split, strlen(split)) : -1;
    if (which < 0 && split && *split)
        return fail_as(DAMAGED, "there is no split %s: it is train, validation or test",
                       name_show(split));
    if (field[COLUMN_LABEL] != NULL &&
        (label = labels_parse(field[COLUMN_LABEL], strlen(field[COLUMN_LABEL]), &kind)) == NULL)
        return fail_as(DAMAGED, "its label makes no sense: %s", why());
    key = blob_show(image); /* a URL's query may be secret */
    int done = 0, is_wanted = source_wants(source, key);
    list->entry = egrow_by_one(list->entry, list->entries, sizeof *list->entry);
    if (is_wanted && !name_is_utf8(key)) {
        done = source_refuse(source, key, "its name is not UTF-8");
    } else if (is_wanted && find_image(list, image, &list->entry[list->entries], &size) < 0) {
        done = source_refuse(source, key, why());
    } else if (is_wanted) {
        struct source_item *item = source_add(source, key, label, label ? strlen(label) : 0, size);
        item->label = kind;
        item->split = which;
        item->has_file = 1;
        item->index = list->entries++;
    }
    free(key);
    free(label);
    return done;
}

static int take_rows(struct source *source, struct rows *rows, int unlabelled)
{
    size_t column[COLUMNS], columns;
    int got = rows_next(rows);
    if (got == 0)
        return fail_as(DAMAGED, "cannot read %s: it is empty", rows->name);
    if (got < 0 || take_columns(rows, column) < 0)
        return -1;
    columns = rows->fields;
    if (unlabelled)
        column[COLUMN_LABEL] = SIZE_MAX;
    while ((got = rows_next(rows)) > 0) {
        if (rows->fields != columns)
            return fail_as(DAMAGED,
                           "cannot read %s, line %zu: %zu field%s, and the first line names %zu",
                           rows->name, rows->begins, rows->fields, plural(rows->fields), columns);
        if (take_row(source, rows, column) < 0)
            return fail_as(why_status(), "%s, line %zu: %s", rows->name, rows->begins, why());
        meter("%s: %zu image%s", source->name, source->count, plural(source->count));
    }
    return got;
}

static int open_list(struct source *source, const char *name, const struct source_options *options)
{
    struct list *list = source->state = ealloc(1, sizeof *list);
    const char *slash = strrchr(name, '/');
    char *folder = slash ? eformat("%.*s", (int)(slash + 1 - name), name) : ecopy(".");
    list->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    struct rows rows = {0};
    int done = rows_open(&rows, name);
    if (done == 0)
        done = take_rows(source, &rows, options->layout.unlabelled);
    rows_close(&rows);
    source->root =
        eformat("%.*s", (int)strcspn(slash ? slash + 1 : name, "."), slash ? slash + 1 : name);
    source->is_part = source->is_list = 1;
    if (done < 0 || !(list->has_pages || list->has_objects))
        return done;
    source->kind = &of_network;
    list->s3 = s3_open(list->has_objects ? options->access : NULL, &options->cancellation);
    return list->s3 != NULL ? 0 : -1;
}

const struct source_kind source_list = {.open = open_list, .load = load, .close = close_list};
