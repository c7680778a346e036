/* Lists in names become names. */
#include "tools/fetch/brace.h"

#include "message.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* expanded: with blanks between. */
static void expect(const char *name, const char *expanded)
{
    struct names names = {0};
    char all[1024] = "";
    assert_int_equal(brace_expand(&names, name), 0);
    for (size_t i = 0; i < names.count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, names.name[i]);
    }
    assert_string_equal(all, expanded);
    names_free(&names);
}

static void ranges_and_words(void **state)
{
    (void)state;
    expect("photos", "photos");
    expect("x-{000..002}.tar", "x-000.tar x-001.tar x-002.tar");
    expect("s3://b/{8..11}.tar", "s3://b/8.tar s3://b/9.tar s3://b/10.tar s3://b/11.tar");
    expect("{8..010}", "008 009 010");
    expect("{2..0}", "2 1 0");
    expect("{7..7}", "7");
    expect("{a,b}.tar", "a.tar b.tar");
    expect("{,more-}photos", "photos more-photos");
    expect("{a,b}{0..1}", "a0 a1 b0 b1");
}

static void what_is_no_list(void **state)
{
    (void)state;
    static const char *const names[] = {"{}",    "{a}",     "a{b",       "a}b{",           "{1..}",
                                        "{..2}", "{1...2}", "{1..2..3}", "{-1..2}",        "{a..c}",
                                        "{{1}}", "{",       "{1..2",     "{1..9999999999}"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect(names[i], names[i]);
    expect("{x{1..2}", "{x1 {x2");
}

static void too_many(void **state)
{
    (void)state;
    struct names names = {0};
    assert_int_equal(brace_expand(&names, "{1..300}/{1..300}.tar"), -1);
    assert_non_null(strstr(why(), "more than 65536 sources"));
    names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges_and_words),
                                       cmocka_unit_test(what_is_no_list),
                                       cmocka_unit_test(too_many)};
    return RUN_TESTS(tests);
}
