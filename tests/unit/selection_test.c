#include "tools/fetch/selection.h"

#include "options.h"

#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two sources: a with 5 images of bird and 10 of cat, b with 3 of ant. */
static struct source source[2];
static const struct plan_options plain = {.split = NAN, .as = -1, .limit = OPTION_UNSET};

static void fill(struct source *into, const char *name, int count)
{
    char key[32];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%s/%02d.png", name, i);
        source_add(into, key, name, strlen(name), 1);
    }
}

static int set_up(void **state)
{
    (void)state;
    fill(&source[0], "bird", 5);
    fill(&source[0], "cat", 10);
    fill(&source[1], "ant", 3);
    return 0;
}

static void count(const struct plan *plan, int of[3][SPLITS])
{
    memset(of, 0, 3 * sizeof *of);
    for (size_t i = 0; i < plan->count; i++)
        of[plan->image[i].label][plan->image[i].split]++;
}

static void labels_and_ids(void **state)
{
    struct plan plan;
    (void)state;
    plan_make(&plan, source, 2, &plain);
    assert_int_equal(plan.classes.count, 3);
    assert_string_equal(plan.classes.name[0], "ant");
    assert_string_equal(plan.classes.name[2], "cat");
    assert_int_equal(plan.count, 18);
    for (size_t i = 0; i < plan.count; i++)
        assert_int_equal(plan.image[i].id, i);
    assert_int_equal(plan.image[0].label, 1);
    assert_int_equal(plan.image[15].label, 0);
    assert_int_equal(plan.image[15].item, 0);
    assert_int_equal(plan.image[0].split, SPLIT_TRAIN);
    plan_free(&plan);
}

/* floor(0.5·n + 0.5) of each class, the first ones, are for training. */
static void split_takes_the_first(void **state)
{
    struct plan plan;
    struct plan_options options = plain;
    int of[3][SPLITS];
    (void)state;
    options.split = 0.5;
    plan_make(&plan, source, 2, &options);
    count(&plan, of);
    assert_int_equal(of[0][SPLIT_TRAIN], 2);
    assert_int_equal(of[1][SPLIT_TRAIN], 3);
    assert_int_equal(of[2][SPLIT_TRAIN], 5);
    assert_int_equal(plan.image[2].split, SPLIT_TRAIN);
    assert_int_equal(plan.image[3].split, SPLIT_VALIDATION);
    plan_free(&plan);
}

static void random_split_is_fixed_by_its_seed(void **state)
{
    struct plan plan[3];
    struct plan_options options = plain;
    int of[3][SPLITS], same = 1;
    (void)state;
    options.split = 0.5;
    options.random = 1;
    for (int i = 0; i < 3; i++) {
        options.seed = i == 2;
        plan_make(&plan[i], source, 2, &options);
        count(&plan[i], of);
        assert_int_equal(of[2][SPLIT_TRAIN], 5);
        assert_int_equal(of[1][SPLIT_VALIDATION], 2);
    }
    for (size_t i = 0; i < plan[0].count; i++) {
        assert_int_equal(plan[0].image[i].split, plan[1].image[i].split);
        same &= plan[0].image[i].split == plan[2].image[i].split;
    }
    assert_false(same);
    for (int i = 0; i < 3; i++)
        plan_free(&plan[i]);
}

/* 11 of 3 + 5 + 10: the classes give evenly until the small one has no more; ids stay. */
static void limit_spreads(void **state)
{
    struct plan plan;
    struct plan_options options = plain;
    int of[3][SPLITS];
    (void)state;
    options.limit = 11;
    plan_make(&plan, source, 2, &options);
    count(&plan, of);
    assert_int_equal(of[0][SPLIT_TRAIN], 3);
    assert_int_equal(of[1][SPLIT_TRAIN], 4);
    assert_int_equal(of[2][SPLIT_TRAIN], 4);
    assert_int_equal(plan.image[4].id, 5);
    plan_free(&plan);
    options.limit = 1000;
    plan_make(&plan, source, 2, &options);
    assert_int_equal(plan.count, 18);
    plan_free(&plan);
}

static void names_of_images(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        enum key_kind kind;
    } known[] = {{"cat/1.png", KEY_IMAGE},         {"cat/1.JPEG", KEY_IMAGE},
                 {"cat/1.jfif", KEY_IMAGE},        {"cat/1.Jpe", KEY_IMAGE},
                 {"cat/1.jp", KEY_OTHER},          {"cat/17", KEY_BARE},
                 {"cat/.hidden.png", KEY_HIDDEN},  {"cat/notes.txt", KEY_OTHER},
                 {"cat/.cache/1.png", KEY_HIDDEN}, {".cache/1.png", KEY_HIDDEN},
                 {"cat./1.png", KEY_IMAGE},        {"cat/1.png/", KEY_IMAGE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (source_key_kind(known[i].key) != known[i].kind)
            fail_msg("%s is taken for kind %d", known[i].key, source_key_kind(known[i].key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_ids),
        cmocka_unit_test(split_takes_the_first),
        cmocka_unit_test(random_split_is_fixed_by_its_seed),
        cmocka_unit_test(limit_spreads),
        cmocka_unit_test(names_of_images),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
