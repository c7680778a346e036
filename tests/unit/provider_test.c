/* The JSON that a program answers with, as keys or as a refusal. */
#include "tools/fetch/credentials/provider.h"

#include "message.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What comes of a program that prints this. */
static int ask(const char *json, struct keys *keys)
{
    char command[4096];
    assert_in_range(snprintf(command, sizeof command, "printf %%s '%s'", json), 1, 4095);
    *keys = (struct keys){0};
    return provider_ask(&(struct provider){.kind = PROVIDER_PROCESS, .command = command}, keys);
}

#define KEYS "\"AccessKeyId\": \"ID\", \"SecretAccessKey\":\"secret\""

static void test_keys(void **state)
{
    (void)state;
    struct keys keys;
    assert_int_equal(ask("{\"Version\":1,\"nested\":{\"b\":[1.5e3,\"}\",{}],\"c\":null},"
                         "\"AccessKeyId\":\"I\\u0044\", \"SecretAccessKey\":\"q\\\"\\\\\\/\\u00fc\""
                         ",\"SessionToken\":\"a+/=\", \"Expiration\":\"1970-01-02T00:00:00Z\"}\n",
                         &keys),
                     1);
    assert_string_equal(keys.key_id, "ID");
    assert_string_equal(keys.secret, "q\"\\/ü");
    assert_string_equal(keys.token, "a+/=");
    assert_int_equal(keys.expires, 86400);
    keys_free(&keys);
    /* Letters beyond ASCII anywhere, escaped and not. */
    assert_int_equal(
        ask("{\"Provider\":\"M\\u00fcller \\ud83d\\ude00 Ü\", \"Ü\":0, " KEYS "}", &keys), 1);
    assert_string_equal(keys.secret, "secret");
    assert_null(keys.token);
    assert_int_equal(keys.expires, 0);
    keys_free(&keys);
    assert_int_equal(ask("{" KEYS ",\"Expiration\":null,\"SessionToken\":null}", &keys), 1);
    keys_free(&keys);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const json[][2] = {
        {"", "is not a JSON object"},
        {"[]", "is not a JSON object"},
        {"null", "is not a JSON object"},
        {"<html>", "is not a JSON object"},
        {"{" KEYS, "is not a JSON object"},
        {"{" KEYS ",\"x\":\"\\u12\"}", "is not a JSON object"},
        {"{" KEYS ",\"x\":\"a\nb\"}", "is not a JSON object"},
        {"{" KEYS ",\"x\":\"\xff\"}", "is not a JSON object"},
        {"{" KEYS "} {}", "is not a JSON object"},
        {"{}", "answers without AccessKeyId"},
        {"{\"AccessKeyId\":\"ID\"}", "answers without SecretAccessKey"},
        {"{\"AccessKeyId\":7,\"SecretAccessKey\":\"secret\"}", "answers without AccessKeyId"},
    };
    struct keys keys;
    for (size_t i = 0; i < sizeof json / sizeof *json; i++) {
        assert_int_equal(ask(json[i][0], &keys), -1);
        if (strstr(why(), json[i][1]) == NULL || strstr(why(), "secret") != NULL)
            fail_msg("of %s it is said: %s", json[i][0], why());
        keys_free(&keys);
    }
    /* Nested too deeply, and more than an answer may have. */
    char deep[3001];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(ask(deep, &keys), -1);
    assert_non_null(strstr(why(), "is not a JSON object"));
    keys_free(&keys);
    const struct provider endless = {.kind = PROVIDER_PROCESS, .command = "yes {; exit 0"};
    assert_int_equal(provider_ask(&endless, &keys), -1);
    assert_non_null(strstr(why(), "answers more than 64 KiB"));
    keys_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_refusals)};
    return RUN_TESTS(tests);
}
