#include "plan.h"

#include "message.h"
#include "options.h"
#include "shuffle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The names of all folders, sorted, each once. */
static void find_classes(struct classes *classes, const struct source *source, size_t count)
{
    size_t total = 0, kept = 0;
    for (size_t s = 0; s < count; s++)
        total += source[s].count;
    char **name = ealloc(total, sizeof *name);
    total = 0;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < source[s].count; i++)
            if (i == 0 ||
                strcmp(source[s].item[i].class_name, source[s].item[i - 1].class_name) != 0)
                name[total++] = source[s].item[i].class_name;
    qsort(name, total, sizeof *name, by_name);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(name[kept - 1], name[i]) != 0)
            name[kept++] = name[i];
    for (size_t i = 0; i < kept; i++)
        name[i] = ecopy(name[i]);
    classes->count = (uint32_t)kept;
    classes->name = name;
}

static uint32_t label_of(const struct classes *classes, const char *name)
{
    char **found = bsearch(&name, classes->name, classes->count, sizeof name, by_name);
    return (uint32_t)(found - classes->name);
}

static void count_labels(const struct plan *plan, size_t *count)
{
    memset(count, 0, plan->classes.count * sizeof *count);
    for (size_t i = 0; i < plan->count; i++)
        count[plan->image[i].label]++;
}

/* How many of each class make limit images when they are spread as evenly as the classes allow:
 * rounds in which every class that has more gives one. */
static void spread(const size_t *has, uint32_t classes, uint64_t limit, size_t *gives)
{
    int more = 1;
    memset(gives, 0, classes * sizeof *gives);
    while (limit > 0 && more) {
        more = 0;
        for (uint32_t c = 0; c < classes && limit > 0; c++)
            if (gives[c] < has[c]) {
                gives[c]++;
                limit--;
                more = 1;
            }
    }
}

/* Keeps the first gives[label] images of each class. */
static void apply_limit(struct plan *plan, uint64_t limit)
{
    uint32_t classes = plan->classes.count;
    size_t *has = ealloc(classes, sizeof *has), *gives = ealloc(classes, sizeof *gives), kept = 0;
    count_labels(plan, has);
    spread(has, classes, limit, gives);
    for (size_t i = 0; i < plan->count; i++)
        if (gives[plan->image[i].label] > 0) {
            gives[plan->image[i].label]--;
            plan->image[kept++] = plan->image[i];
        }
    plan->count = kept;
    free(has);
    free(gives);
}

/* Marks floor(share·n + 0.5) images of each class train and the rest validation: the first n of the
 * order that is given. Those that their source has to test with are none of them. */
static void apply_split(struct plan *plan, double share, const size_t *order)
{
    uint32_t classes = plan->classes.count;
    size_t *train = ealloc(classes, sizeof *train);
    for (size_t i = 0; i < plan->count; i++)
        train[plan->image[i].label] += plan->image[i].split != SPLIT_TEST;
    for (uint32_t c = 0; c < classes; c++)
        train[c] = (size_t)floor(share * (double)train[c] + 0.5);
    for (size_t i = 0; i < plan->count; i++) {
        struct planned *image = &plan->image[order[i]];
        if (image->split == SPLIT_TEST)
            continue;
        image->split = train[image->label] > 0 ? SPLIT_TRAIN : SPLIT_VALIDATION;
        train[image->label] -= train[image->label] > 0;
    }
    free(train);
}

static void split_images(struct plan *plan, const struct plan_options *options)
{
    size_t *order = ealloc(plan->count, sizeof *order);
    uint64_t *id = ealloc(plan->count, sizeof *id);
    for (size_t i = 0; i < plan->count; i++) {
        order[i] = i;
        id[i] = plan->image[i].id;
    }
    if (options->random)
        shuffle(options->seed, 0, PURPOSE_SPLIT, id, plan->count, order);
    apply_split(plan, options->split, order);
    free(order);
    free(id);
}

static enum split split_of(const struct source_item *item, const struct plan_options *options)
{
    return options->as >= 0   ? (enum split)options->as
           : item->split >= 0 ? (enum split)item->split
                              : SPLIT_TRAIN;
}

void plan_make(struct plan *plan, const struct source *source, size_t count,
               const struct plan_options *options)
{
    *plan = (struct plan){0};
    find_classes(&plan->classes, source, count);
    size_t total = 0;
    for (size_t s = 0; s < count; s++)
        total += source[s].count;
    plan->image = ealloc(total, sizeof *plan->image);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < source[s].count; i++) {
            plan->image[plan->count] = (struct planned){
                .item = i,
                .id = plan->count,
                .label = label_of(&plan->classes, source[s].item[i].class_name),
                .split = split_of(&source[s].item[i], options),
            };
            plan->count++;
        }
    if (options->limit != OPTION_UNSET)
        apply_limit(plan, options->limit);
    if (!isnan(options->split))
        split_images(plan, options);
}

void plan_free(struct plan *plan)
{
    classes_free(&plan->classes);
    free(plan->image);
    *plan = (struct plan){0};
}
