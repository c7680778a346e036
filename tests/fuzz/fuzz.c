/* Data that nobody would write, for all that reads: libFuzzer's harness, a row a target.
 *
 * build/fuzzed/fuzz_ROOM is linked with the objects of tools/ROOM, whose names are those of other
 * rooms too, so this file is compiled once for each with ROOM_… defined. TARGET=images
 * build/fuzzed/fuzz_train CORPUS runs one target; make fuzz runs all (fuzz.mk). A target ends well
 * whatever it is given: with a sentence or without.
 *
 * Of streams the sums are made right before they are read, or nothing behind the first sum would
 * ever be.
 */
#include "message.h"
#include "record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

static char path[64]; /* of a file with the data, which fd is */
static int fd;

static void fill_file(const uint8_t *bytes, size_t size)
{
    if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
        abort();
    lseek(fd, 0, SEEK_SET);
}

/* Makes the number at the end of key in a record that begins at from, written in 8 bytes, what it
 * should be. */
static void set_number(uint8_t *from, size_t size, const char *key, uint64_t value)
{
    size_t length = strlen(key);
    uint8_t *at = memmem(from, size, key, length);
    if (at == NULL || (size_t)(from + size - at) < length + 8)
        return;
    for (int i = 0; i < 8; i++)
        at[length + (size_t)i] = (uint8_t)(value >> (56 - 8 * i));
}

static void fill_stream(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = ealloc(size + 1, 1), *begins = copy;
    memcpy(copy, bytes, size);
    uint64_t records = 0;
    for (size_t at = 0; at < size;) {
        int64_t span = record_span(copy + at, size - at);
        if (span <= 0)
            break;
        uint8_t *record = copy + at;
        if (memmem(record, (size_t)span, "\xa4type\xa6header", 12)) {
            begins = record;
            records = 0;
        }
        set_number(record, (size_t)span, "\xa7records\xcf", records);
        set_number(record, (size_t)span,
                   "\xa6"
                   "digest\xcf",
                   XXH3_64bits(begins, (size_t)(record - begins)));
        if (span > 14 && memcmp(record + span - 14, "\xa4seal\xcf", 6) == 0)
            set_number(record + span - 14, 14, "\xa4seal\xcf",
                       XXH3_64bits(record, (size_t)span - 14));
        records++;
        at += (size_t)span;
    }
    fill_file(copy, size);
    free(copy);
}

#ifdef ROOM_train
#include "nn/model.h"
#include "tools/train/loader.h"
#include "views.h"

static void images(void)
{
    struct images images = {0};
    struct image image;
    struct record record;
    struct views views;
    if (images_open(&images, fd, "data", "images epochs") == 0)
        for (int got; (got = images_next(&images, &image, &record)) > IMAGES_END;)
            if (got == IMAGES_VIEWS && views_read(&record, &views) == 0)
                for (size_t i = 0; i < views.count; i++)
                    views_id(&views, i);
    images_close(&images);
}

static void load(void)
{
    struct images images = {0};
    struct loader loader = {0};
    struct batch batch;
    if (images_open(&images, fd, "data", "images epochs") == 0 &&
        loader_open(&loader, &images, 3, 0) == 0)
        for (int i = 0; i < 100 && loader_next(&loader, &batch) > LOADER_END; i++)
            ;
    loader_close(&loader);
    images_close(&images);
}

static void model(void)
{
    struct model model = {0};
    if (model_read(&model, path) == 0)
        model_free(&model);
}
#endif

#ifdef ROOM_plot
#include "tools/plot/reading/filters.h"
#include "tools/plot/reading/titles.h"
#include "tools/plot/reading/sheet.h"
#include "tools/plot/show.h"

#include <math.h>

static void history(void)
{
    static const char *const kind[] = {"curves",    "overlay", "summary",
                                       "confusion", "classes", "table"};
    struct input input = input_of(path);
    struct history history = {.rank = RANK_BEST};
    const uint32_t size[] = {60, 20};
    if (input_open(&input, 0) == 0 && input_read(&input, &history, NAN) >= 0) {
        give_titles(&history);
        for (size_t i = 0; history.runs + history.scores < 30 && i < 2 * sizeof kind / sizeof *kind;
             i++) {
            struct page page = show_page(size, i & 1, "title", NULL);
            if (show_check(&history, kind[i / 2]) == 0)
                show_text(&history, kind[i / 2], &page);
        }
    }
    input_close(&input);
    history_free(&history);
}

static void sheet(void)
{
    struct input input = input_of(path);
    struct sheet sheet = {.options = {SHEET_AUTO, NULL, 16, 64}};
    sheet_read(&sheet, &input, 1);
    sheet_free(&sheet);
    input_close(&input);
}

static void filters(void)
{
    struct input input = input_of(path);
    struct bank bank = {0};
    struct history history = {0};
    (void)filters_read(&bank, &history, &input, 1);
    filters_free(&bank);
    history_free(&history);
    input_close(&input);
}
#endif

#ifdef ROOM_dump
#include "tools/dump/export.h"
#include "tools/dump/tables.h"

#include <math.h>

static void ranking(void)
{
    struct input input = input_of(path);
    struct history history = {.rank = RANK_BEST};
    if (input_open(&input, 0) == 0 && input_read(&input, &history, NAN) >= 0)
        print_ranking(&history, 0);
    input_close(&input);
    history_free(&history);
}

static void exports(void)
{
    struct input input = input_of(path);
    export_records(&input, 1, EXPORT_JSON_BYTES);
    input_close(&input);
    input = input_of(path);
    export_records(&input, 1, EXPORT_CSV);
    input_close(&input);
}
#endif

#ifdef ROOM_fetch
#include "tools/fetch/brace.h"
#include "tools/fetch/decoding/decode.h"
#include "tools/fetch/sources/labels.h"
#include "tools/fetch/name.h"
#include "tools/fetch/decoding/orient.h"
#include "tools/fetch/credentials/credentials.h"
#include "tools/fetch/s3/s3xml.h"
#include "tools/fetch/sources/open.h"
#include "tools/fetch/selection.h"

static const uint8_t *data;
static size_t data_size;

static void picture(void)
{
    struct pixels pixels = {0};
    decode(data, data_size, &pixels);
    pixels_free(&pixels);
}

static void listing(void)
{
    char bucket[] = "b", folder[] = "f/", code[64];
    struct s3_listing listing = {.bucket = bucket, .folder = folder};
    struct text next = {0};
    s3xml_page(data, data_size, folder, &listing, &next);
    s3xml_error(data, data_size, "<Code>", code, sizeof code);
    for (size_t i = 0; i < listing.count; i++)
        free(listing.object[i].key);
    for (size_t i = 0; i < listing.prefixes; i++)
        free(listing.prefix[i]);
    free(listing.object);
    free(listing.prefix);
    text_free(&next);
}

static void archive_of(const char *name)
{
    struct source source = {0};
    const struct source_options options = {.skip_bad = 1};
    source.name = ecopy(name);
    source.kind = &source_archive;
    source_archive.open(&source, name, &options);
    source_close(&source);
}
static void archive(void)
{
    archive_of(path);
}

static void add_member(const char *name, const uint8_t *bytes, size_t size)
{
    struct {
        char name[100], mode[8], user[8], group[8], size[12], time[12], sum[8], type, rest[355];
    } head = {.mode = "0000644", .type = '0', .rest = ""};
    static const uint8_t zeros[512];
    unsigned sum = 0;
    memcpy(head.rest + 100, "ustar\00000", 8);
    snprintf(head.name, sizeof head.name, "%s", name);
    snprintf(head.size, sizeof head.size, "%011zo", size);
    memset(head.sum, ' ', sizeof head.sum);
    for (size_t i = 0; i < sizeof head; i++)
        sum += ((const uint8_t *)&head)[i];
    snprintf(head.sum, sizeof head.sum, "%06o", sum);
    if (write(fd, &head, sizeof head) < 0 || (size && write(fd, bytes, size) < 0) ||
        write(fd, zeros, (512 - size % 512) % 512) < 0)
        abort();
}
/* A label beside an image, in an archive: the first byte says in which kind of file. */
static void label(void)
{
    static const char *const name[] = {"a.cls", "a.json", "a.txt", "batches.meta.txt"};
    static const uint8_t end[1024];
    if (data_size == 0)
        return;
    fill_file(NULL, 0);
    add_member("a.png", (const uint8_t *)"\x89PNG", 4);
    add_member(name[data[0] % 4], data + 1, data_size - 1);
    if (data[0] % 4 == 3)
        add_member("data_batch_1.bin", data + 1, data_size - 1);
    if (write(fd, end, sizeof end) < 0)
        abort();
    archive_of(path);
}

static void source_of(const struct source_kind *kind, const char *name)
{
    struct source source = {.name = ecopy(name), .kind = kind, .skip_bad = 1};
    const struct source_options options = {.skip_bad = 1};
    if (kind->open(&source, name, &options) == 0)
        for (size_t i = 0; i < source.count && source.kind->load != NULL; i++) {
            struct fetched fetched = {0};
            source.kind->load(&source, i, &fetched);
            fetched_free(&fetched);
        }
    source_close(&source);
}
static void list(void)
{
    source_of(&source_list, path);
}
static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}
/* The first byte says how many are of images; the rest are of labels. */
static void idx(void)
{
    size_t images = data_size > 0 && data[0] < data_size ? data[0] : 0;
    write_file("train-labels-idx1-ubyte", data + images, data_size - images);
    write_file("train-images-idx3-ubyte", data + (images > 0), images > 0 ? images - 1 : 0);
    source_of(&source_idx, "train-images-idx3-ubyte");
}

static void table(void)
{
    struct source source = {.name = path};
    struct selection selection;
    const struct selection_options options = {.as = -1, .limit = UINT64_MAX, .classes = path};
    source_add(&source, "key", "7", 1, 1)->label = LABEL_NUMBER;
    selection_make(&selection, &source, 1, &options);
    selection_free(&selection);
    source_empty(&source);
}

static void profile(void)
{
    struct access access;
    const struct access_options options = {.no_sign_request = 1};
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    setenv("AWS_CONFIG_FILE", path, 1);
    if (access_find(&access, &options) == 0)
        access_free(&access);
}

static void names(void)
{
    struct names names = {0};
    char *text = ealloc(data_size + 1, 1);
    memcpy(text, data, data_size);
    brace_expand(&names, text);
    names_free(&names);
    name_show(text);
    free(name_compose(text, strlen(text)));
    free(text);
}
#endif

static const struct target {
    const char *name;
    int is_stream;
    void (*run)(void);
} targets[] = {
#ifdef ROOM_dump
    {"exports", 1, exports}, {"ranking", 1, ranking},
#endif
#ifdef ROOM_train
    {"images", 1, images},   {"load", 1, load},       {"model", 1, model},
#endif
#ifdef ROOM_plot
    {"history", 1, history}, {"sheet", 1, sheet},     {"filters", 1, filters},
#endif
#ifdef ROOM_fetch
    {"picture", 0, picture}, {"listing", 0, listing}, {"archive", 0, archive},
    {"label", 0, label},     {"table", 0, table},     {"profile", 0, profile},
    {"names", 0, names},     {"list", 0, list},       {"idx", 0, idx},
#endif
};
static const struct target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("TARGET");
    (void)argc;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (name && strcmp(targets[i].name, name) == 0)
            target = &targets[i];
    if (target == NULL) {
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
            fprintf(stderr, "TARGET=%s %s\n", targets[i].name, (*argv)[0]);
        exit(USAGE);
    }
    verbosity = 0;
    fd = memfd_create("data.tar", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int nowhere = open("/dev/null", O_WRONLY);
    return fd < 0 || dup2(nowhere, STDOUT_FILENO) < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (target->is_stream)
        fill_stream(bytes, size);
    else
        fill_file(bytes, size);
#ifdef ROOM_fetch
    data = bytes;
    data_size = size;
#endif
    target->run();
    return 0;
}
