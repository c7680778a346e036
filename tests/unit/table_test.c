/* The order of classes, and labels by it. */
#include "tools/fetch/table.h"

#include "message.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct source make(const char *names, enum label label)
{
    struct source source = {0};
    char *copy = ecopy(names), *rest = copy, *name;
    while ((name = strsep(&rest, " ")) != NULL) {
        source_add(&source, "key", name, strlen(name), 1);
        source.item[source.count - 1].label = label;
    }
    free(copy);
    return source;
}

/* table: the names in their order; labels: of the items. */
static void expect(const char *names, enum label label, const char *path, const char *table,
                   const char *labels)
{
    struct source source = make(names, label);
    struct table made;
    char found[256] = "", order[256] = "";
    assert_int_equal(table_make(&made, &source, 1, path), 0);
    for (uint32_t i = 0; i < made.classes.count; i++)
        snprintf(order + strlen(order), 64, "%s%s", i ? " " : "", made.classes.name[i]);
    for (size_t i = 0; i < source.count; i++) {
        uint32_t number = UINT32_MAX;
        int done = table_label(&made, &source.item[i], &number);
        snprintf(found + strlen(found), 64, "%s%d", i ? " " : "", done < 0 ? -1 : (int)number);
    }
    assert_string_equal(order, table);
    assert_string_equal(found, labels);
    classes_free(&made.classes);
    source_empty(&source);
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
    expect("0 1 2 3", LABEL_NUMBER, path, "zebra \xc3\xa9 2", "0 1 2 -1");
    expect("\xc3\xa9 zebra 2 0 ox", LABEL_FOLDER, path, "zebra \xc3\xa9 2", "1 0 2 0 -1");
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
    struct table table;
    struct source source = make("a", LABEL_FOLDER);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        write_file(text[i][0]);
        assert_int_equal(table_make(&table, &source, 1, path), -1);
        if (strstr(why(), text[i][1]) == NULL)
            fail_msg("it says: %s", why());
    }
    remove(path);
    assert_int_equal(table_make(&table, &source, 1, path), -1);
    assert_non_null(strstr(why(), "No such file"));
    assert_int_equal(table_make(&table, &source, 1, "."), -1);
    source_empty(&source);
}

/* Two tests of this program at once have a folder each. */
static int enter(void **state)
{
    static char folder[] = "/tmp/table_test.XXXXXX";
    (void)state;
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_name_and_by_number),
                                       cmocka_unit_test(from_a_file),
                                       cmocka_unit_test(files_that_are_none)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, enter, leave);
}
