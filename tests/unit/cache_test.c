/* Keys that expire: when new ones are asked for, and when not. */
#include "tools/fetch/credentials/cache.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

/* In a folder of its own; count has a letter for each time that keys were asked for. */
static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/psweep-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return chdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    unlink("count");
    unlink("broken");
    return chdir("/") < 0 ? -1 : rmdir(folder);
}

static long asked(void)
{
    FILE *stream = fopen("count", "r");
    if (stream == NULL)
        return 0;
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    fclose(stream);
    return size;
}

/* A cache whose first keys, ID0, are good for 4000 s, and a program that hands out ID1, ID2, … till
 * a certain time; it fails where there is a file "broken". */
static struct cache *cache_at(time_t now, const char *till)
{
    struct keys first = {.expires = now + 4000};
    char command[400];
    snprintf(
        command, sizeof command,
        "printf x >>count; n=$(wc -c <count); [ ! -e broken ] && echo '{\"AccessKeyId\":\"ID'$n"
        "'\",\"SecretAccessKey\":\"hidden'$n'\",\"Expiration\":\"%s\"}'",
        till);
    struct provider provider = {.kind = PROVIDER_PROCESS, .command = ecopy(command)};
    first.key_id = ecopy("ID0");
    first.secret = ecopy("hidden0");
    struct cache *cache = cache_new(&first, &provider, now);
    assert_non_null(cache);
    keys_free(&first);
    return cache;
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(provider_time("1970-01-02T00:00:01Z"), 86401);
    assert_int_equal(provider_time("1970-01-02T01:00:01.5+01:00"), 86401);
    assert_int_equal(provider_time("1970-01-01T18:30:01-05:30"), 86401);
    assert_int_equal(provider_time("tomorrow"), 0);
    assert_int_equal(provider_time("1970-01-01T18:30:01-x"), 0);
}

/* Five minutes before they expire, not sooner, and each set once. */
static void test_early(void **state)
{
    (void)state;
    struct cache *cache = cache_at(1000000, "1970-01-12T15:46:40Z"); /* 1007200 */
    assert_string_equal(cache_keys(cache, 1003699)->key_id, "ID0");
    assert_int_equal(asked(), 0);
    assert_string_equal(cache_keys(cache, 1003700)->key_id, "ID1");
    assert_string_equal(cache_keys(cache, 1006899)->key_id, "ID1");
    assert_int_equal(asked(), 1);
    assert_string_equal(cache_keys(cache, 1006900)->key_id, "ID2");
    assert_int_equal(asked(), 2);
    cache_free(cache);
}

/* Where new ones cannot be had, the old ones serve on, and they are asked for seldom. */
static void test_broken(void **state)
{
    (void)state;
    struct cache *cache = cache_at(1000000, "1970-01-12T15:46:40Z");
    fclose(fopen("broken", "w"));
    for (time_t now = 1003700; now < 1010000; now++)
        assert_string_equal(cache_keys(cache, now)->key_id, "ID0");
    assert_in_range(asked(), 3, 30);
    /* The server has the last word. */
    assert_int_equal(cache_renew(cache, cache_keys(cache, 1010000), 1010000), -1);
    assert_non_null(strstr(why(), "ended with status 1"));
    cache_free(cache);
}

/* Keys that have expired already when they come are not asked for again and again. */
static void test_wrong_clock(void **state)
{
    (void)state;
    struct cache *cache = cache_at(1000000, "1970-01-02T00:00:00Z");
    for (time_t now = 1003700; now < 1010000; now++)
        cache_keys(cache, now);
    assert_int_equal(asked(), 1);
    cache_free(cache);
}

static struct cache *shared;
static struct keys *refused;

static void *be_refused(void *failed)
{
    if (cache_renew(shared, refused, 1000000) < 0)
        *(int *)failed = 1;
    return NULL;
}

/* Many are refused with the same keys: one renewal. */
static void test_refused(void **state)
{
    (void)state;
    pthread_t thread[16];
    int failed[16] = {0};
    shared = cache_at(1000000, "1970-01-12T15:46:40Z");
    refused = cache_keys(shared, 1000000);
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, be_refused, &failed[i]), 0);
    for (int i = 0; i < 16; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(failed[i], 0);
    }
    assert_int_equal(asked(), 1);
    assert_string_equal(cache_keys(shared, 1000000)->key_id, "ID1");
    assert_string_equal(refused->secret, "hidden0");
    /* The new ones are refused too, before they served; once they have, others are asked for. */
    refused = cache_keys(shared, 1000000);
    assert_int_equal(cache_renew(shared, refused, 1000000), -1);
    assert_non_null(strstr(why(), "keys that have expired too"));
    assert_int_equal(asked(), 1);
    refused->have_served = 1;
    assert_int_equal(cache_renew(shared, refused, 1000000), 0);
    assert_int_equal(asked(), 2);
    cache_free(shared);
}

/* Nobody hands out others; or always the same. */
static void test_no_others(void **state)
{
    (void)state;
    struct keys first = {0};
    struct provider nobody = {0};
    first.key_id = ecopy("ID");
    first.secret = ecopy("hidden");
    struct cache *cache = cache_new(&first, &nobody, 0);
    assert_int_equal(cache_renew(cache, cache_keys(cache, 0), 0), -1);
    assert_non_null(strstr(why(), "the S3 keys have expired: set new ones"));
    cache_free(cache);
    struct provider same = {
        .kind = PROVIDER_PROCESS,
        .command = ecopy("echo '{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hidden\"}'")};
    first.key_id = ecopy("ID");
    first.secret = ecopy("hidden");
    cache = cache_new(&first, &same, 0);
    assert_int_equal(cache_renew(cache, cache_keys(cache, 0), 0), -1);
    assert_non_null(strstr(why(), "hands out the same S3 keys again"));
    cache_free(cache);
    keys_free(&first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time),        TEST(test_early),   TEST(test_broken),
        TEST(test_wrong_clock), TEST(test_refused), TEST(test_no_others),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
