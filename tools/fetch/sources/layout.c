#include "sources/layout.h"

#include "image.h"
#include "message.h"
#include "name.h"
#include "options.h"
#include "sources/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The next folder of what is left of a key; NULL when that is the file's name. */
static const char *next_folder(const char **rest, size_t *size)
{
    const char *start = *rest + strspn(*rest, "/");
    *size = strcspn(start, "/");
    *rest = start + *size;
    return (*rest)[strspn(*rest, "/")] != '\0' ? start : NULL;
}

int layout_split(const char *folder, size_t size)
{
    static const struct {
        const char *name;
        enum split split;
    } known[] = {{"train", SPLIT_TRAIN},           {"training", SPLIT_TRAIN},
                 {"val", SPLIT_VALIDATION},        {"valid", SPLIT_VALIDATION},
                 {"validation", SPLIT_VALIDATION}, {"test", SPLIT_TEST},
                 {"testing", SPLIT_TEST}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == size && strncasecmp(known[i].name, folder, size) == 0)
            return (int)known[i].split;
    return -1;
}

/* A key's folders, but for one that tells the split. */
struct way {
    const char *rest;
    size_t skip;  /* the folder not to be counted; 0: none */
    size_t depth; /* folders that are */
    int split;    /* that it tells, or -1 */
};

/* The next folder, which rest then stands behind. */
static const char *step(struct way *way, size_t *size)
{
    if (way->skip > 0 && --way->skip == 0)
        next_folder(&way->rest, size);
    return next_folder(&way->rest, size);
}

/* What is known of all items that get their class here. */
struct survey {
    const struct layout_options *options;
    struct way first; /* of one of them */
    size_t common;    /* folders that all of them begin with */
    size_t deepest;   /* the most folders that one has */
    int side_by_side; /* there are two folders, or more, where the common ones end */
    size_t images;
    unsigned splits; /* bits of those that folders are called for */
    int own_split; /* that the source's name tells, where no folder does and one is asked for; or -1
                    */
};

/* The way to an image. */
static struct way way_of(const char *key, struct survey *survey)
{
    struct way way = {.rest = key, .split = survey->own_split};
    const char *rest = key, *folder;
    size_t size;
    while ((folder = next_folder(&rest, &size)) != NULL) {
        int found = layout_split(folder, size);
        way.depth++;
        if (found >= 0)
            survey->splits |= 1U << found;
        if (found >= 0 && survey->options->split_folders && way.skip == 0) {
            way.split = found;
            way.skip = way.depth;
        }
    }
    way.depth -= way.skip > 0;
    return way;
}

/* How many folders, of the first most ones, two ways begin with. */
static size_t count_common(struct way a, struct way b, size_t most)
{
    size_t common = 0, size_a, size_b;
    const char *folder_a, *folder_b;
    while (common < most && (folder_a = step(&a, &size_a)) != NULL &&
           (folder_b = step(&b, &size_b)) != NULL && size_a == size_b &&
           memcmp(folder_a, folder_b, size_a) == 0)
        common++;
    return common;
}

/* Whether folders tell anything of an item: not of what came with its class and split. */
static int is_by_folder(const struct source_item *item)
{
    return item->class_name == NULL || item->label != LABEL_FOLDER;
}

/* The way to an item that gets its class here; 0 for one that does not. */
static int find_way(const struct source_item *item, struct survey *survey, struct way *way)
{
    if (!is_by_folder(item))
        return 0;
    *way = way_of(item->key, survey);
    return item->class_name == NULL && (way->split >= 0 || !survey->options->split_folders);
}

static void survey_items(const struct source *source, struct survey *survey)
{
    struct way way, deeper = {0};
    for (size_t i = 0; i < source->count; i++) {
        if (!find_way(&source->item[i], survey, &way))
            continue;
        if (survey->images++ == 0)
            survey->first = way;
        survey->common =
            count_common(survey->first, way, survey->images == 1 ? way.depth : survey->common);
        if (way.depth > survey->deepest)
            survey->deepest = way.depth;
    }
    for (size_t i = 0; i < source->count && !survey->side_by_side; i++) {
        if (!find_way(&source->item[i], survey, &way) || way.depth == survey->common)
            continue;
        if (deeper.rest == NULL)
            deeper = way;
        survey->side_by_side = count_common(deeper, way, survey->common + 1) == survey->common;
    }
}

/* Gives the items their classes and splits, and takes those that get none away. -1 where a class
 * cannot be named and bad images are errors. */
static int assign(struct source *source, struct survey *survey)
{
    for (size_t i = 0; i < source->count; i++) {
        struct source_item *item = &source->item[i];
        const struct layout_options *options = survey->options;
        if (!is_by_folder(item))
            continue;
        struct way way = way_of(item->key, survey);
        int is_last = options->class_level == OPTION_UNSET;
        uint64_t level = is_last ? way.depth : options->class_level;
        int is_stray =
            item->class_name == NULL &&
            (is_last ? way.depth == survey->common && survey->side_by_side : level > way.depth);
        if (is_stray || (options->split_folders && way.split < 0 && item->split < 0)) {
            some_names_add(&source->omitted.stray, item->key);
            item->is_out = 1;
            continue;
        }
        if (way.split >= 0)
            item->split = way.split;
        if (item->class_name != NULL)
            continue;
        const char *folder = NULL;
        size_t size = 0;
        for (; level > 0; level--)
            folder = step(&way, &size);
        if (folder == NULL) { /* the source itself */
            folder = source->root;
            size = strlen(folder);
            item->is_out = !name_is_utf8(folder);
        }
        if (item->is_out) {
            if (source_refuse(source, item->key, "the name of its folder is not UTF-8") < 0)
                return -1;
        } else {
            item->class_name = name_compose(folder, size);
        }
    }
    source_sift(source);
    return 0;
}

/* Where there is no class, or one that nobody can have meant. */
static int check_strays(const struct source *source, const struct survey *survey)
{
    size_t strays = source->omitted.stray.count;
    const struct layout_options *options = survey->options;
    if (source->count == 0 && strays > 0 && options->split_folders && !survey->images)
        return fail("%s has no images in folders called train, validation or test, which "
                    "--split-folders asks for",
                    source->name);
    if (source->count == 0 && strays > 0)
        return fail(
            "no image of %s lies %llu folder%s deep, where --class-level looks for its class",
            source->name, (unsigned long long)options->class_level, plural(options->class_level));
    if (options->class_level == OPTION_UNSET && strays > source->count)
        return fail(
            "%zu of the %zu images of %s lie beside the folders that the others lie in (%s): "
            "choose by --include and --exclude, or name the folder of the class by --class-level",
            strays, strays + source->count, source->name,
            source_show(source, source->omitted.stray.name[0]));
    return 0;
}

/* That splits, of which there are two or more, are taken alike. 0 where there are not. */
static int remark_splits(const char *where, unsigned splits)
{
    struct some_names names = {0};
    for (int split = 0; split < SPLITS; split++)
        if (splits >> split & 1)
            some_names_add(&names, split_name[split]);
    int are_several = names.count > 1;
    if (are_several)
        note("%s for %s are all taken alike; --split-folders makes these the splits", where,
             some_names_told(&names));
    some_names_free(&names);
    return are_several;
}

/* What folders look like and were not taken for. */
static void remark(const struct source *source, const struct survey *survey)
{
    char where[4400];
    int same = 1;
    snprintf(where, sizeof where, "%s: the images in its folders", source->name);
    if (!survey->options->split_folders && remark_splits(where, survey->splits))
        return;
    for (size_t i = 1; i < source->count && same; i++)
        same = strcmp(source->item[i].class_name, source->item[0].class_name) == 0;
    if (!same || survey->options->class_level != OPTION_UNSET ||
        survey->deepest <= survey->common + 1)
        return;
    note("%s: all images lie in folders called %s, so there is one class; --class-level %zu takes "
         "the folders above them",
         source->name, name_show(source->item[0].class_name), survey->common + 1);
}

void layout_remark(const struct source *source, size_t count, const struct layout_options *options)
{
    unsigned splits = 0;
    for (size_t s = 0; s < count; s++) {
        int split = source[s].root ? layout_split(source[s].root, strlen(source[s].root)) : -1;
        splits |= split < 0 ? 0 : 1U << split;
    }
    if (!options->split_folders)
        remark_splits("the sources", splits);
}

static int forget_labels(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free(source->item[i].class_name);
        source->item[i].class_name = ecopy("");
        source->item[i].label = LABEL_FOLDER;
    }
    return 0;
}

int layout(struct source *source, const struct layout_options *options)
{
    struct survey survey = {.options = options, .own_split = -1};
    if (options->unlabelled)
        return forget_labels(source);
    survey_items(source, &survey);
    if (options->split_folders && survey.splits == 0 && source->root != NULL) {
        survey.own_split = layout_split(source->root, strlen(source->root));
        survey_items(source, &survey);
    }
    if (survey.images > 0 && survey.deepest == 0 && source->is_part &&
        options->class_level == OPTION_UNSET)
        return fail("the images of %s lie in no folder, and no %s their classes; --class-level 0 "
                    "makes the name of the %s their class",
                    source->name,
                    source->is_list ? "column label tells"
                                    : ".cls, .json or .txt beside them tells",
                    source->is_list ? "list" : "archive");
    if (assign(source, &survey) < 0 || check_strays(source, &survey) < 0)
        return -1;
    if (source->count > 0)
        remark(source, &survey);
    return 0;
}

char *layout_member(const char *key, const char *class_name, int has_file)
{
    const char *last = key, *rest = key, *folder;
    size_t size = 0, part, length = strlen(key);
    while ((folder = next_folder(&rest, &part)) != NULL) {
        last = folder;
        size = part;
    }
    char *class_of_key = name_compose(last, size);
    int is_in_it = strcmp(class_of_key, class_name) == 0;
    free(class_of_key);
    while (strncmp(key, "../", 3) == 0 || strncmp(key, "./", 2) == 0 || *key == '/') {
        size_t step = strcspn(key, "/") + 1; /* a path in a list may lead out of its folder */
        key += step;
        length -= step;
    }
    while (length > 0 && key[length - 1] == '/')
        length--; /* a key of S3 may end so; in a tar it would be a folder */
    const char *slash = memrchr(key, '/', length);
    int is_png = length > 4 && strncasecmp(key + length - 4, ".png", 4) == 0;
    size_t folders = slash != NULL ? (size_t)(slash + 1 - key) : 0;
    return eformat("%.*s%s%s%.*s%s", (int)folders, key, is_in_it ? "" : class_name,
                   is_in_it ? "" : "/", (int)(length - folders), key + folders,
                   has_file || is_png ? "" : ".png");
}
