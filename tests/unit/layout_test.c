/* Which folder is the class, which tells the split, and what is left out for want of one. */
#include "tools/fetch/sources/layout.h"

#include "image.h"
#include "message.h"
#include "options.h"
#include "tools/fetch/sources/open.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *own_name = "ds"; /* of the source */

/* keys, with blanks between, become a source; found gets "class:split" of each that is left; result
 * is that of layout(). */
static int lay(const char *keys, uint64_t level, int split_folders, int is_part, char found[256])
{
    struct source source = {.name = ecopy("ds"), .root = ecopy(own_name), .is_part = is_part};
    struct layout_options options = {level, split_folders, 0};
    char *copy = ecopy(keys), *rest = copy, *key;
    verbosity = 0;
    while ((key = strsep(&rest, " ")) != NULL) {
        source_add(&source, key, NULL, 0, 1);
        source.item[source.count - 1].has_file = 1;
    }
    int result = layout(&source, &options);
    found[0] = '\0';
    for (size_t i = 0; i < source.count && result == 0; i++) {
        size_t used = strlen(found);
        snprintf(found + used, 256 - used, "%s%s", used ? " " : "", source.item[i].class_name);
        used = strlen(found);
        if (source.item[i].split >= 0)
            snprintf(found + used, 256 - used, ":%s", split_name[source.item[i].split]);
    }
    source_close(&source);
    free(copy);
    return result;
}

static void expect(const char *keys, uint64_t level, int split_folders, const char *classes)
{
    char found[256];
    assert_int_equal(lay(keys, level, split_folders, 0, found), 0);
    assert_string_equal(found, classes);
}

static void last_folder(void **state)
{
    (void)state;
    expect("cat/1.png dog/1.png", OPTION_UNSET, 0, "cat dog");
    expect("a/b/cat//1.png a/b/dog/2", OPTION_UNSET, 0, "cat dog");
    expect("1.png 2.png", OPTION_UNSET, 0, "ds ds");
    expect("//1.png", OPTION_UNSET, 0, "ds");
    expect("cat/1.png/", OPTION_UNSET, 0, "cat");
    expect("cat/1.png cat/deep/er/1.png", OPTION_UNSET, 0, "cat er");
}

static void strays(void **state)
{
    (void)state;
    char found[256];
    expect("a.png cat/1.png dog/1.png", OPTION_UNSET, 0, "cat dog");
    expect("top/a.png top/cat/1.png top/dog/1.png", OPTION_UNSET, 0, "cat dog");
    expect("test/a.png test/cat/1.png train/b.png train/dog/1.png", OPTION_UNSET, 1,
           "cat:test dog:train");
    expect("a.png cat/x/1.png dog/x/1.png dog/2.png", 1, 0, "cat dog dog");
    expect("a.png cat/x/1.png dog/x/1.png dog/2.png", 2, 0, "x x");
    assert_int_equal(lay("a.png b.png c.png cat/1.png dog/1.png", OPTION_UNSET, 0, 0, found), -1);
    assert_non_null(strstr(why(), "3 of the 5 images of ds lie beside the folders"));
    assert_int_equal(lay("cat/1.png dog/1.png", 2, 0, 0, found), -1);
    assert_non_null(strstr(why(), "no image of ds lies 2 folders deep"));
}

static void levels(void **state)
{
    (void)state;
    expect("n1/images/1.png n2/images/2.png", 1, 0, "n1 n2");
    expect("n1/images/1.png n2/images/2.png", 2, 0, "images images");
    expect("n1/images/1.png n2/images/2.png", 0, 0, "ds ds");
    expect("train/n1/images/1.png val/n2/images/2.png", 1, 1, "n1:train n2:validation");
}

static void split_folders(void **state)
{
    (void)state;
    char found[256];
    expect("Testing/cat/1.png train/cat/1.png train/dog/2.png val/dog/1.png valid/dog/1.png "
           "validation/cat/3.png",
           OPTION_UNSET, 1,
           "cat:test cat:train dog:train dog:validation dog:validation cat:validation");
    expect("cat/train/1.png cat/test/2.png dog/train/3.png", OPTION_UNSET, 1,
           "cat:train cat:test dog:train");
    expect("test/cat/1.png trains/cat/1.png", OPTION_UNSET, 1, "cat:test");
    expect("test/cat/1.png train/cat/1.png", OPTION_UNSET, 0, "cat cat");
    own_name = "Train";
    expect("cat/1.png dog/1.png 1.png", OPTION_UNSET, 1, "cat:train dog:train");
    expect("test/cat/1.png dog/1.png", OPTION_UNSET, 1, "cat:test");
    own_name = "ds";
    assert_int_equal(lay("cat/1.png dog/1.png", OPTION_UNSET, 1, 0, found), -1);
    assert_non_null(strstr(why(), "no images in folders called train, validation or test"));
}

static void an_archives_name_is_no_class(void **state)
{
    (void)state;
    char found[256];
    assert_int_equal(lay("1.png 2.png", OPTION_UNSET, 0, 1, found), -1);
    assert_non_null(strstr(why(), "lie in no folder"));
    assert_int_equal(lay("1.png 2.png", 0, 0, 1, found), 0);
    assert_string_equal(found, "ds ds");
    assert_int_equal(lay("cat/1.png", OPTION_UNSET, 0, 1, found), 0);
    assert_string_equal(found, "cat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_folder),
        cmocka_unit_test(strays),
        cmocka_unit_test(levels),
        cmocka_unit_test(split_folders),
        cmocka_unit_test(an_archives_name_is_no_class),
    };
    return RUN_TESTS(tests);
}
