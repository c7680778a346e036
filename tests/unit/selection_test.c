#include "tools/fetch/selection.h"

#include "message.h"
#include "options.h"

#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two sources: a with 5 images of bird and 10 of cat, b with 3 of ant. */
static struct source source[2];
static const struct selection_options plain = {.split = NAN, .as = -1, .limit = OPTION_UNSET};

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

static void count(const struct selection *selection, int of[3][SPLITS])
{
    memset(of, 0, 3 * sizeof *of);
    for (size_t i = 0; i < selection->count; i++)
        of[selection->image[i].label][selection->image[i].split]++;
}

static void labels_and_ids(void **state)
{
    struct selection selection;
    (void)state;
    selection_make(&selection, source, 2, &plain);
    assert_int_equal(selection.classes.count, 3);
    assert_string_equal(selection.classes.name[0], "ant");
    assert_string_equal(selection.classes.name[2], "cat");
    assert_int_equal(selection.count, 18);
    for (size_t i = 0; i < selection.count; i++)
        assert_int_equal(selection.image[i].id, i);
    assert_int_equal(selection.image[0].label, 1);
    assert_int_equal(selection.image[15].label, 0);
    assert_int_equal(selection.image[15].item, 0);
    assert_int_equal(selection.image[0].split, SPLIT_TRAIN);
    selection_free(&selection);
}

/* floor(0.5·n + 0.5) of each class, the first ones, are for training. */
static void split_takes_the_first(void **state)
{
    struct selection selection;
    struct selection_options options = plain;
    int of[3][SPLITS];
    (void)state;
    options.split = 0.5;
    selection_make(&selection, source, 2, &options);
    count(&selection, of);
    assert_int_equal(of[0][SPLIT_TRAIN], 2);
    assert_int_equal(of[1][SPLIT_TRAIN], 3);
    assert_int_equal(of[2][SPLIT_TRAIN], 5);
    assert_int_equal(selection.image[2].split, SPLIT_TRAIN);
    assert_int_equal(selection.image[3].split, SPLIT_VALIDATION);
    selection_free(&selection);
}

static void random_split_is_fixed_by_its_seed(void **state)
{
    struct selection selection[3];
    struct selection_options options = plain;
    int of[3][SPLITS], same = 1;
    (void)state;
    options.split = 0.5;
    options.random = 1;
    for (int i = 0; i < 3; i++) {
        options.seed = i == 2;
        selection_make(&selection[i], source, 2, &options);
        count(&selection[i], of);
        assert_int_equal(of[2][SPLIT_TRAIN], 5);
        assert_int_equal(of[1][SPLIT_VALIDATION], 2);
    }
    for (size_t i = 0; i < selection[0].count; i++) {
        assert_int_equal(selection[0].image[i].split, selection[1].image[i].split);
        same &= selection[0].image[i].split == selection[2].image[i].split;
    }
    assert_false(same);
    for (int i = 0; i < 3; i++)
        selection_free(&selection[i]);
}

/* 11 of 3 + 5 + 10: the classes give evenly until the small one has no more; ids stay. */
static void limit_spreads(void **state)
{
    struct selection selection;
    struct selection_options options = plain;
    int of[3][SPLITS];
    (void)state;
    options.limit = 11;
    selection_make(&selection, source, 2, &options);
    count(&selection, of);
    assert_int_equal(of[0][SPLIT_TRAIN], 3);
    assert_int_equal(of[1][SPLIT_TRAIN], 4);
    assert_int_equal(of[2][SPLIT_TRAIN], 4);
    assert_int_equal(selection.image[4].id, 5);
    selection_free(&selection);
    options.limit = 1000;
    selection_make(&selection, source, 2, &options);
    assert_int_equal(selection.count, 18);
    selection_free(&selection);
}

/* Of the 10 cats those of the test lie first: a limit leaves each split its part. */
static void limit_keeps_proportions(void **state)
{
    struct selection selection;
    struct selection_options options = plain;
    int of[3][SPLITS], before = source[0].item[0].split;
    (void)state;
    for (int i = 5; i < 15; i++)
        source[0].item[i].split = i < 9 ? SPLIT_TEST : i < 11 ? SPLIT_VALIDATION : SPLIT_TRAIN;
    static const int limits[][4] = {{13, 2, 1, 2}, {3, 1, 0, 0}, {18, 4, 2, 4}, {17, 4, 2, 3}};
    for (int i = 0; i < 4; i++) {
        options.limit = (uint64_t)limits[i][0];
        selection_make(&selection, source, 2, &options);
        count(&selection, of);
        assert_int_equal(selection.count, limits[i][0]);
        assert_int_equal(of[2][SPLIT_TRAIN], limits[i][1]);
        assert_int_equal(of[2][SPLIT_VALIDATION], limits[i][2]);
        assert_int_equal(of[2][SPLIT_TEST], limits[i][3]);
        selection_free(&selection);
    }
    for (int i = 5; i < 15; i++)
        source[0].item[i].split = before;
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
        if (key_kind(known[i].key) != known[i].kind)
            fail_msg("%s is taken for kind %d", known[i].key, key_kind(known[i].key));
}

/* The order of classes, and labels by it. */
static char own_name[] = "set";
static struct source make(const char *names, enum label label)
{
    struct source made = {.name = own_name};
    char *copy = ecopy(names), *rest = copy, *name;
    while ((name = strsep(&rest, " ")) != NULL) {
        source_add(&made, "key", name, strlen(name), 1)->label = label;
    }
    free(copy);
    return made;
}

/* table: the names in their order; labels: of the items. */
static void expect(const char *names, enum label label, const char *path, const char *table,
                   const char *labels)
{
    struct source made = make(names, label);
    struct selection selection;
    struct selection_options options = plain;
    char found[256] = "", order[256] = "";
    options.classes = path;
    int done = selection_make(&selection, &made, 1, &options);
    for (uint32_t i = 0; i < selection.classes.count; i++)
        snprintf(order + strlen(order), 64, "%s%s", i ? " " : "", selection.classes.name[i]);
    for (size_t i = 0; i < made.count && done == 0; i++)
        snprintf(found + strlen(found), 64, "%s%d", i ? " " : "", (int)selection.image[i].label);
    assert_string_equal(order, table);
    assert_string_equal(done < 0 ? "none" : found, labels);
    selection_free(&selection);
    source_empty(&made);
}

static void by_name_and_by_number(void **state)
{
    (void)state;
    expect("dog cat cat ant", LABEL_FOLDER, NULL, "ant cat dog", "2 1 1 0");
    expect("10 2 0 1 2", LABEL_NUMBER, NULL, "0 1 2 10", "3 2 0 1 2");
    /* Folders keep the order that they have had. */
    expect("10 2 0", LABEL_FOLDER, NULL, "0 10 2", "1 2 0");
}

static const char path[] = "classes.tmp";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void from_a_file(void **state)
{
    (void)state;
    write_file("zebra\r\ne\xcc\x81\n2\n");
    expect("0 1 2", LABEL_NUMBER, path, "zebra \xc3\xa9 2", "0 1 2");
    expect("3", LABEL_NUMBER, path, "zebra \xc3\xa9 2", "none");
    expect("\xc3\xa9 zebra 2 0", LABEL_FOLDER, path, "zebra \xc3\xa9 2", "1 0 2 0");
    expect("ox", LABEL_FOLDER, path, "zebra \xc3\xa9 2", "none");
    write_file("\xef\xbb\xbf"
               "a\nb");
    expect("b", LABEL_TEXT, path, "a b", "1");
    remove(path);
}

static void files_that_are_none(void **state)
{
    (void)state;
    static const char *const text[][2] = {{"", "is empty"},
                                          {"a\n\nb\n", "line 2 is empty"},
                                          {"a\nb\na\n", "a stands there twice"},
                                          {"\xff\n", "not text in UTF-8"}};
    struct selection selection;
    struct selection_options options = plain;
    struct source made = make("a", LABEL_FOLDER);
    options.classes = path;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        write_file(text[i][0]);
        assert_int_equal(selection_make(&selection, &made, 1, &options), -1);
        selection_free(&selection);
        if (strstr(why(), text[i][1]) == NULL)
            fail_msg("it says: %s", why());
    }
    remove(path);
    assert_int_equal(selection_make(&selection, &made, 1, &options), -1);
    assert_non_null(strstr(why(), "No such file"));
    options.classes = ".";
    assert_int_equal(selection_make(&selection, &made, 1, &options), -1);
    source_empty(&made);
}

/* Two tests of this program at once have a folder each. */
static int enter(void **state)
{
    static char folder[] = "/tmp/selection_test.XXXXXX";
    set_up(state);
    return mkdtemp(folder) == NULL || chdir(folder) < 0;
}
static int leave(void **state)
{
    char folder[64];
    (void)state;
    return getcwd(folder, sizeof folder) == NULL || chdir("/") < 0 || rmdir(folder) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_ids),
        cmocka_unit_test(split_takes_the_first),
        cmocka_unit_test(random_split_is_fixed_by_its_seed),
        cmocka_unit_test(limit_spreads),
        cmocka_unit_test(limit_keeps_proportions),
        cmocka_unit_test(names_of_images),
        cmocka_unit_test(by_name_and_by_number),
        cmocka_unit_test(from_a_file),
        cmocka_unit_test(files_that_are_none),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, enter, leave);
}
