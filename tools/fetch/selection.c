#include "selection.h"

#include "lines.h"
#include "message.h"
#include "name.h"
#include "options.h"
#include "random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of whole numbers without zeros before them. */
static int by_number(const void *left, const void *right)
{
    size_t a = strlen(*(char *const *)left), b = strlen(*(char *const *)right);
    return a != b ? (a > b) - (a < b) : name_order(left, right);
}

/* The names that the images have, each once, and those in the tables of streams; in the order of
 * the first such table where it has them all, as where streams are joined. */
static void find_classes(struct classes *classes, const struct source *source, size_t count)
{
    size_t total = 0, kept = 0;
    int are_numbers = 1;
    const struct classes *table = NULL;
    for (size_t s = 0; s < count; s++)
        total += source[s].count + (source[s].stream ? source[s].stream->classes.count : 0);
    char **name = ealloc(total, sizeof *name);
    total = 0;
    for (size_t s = 0; s < count; s++) {
        const struct images *stream = source[s].stream;
        for (uint32_t i = 0; stream != NULL && i < stream->classes.count; i++)
            name[total++] = stream->classes.name[i];
        if (table == NULL && stream != NULL)
            table = &stream->classes;
        for (size_t i = 0; i < source[s].count; i++) {
            are_numbers &= source[s].item[i].label == LABEL_NUMBER;
            if (i == 0 ||
                strcmp(source[s].item[i].class_name, source[s].item[i - 1].class_name) != 0)
                name[total++] = source[s].item[i].class_name;
        }
    }
    if (total > 0)
        qsort(name, total, sizeof *name, are_numbers ? by_number : name_order);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(name[kept - 1], name[i]) != 0)
            name[kept++] = name[i];
    int is_table = table != NULL && table->count == kept;
    for (size_t i = 0; i < kept; i++)
        name[i] = ecopy(is_table ? table->name[i] : name[i]);
    classes->count = (uint32_t)kept;
    classes->name = name;
}

static int read_classes(struct classes *classes, const char *path)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that some editors put before UTF-8 */
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return fail("cannot read %s: %s", path, strerror(errno));
    struct lines lines = {.file = file, .name = path, .most = CLASSES_MAX_FILE};
    ssize_t got;
    while ((got = lines_next(&lines)) > 0) {
        const char *line = lines.line;
        if (strlen(line) != (size_t)got || !name_is_utf8(line)) {
            got = fail("cannot read %s: it is not text in UTF-8", path);
            break;
        }
        if (classes->count == 0 && strncmp(line, mark, sizeof mark - 1) == 0)
            line += sizeof mark - 1;
        size_t size = strcspn(line, "\r\n");
        classes->name = egrow_by_one(classes->name, classes->count, sizeof *classes->name);
        classes->name[classes->count++] = name_compose(line, size);
        if (size == 0) {
            got = fail("cannot take the classes of %s: line %u is empty", path, classes->count);
            break;
        }
    }
    if (got == 0 && classes->count == 0)
        got = fail("cannot take the classes of %s: it is empty", path);
    fclose(file);
    free(lines.line);
    return (int)got;
}

/* The label of an item, by a table that may be of the file at path. -1 with a sentence when it has
 * no such class. */
static int label_item(struct classes *classes, const char *path, const struct source_item *item,
                      uint32_t *label)
{
    const char *name = item->class_name;
    int is_number = strspn(name, "0123456789") == strlen(name) && strlen(name) < 10;
    if ((path == NULL || item->label != LABEL_NUMBER) && classes_find(classes, name, label))
        return 0;
    *label = is_number ? (uint32_t)strtoul(name, NULL, 10) : UINT32_MAX;
    if (*label < classes->count)
        return 0;
    return item->label == LABEL_NUMBER
               ? fail("its label is %s, and %s names the classes 0 to %u", name, path,
                      classes->count - 1)
               : fail("its class is %s, which is none of the %u that %s names", name_show(name),
                      classes->count, path);
}

static void count_labels(const struct selection *selection, size_t *count)
{
    memset(count, 0, selection->classes.count * sizeof *count);
    for (size_t i = 0; i < selection->count; i++)
        count[selection->image[i].label]++;
}

/* Keeps limit images, spread as evenly as the classes allow: in rounds in which every class that
 * has more gives one. A class gives the first ones of each split, of which it keeps the
 * proportions. */
static void apply_limit(struct selection *selection, uint64_t limit)
{
    uint32_t classes = selection->classes.count;
    size_t *has = ealloc(classes, sizeof *has), *gives = ealloc(classes, sizeof *gives), kept = 0;
    size_t(*share)[SPLITS] = ealloc(classes, sizeof *share);
    count_labels(selection, has);
    for (int more = 1; limit > 0 && more;) {
        more = 0;
        for (uint32_t c = 0; c < classes && limit > 0; c++)
            if (gives[c] < has[c]) {
                gives[c]++;
                limit--;
                more = 1;
            }
    }
    for (size_t i = 0; i < selection->count; i++)
        share[selection->image[i].label][selection->image[i].split]++;
    for (uint32_t c = 0; c < classes; c++)
        for (size_t split = 0, sum = 0, given = 0; split < SPLITS && has[c] > 0; split++) {
            sum += share[c][split];
            size_t until = (size_t)ceil((double)gives[c] * (double)sum / (double)has[c]);
            share[c][split] = until - given;
            given = until;
        }
    for (size_t i = 0; i < selection->count; i++) {
        size_t *left = &share[selection->image[i].label][selection->image[i].split];
        if (*left > 0) {
            --*left;
            selection->image[kept++] = selection->image[i];
        }
    }
    selection->count = kept;
    free(has);
    free(gives);
    free(share);
}

/* The order in which images are chosen: their own, or one by the seed. */
static void order_images(const struct selection *selection, const struct selection_options *options,
                         size_t *order)
{
    uint64_t *id = ealloc(selection->count, sizeof *id);
    for (size_t i = 0; i < selection->count; i++) {
        order[i] = i;
        id[i] = selection->image[i].id;
    }
    if (options->random)
        shuffle(options->seed, 0, PURPOSE_SPLIT, id, selection->count, order);
    free(id);
}

/* Marks floor(share·n + 0.5) images of each class train and the rest validation: the first n, or
 * any by the seed. Those that their source has to validate or test with are none of them. */
static void apply_split(struct selection *selection, const struct selection_options *options)
{
    uint32_t classes = selection->classes.count;
    size_t *order = ealloc(selection->count, sizeof *order),
           *train = ealloc(classes, sizeof *train);
    order_images(selection, options, order);
    for (size_t i = 0; i < selection->count; i++)
        train[selection->image[i].label] += selection->image[i].split == SPLIT_TRAIN;
    for (uint32_t c = 0; c < classes; c++)
        train[c] = (size_t)floor(options->split * (double)train[c] + 0.5);
    for (size_t i = 0; i < selection->count; i++) {
        struct selected *image = &selection->image[order[i]];
        if (image->split != SPLIT_TRAIN)
            continue;
        image->split = train[image->label] > 0 ? SPLIT_TRAIN : SPLIT_VALIDATION;
        train[image->label] -= train[image->label] > 0;
    }
    free(order);
    free(train);
}

/* Deals all but the test images into folds, in their order, or by the seed. */
static void apply_fold(struct selection *selection, const struct selection_options *options)
{
    struct fold fold = options->fold;
    size_t *order = ealloc(selection->count, sizeof *order);
    order_images(selection, options, order);
    for (size_t i = 0; i < selection->count; i++) {
        struct selected *image = &selection->image[order[i]];
        image->split = fold_deal(&fold, image->label, image->split);
    }
    fold_free(&fold);
    free(order);
}

/* Says of which classes there are images to test on and none to learn from: where the folders of
 * validation and test are others than those of training, as Tiny ImageNet's are. */
static void remark_untrained(const struct selection *selection)
{
    uint32_t classes = selection->classes.count;
    size_t *trains = ealloc(classes, sizeof *trains), *has = ealloc(classes, sizeof *has), all = 0;
    struct some_names lost = {0};
    count_labels(selection, has);
    for (size_t i = 0; i < selection->count; i++) {
        trains[selection->image[i].label] += selection->image[i].split == SPLIT_TRAIN;
        all += selection->image[i].split == SPLIT_TRAIN;
    }
    for (uint32_t c = 0; c < classes && all > 0; c++)
        if (has[c] > 0 && trains[c] == 0)
            some_names_add(&lost, selection->classes.name[c]);
    if (lost.count > 0) {
        const char *them = lost.count == 1 ? "it" : "them";
        note("no image of the class%s %s is for training, so no network can learn %s: --exclude "
             "leaves %s out",
             lost.count == 1 ? "" : "es", some_names_told(&lost), them, them);
    }
    some_names_free(&lost);
    free(trains);
    free(has);
}

int selection_make(struct selection *selection, const struct source *source, size_t count,
                   const struct selection_options *options)
{
    size_t total = 0;
    *selection = (struct selection){0};
    struct classes *classes = &selection->classes;
    const char *path = options->classes;
    if (path == NULL)
        find_classes(classes, source, count);
    else if (read_classes(classes, path) < 0)
        return -1;
    for (uint32_t i = 0, first; i < classes->count; i++)
        if (classes_find(classes, classes->name[i], &first) && first != i)
            return fail("cannot take the classes of %s: %s stands there twice", path,
                        classes->name[i]);
    for (size_t s = 0; s < count; s++)
        total += source[s].count;
    selection->image = ealloc(total, sizeof *selection->image);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < source[s].count; i++) {
            const struct source_item *item = &source[s].item[i];
            struct selected *image = &selection->image[selection->count];
            *image = (struct selected){.item = i,
                                       .id = selection->count++,
                                       .source = (uint32_t)s,
                                       .split = options->as >= 0   ? (enum split)options->as
                                                : item->split >= 0 ? (enum split)item->split
                                                                   : SPLIT_TRAIN};
            if (label_item(classes, path, item, &image->label) < 0)
                return fail("cannot label %s: %s", source_show(&source[s], item->key), why());
        }
    if (options->limit != OPTION_UNSET)
        apply_limit(selection, options->limit);
    if (options->fold.of > 0)
        apply_fold(selection, options);
    if (!isnan(options->split)) {
        apply_split(selection, options);
        int is_validated = options->split >= 1;
        for (size_t i = 0; i < selection->count; i++)
            is_validated |= selection->image[i].split == SPLIT_VALIDATION;
        if (!is_validated)
            note("--split %g leaves no image for validation: no class has enough of them",
                 options->split);
    }
    remark_untrained(selection);
    if (options->unlabelled) {
        classes_free(classes);
        for (size_t i = 0; i < selection->count; i++)
            selection->image[i].label = NO_CLASS;
    }
    return 0;
}

void selection_free(struct selection *selection)
{
    classes_free(&selection->classes);
    free(selection->image);
    *selection = (struct selection){0};
}
