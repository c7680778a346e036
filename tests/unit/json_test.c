/* The answers of those who hand out keys. */
#include "tools/fetch/json.h"

#include "tap.h"

#include <stdlib.h>

static void expect(const char *json, const char *name, int found, const char *value)
{
    struct text text = {0};
    text_format(&text, "before");
    if (json_text(json, name, &text) != found)
        fail_msg("%s in %s is not %d", name, json, found);
    assert_string_equal(text.at, value);
    text_free(&text);
}

static void texts(void **state)
{
    (void)state;
    static const char json[] = " {\"Version\" : 1, \"a\":\"x\",\n\"nested\": {\"b\":[1,\"}\",{}],"
                               "\"c\":null}, \"b\" : \"q\\\"\\\\\\/\\n\\u0041\" ,\"empty\":\"\"} ";
    expect(json, "a", 1, "x");
    expect(json, "b", 1, "q\"\\/\nA");
    expect(json, "empty", 1, "");
    expect(json, "c", 0, "");
    expect(json, "Version", 0, "");
    expect("{}", "a", 0, "");
}

static void damaged(void **state)
{
    (void)state;
    static const char *const json[] = {
        "",
        "[]",
        "<html>",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":\"x",
        "{\"a\":\"x\\",
        "{\"a\":\"x\\u12",
        "{\"a\":\"\\u00e4\"}",
        "{\"a\":\"x\ny\"}",
        "{\"b\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],\"a\":\"x\"}",
        "{\"b\":1"};
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        expect(json[i], "a", -1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(damaged)};
    return RUN_TESTS(tests);
}
