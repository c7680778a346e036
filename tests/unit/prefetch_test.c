/* The prefetch window: order, what it lets in, and what is told when it ends. */
#include "tools/fetch/prefetch.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 30, HALF = 128 << 20 };
static atomic_size_t decoded;
static size_t broken_at; /* an index */

/* An image's file is its index. Where nobody brings files, it is made here. */
static int decode_index(void *user, size_t index, struct fetched *fetched)
{
    (void)user;
    if (index == broken_at)
        return fail_as(FAILED, "number %zu cannot be had", index);
    if (fetched->bytes == NULL) {
        fetched->size = sizeof index;
        fetched->bytes = ealloc(1, sizeof index);
        memcpy(fetched->bytes, &index, sizeof index);
    }
    atomic_fetch_add(&decoded, 1);
    return 0;
}

static struct prefetch *open_window(size_t images, int has_transfers, size_t break_at)
{
    atomic_store(&decoded, 0);
    broken_at = break_at;
    return prefetch_open(
        &(struct prefetch_options){COUNT, images, 3, has_transfers, decode_index, NULL});
}

static void close_window(struct prefetch *prefetch)
{
    prefetch_stop(prefetch);
    assert_true(prefetch_is_over(prefetch));
    prefetch_close(prefetch);
}

static void arrive(struct prefetch *prefetch, size_t index)
{
    struct fetched fetched = {.bytes = ealloc(1, sizeof index), .size = sizeof index};
    memcpy(fetched.bytes, &index, sizeof index);
    prefetch_arrive(prefetch, index, &fetched);
}

/* Takes images from to, each of which is its index, and lets them leave. */
static void write_images(struct prefetch *prefetch, size_t from, size_t to)
{
    int late;
    while (from < to) {
        ssize_t ready = prefetch_wait(prefetch, &late);
        assert_true(ready >= 0 && from + (size_t)ready <= to);
        for (size_t n = 0; n < (size_t)ready; n++, from++)
            assert_memory_equal(prefetch_ready(prefetch, n)->bytes, &from, sizeof from);
        prefetch_leave(prefetch, (size_t)ready);
    }
}

static void wait_for_decoded(size_t count)
{
    while (atomic_load(&decoded) < count)
        usleep(1000);
}

static void test_loaded(void **state)
{
    (void)state;
    struct prefetch *prefetch = open_window(7, 0, COUNT);
    wait_for_decoded(7);
    write_images(prefetch, 0, COUNT);
    assert_int_equal(atomic_load(&decoded), COUNT);
    close_window(prefetch);
}

/* They arrive in any order, and the one that is late keeps no decoder from the others. */
static void test_late(void **state)
{
    (void)state;
    int late;
    struct prefetch *prefetch = open_window(10, 1, COUNT);
    for (size_t start = 0; start < COUNT; start += 10) {
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(prefetch_ask(prefetch, start + i, 1), 1);
        assert_int_equal(prefetch_ask(prefetch, start + 10, 1), 0);
        for (size_t i = 9; i > 0; i--)
            arrive(prefetch, start + i);
        wait_for_decoded(start + 9);
        assert_true(start > 0 || (prefetch_wait(prefetch, &late) == 0 && late));
        arrive(prefetch, start);
        write_images(prefetch, start, start + 10);
    }
    close_window(prefetch);
}

static int is_woken(const struct prefetch *prefetch)
{
    struct pollfd wake = {.fd = prefetch_wake(prefetch), .events = POLLIN};
    uint64_t count;
    return poll(&wake, 1, 0) == 1 && read(wake.fd, &count, sizeof count) == sizeof count;
}

/* What is asked for takes half of the memory, or is one. */
static void test_bytes(void **state)
{
    (void)state;
    struct prefetch *prefetch = open_window(10, 1, COUNT);
    assert_int_equal(prefetch_ask(prefetch, 0, 4ULL * HALF), 1);
    assert_int_equal(prefetch_ask(prefetch, 1, 1), 0);
    assert_false(is_woken(prefetch));
    arrive(prefetch, 0); /* it was small after all */
    wait_for_decoded(1);
    write_images(prefetch, 0, 1);
    assert_true(is_woken(prefetch));
    assert_int_equal(prefetch_ask(prefetch, 1, HALF - 1), 1);
    assert_int_equal(prefetch_ask(prefetch, 2, 2ULL * HALF), 1);
    assert_int_equal(prefetch_ask(prefetch, 3, 1), 0);
    /* More than all is taken: only the next one to be written is decoded. */
    arrive(prefetch, 2);
    usleep(10000);
    assert_int_equal(atomic_load(&decoded), 1);
    arrive(prefetch, 1);
    write_images(prefetch, 1, 3);
    assert_true(is_woken(prefetch));
    close_window(prefetch);
}

/* The writer gets what is ready before it hears that there is no more; a bad image is one of these.
 */
static void test_broken(void **state)
{
    (void)state;
    int late;
    struct prefetch *prefetch = open_window(10, 1, COUNT);
    for (size_t i = 0; i < 3; i++)
        prefetch_ask(prefetch, i, 1);
    arrive(prefetch, 0);
    prefetch_arrive(prefetch, 1, &(struct fetched){.bad = ecopy("it is gone")});
    while (prefetch_wait(prefetch, &late) < 2)
        continue;
    fail_as(FAILED, "the server is gone");
    prefetch_break(prefetch);
    fail_as(FAILED, "something else");
    prefetch_break(prefetch);
    assert_int_equal(prefetch_wait(prefetch, &late), 2);
    assert_null(prefetch_ready(prefetch, 0)->bad);
    assert_string_equal(prefetch_ready(prefetch, 1)->bad, "it is gone");
    prefetch_leave(prefetch, 2);
    assert_int_equal(prefetch_wait(prefetch, &late), -1);
    assert_string_equal(why(), "the server is gone");
    assert_true(prefetch_is_over(prefetch));
    close_window(prefetch);

    prefetch = open_window(10, 0, 5);
    int got;
    size_t written = 0;
    while ((got = (int)prefetch_wait(prefetch, &late)) >= 0) {
        prefetch_leave(prefetch, (size_t)got);
        written += (size_t)got;
    }
    assert_true(written <= 5);
    assert_string_equal(why(), "number 5 cannot be had");
    close_window(prefetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loaded),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_broken),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
