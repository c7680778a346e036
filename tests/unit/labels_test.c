/* What stands beside an image in an archive, as the name of a class. */
#include "tools/fetch/sources/labels.h"

#include "message.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void expect(const char *text, enum label label, const char *name)
{
    enum label found;
    char *parsed = labels_parse(text, strlen(text), &found);
    assert_non_null(parsed);
    assert_string_equal(parsed, name);
    assert_int_equal(found, label);
    free(parsed);
}

static void refuse(const char *text, size_t size, const char *reason)
{
    enum label label;
    assert_null(labels_parse(text, size, &label));
    if (strstr(why(), reason) == NULL)
        fail_msg("it says: %s", why());
}

static void texts_and_numbers(void **state)
{
    (void)state;
    expect("7", LABEL_NUMBER, "7");
    expect(" 007\r\n", LABEL_NUMBER, "7");
    expect("000", LABEL_NUMBER, "0");
    expect("a dog\n", LABEL_TEXT, "a dog");
    expect("7 dogs", LABEL_TEXT, "7 dogs");
    expect("-", LABEL_TEXT, "-");
    expect("e\xcc\x81", LABEL_TEXT, "\xc3\xa9"); /* é in two characters, and in one */
}

static void what_is_no_label(void **state)
{
    (void)state;
    char many[300];
    memset(many, 'x', sizeof many);
    refuse("", 0, "empty");
    refuse(" \n", 2, "empty");
    refuse("a\nb", 3, "not one line");
    refuse("a\0b", 3, "not one line");
    refuse("-1", 2, "below 0");
    refuse("\xff", 1, "not UTF-8");
    refuse(many, sizeof many, "at most 255");
}

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(labels_kind("000017.cls"), LABELS_CLS);
    assert_int_equal(labels_kind("a.b/000017.CLS"), LABELS_CLS);
    assert_int_equal(labels_kind("a/000017.json"), LABELS_JSON);
    assert_int_equal(labels_kind("000017.txt"), LABELS_TXT);
    assert_int_equal(labels_kind("000017.x.cls"), LABELS_NONE);
    assert_int_equal(labels_kind("a/.txt"), LABELS_NONE);
    assert_int_equal(labels_kind("cls"), LABELS_NONE);
    assert_int_equal(labels_kind("000017.png"), LABELS_NONE);
}

/* Samples find their labels by these. */
static void keys(void **state)
{
    (void)state;
    static const char *const row[][2] = {{"A.b/000017.CLS", "A.b/000017.cls"},
                                         {"X.Json", "X.json"},
                                         {"X.mask.TXT", "X.mask.TXT"},
                                         {"A/X.PNG", "A/X.PNG"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *key = labels_key(row[i][0]);
        assert_string_equal(key, row[i][1]);
        free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_and_numbers),
                                       cmocka_unit_test(what_is_no_label), cmocka_unit_test(kinds),
                                       cmocka_unit_test(keys)};
    return RUN_TESTS(tests);
}
