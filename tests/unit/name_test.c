/* What is UTF-8, and how names look in sentences. */
#include "tools/fetch/name.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const char *const good[] = {
    "",
    "cat/1.png",
    "\xc2\x80 \xdf\xbf",                 /* the first and last of two bytes */
    "\xe0\xa0\x80 \xef\xbf\xbf",         /* of three */
    "\xed\x9f\xbf \xee\x80\x80",         /* beside the surrogates */
    "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", /* of four */
};
static const char *const bad[] = {
    "caf\xe9.png", /* Latin 1 */
    "\x80",        /* a second byte first */
    "\xc3",        /* cut short */
    "\xe2\x82",
    "\xf0\x9f\x98",
    "\xc0\xaf", /* longer than needed */
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xed\xa0\x80",     /* a surrogate */
    "\xf4\x90\x80\x80", /* above U+10FFFF */
    "\xf5\x80\x80\x80",
    "\xff",
    "\xe2\x82g",
    "good, then\xfe",
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!name_is_utf8(good[i]))
            fail_msg("good name %zu is refused", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (name_is_utf8(bad[i]))
            fail_msg("bad name %zu is taken", i);
}

static void expect(const char *name, const char *shown)
{
    assert_string_equal(name_show(name), shown);
}

static void test_show(void **state)
{
    (void)state;
    expect("", "");
    expect("\xc3\xbc & more.png", "\xc3\xbc & more.png");
    expect("caf\xe9.png", "caf\\xe9.png");
    expect("two\nlines\x7f\x1b[1m", "two\\x0alines\\x7f\\x1b[1m");
    expect("\xe2\x82", "\\xe2\\x82");
}

/* What macOS stores and what others do is one name. */
static void test_compose(void **state)
{
    (void)state;
    static const char *const same[][2] = {{"cat", "cat"},
                                          {"cafe\xcc\x81", "caf\xc3\xa9"},
                                          {"caf\xc3\xa9", "caf\xc3\xa9"},
                                          {"\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80"},
                                          {"", ""}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *composed = name_compose(same[i][0], strlen(same[i][0]));
        assert_string_equal(composed, same[i][1]);
        free(composed);
    }
    char *part = name_compose("cat/dog", 3);
    assert_string_equal(part, "cat");
    free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_show),
    };
    return RUN_TESTS(tests);
}
