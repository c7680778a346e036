#include "selection.h"

#include "message.h"
#include "name.h"
#include "options.h"
#include "shuffle.h"
#include "table.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
 * order that is given. Those that their source has to validate or test with are none of them. */
static void apply_split(struct plan *plan, double share, const size_t *order)
{
    uint32_t classes = plan->classes.count;
    size_t *train = ealloc(classes, sizeof *train);
    for (size_t i = 0; i < plan->count; i++)
        train[plan->image[i].label] += plan->image[i].split == SPLIT_TRAIN;
    for (uint32_t c = 0; c < classes; c++)
        train[c] = (size_t)floor(share * (double)train[c] + 0.5);
    for (size_t i = 0; i < plan->count; i++) {
        struct planned *image = &plan->image[order[i]];
        if (image->split != SPLIT_TRAIN)
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

static int take_item(struct plan *plan, struct table *table, const struct source *source, size_t i,
                     const struct plan_options *options)
{
    const struct source_item *item = &source->item[i];
    struct planned *image = &plan->image[plan->count];
    *image = (struct planned){.item = i, .id = plan->count, .split = split_of(item, options)};
    plan->count++;
    if (table_label(table, item, &image->label) == 0)
        return 0;
    char *shown = source_show(source, item->key), *reason = ecopy(why());
    fail("cannot label %s: %s", shown, reason);
    free(shown);
    free(reason);
    return -1;
}

/* Says of which classes there are images to test on and none to learn from: where the folders of
 * validation and test are others than those of training, as Tiny ImageNet's are. */
static void remark_untrained(const struct plan *plan)
{
    uint32_t classes = plan->classes.count;
    size_t *trains = ealloc(classes, sizeof *trains), *has = ealloc(classes, sizeof *has), all = 0;
    struct some_names lost = {0};
    struct text text = {0};
    count_labels(plan, has);
    for (size_t i = 0; i < plan->count; i++) {
        trains[plan->image[i].label] += plan->image[i].split == SPLIT_TRAIN;
        all += plan->image[i].split == SPLIT_TRAIN;
    }
    for (uint32_t c = 0; c < classes && all > 0; c++)
        if (has[c] > 0 && trains[c] == 0)
            some_names_add(&lost, plan->classes.name[c]);
    if (lost.count > 0) {
        some_names_tell(&text, &lost);
        const char *them = lost.count == 1 ? "it" : "them";
        note("no image of the class%s %s is for training, so no network can learn %s: --exclude "
             "leaves %s out",
             lost.count == 1 ? "" : "es", text.at, them, them);
    }
    text_free(&text);
    some_names_free(&lost);
    free(trains);
    free(has);
}

static int has_split(const struct plan *plan, enum split split)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->image[i].split == split)
            return 1;
    return 0;
}

int plan_make(struct plan *plan, const struct source *source, size_t count,
              const struct plan_options *options)
{
    struct table table;
    *plan = (struct plan){0};
    if (table_make(&table, source, count, options->classes) < 0)
        return -1;
    size_t total = 0;
    int done = 0;
    for (size_t s = 0; s < count; s++)
        total += source[s].count;
    plan->image = ealloc(total, sizeof *plan->image);
    for (size_t s = 0; s < count && done == 0; s++)
        for (size_t i = 0; i < source[s].count && done == 0; i++)
            done = take_item(plan, &table, &source[s], i, options);
    plan->classes = table.classes;
    if (done < 0)
        return -1;
    if (options->limit != OPTION_UNSET)
        apply_limit(plan, options->limit);
    if (!isnan(options->split))
        split_images(plan, options);
    if (!isnan(options->split) && options->split < 1 && !has_split(plan, SPLIT_VALIDATION))
        note("--split %g leaves no image for validation: no class has enough of them",
             options->split);
    remark_untrained(plan);
    return 0;
}

void plan_free(struct plan *plan)
{
    classes_free(&plan->classes);
    free(plan->image);
    *plan = (struct plan){0};
}
