/* What a sweep's folder asks for, and how long that takes. */
#include "tools/plot/reading/asked.h"

#include "runs/varying.h"

#include "tap.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/asked_test_XXXXXX";
static int folder;

static void put(const char *name, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", path, name);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(path))
        return -1;
    folder = open(path, O_RDONLY | O_DIRECTORY);
    return folder < 0;
}
static int end(void **state)
{
    (void)state;
    const char *const name[] = {"points", "d1.failed", "d1.bin"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        unlinkat(folder, name[i], 0);
    close(folder);
    return rmdir(path);
}

/* What comes from elsewhere is names and numbers, or nothing. */
static void lines(void **state)
{
    (void)state;
    struct history history = {0};
    struct asked asked = {0};
    struct timespec changed = {0};
    put("points",
        "d1\t20\t--depth 1 --learning-rate 0.1 --seed 0\n"
        "../d2\t20\t-d 2\n\033[2J\t20\t-d 2\nd3\t0\t-d 3\nd4\t-1\t-d 4\nd5\t99999999999\t\nd6\n\n"
        ".d7\t20\t-d 7\nd8\t20x\t-d 8\n"
        "d9\t7\t--depth 9 --learning-rate 0.1 --seed 0");
    asked_look(&asked, folder, path, &changed, &history);
    assert_int_equal(asked.count, 2);
    assert_string_equal(asked.run[1].name, "d9");
    assert_int_equal(asked.run[1].epochs, 7);
    struct run run = {.name = "d1"}, *only = &run;
    settings_add(&run.settings, "depth", "1", 1);
    settings_add(&run.settings, "learning rate", "0.1", 0.1);
    settings_add(&run.settings, "batch size", "64", 64);
    history.run = &only;
    history.runs = 1;
    struct varying options = varying_find(&history, 1);
    assert_int_equal(options.count, 1);
    assert_string_equal(options.name[0], "depth");
    settings_free(&run.settings);
    history.run = NULL;
    history.runs = 0;
    put("d1.failed", "");
    put("d1.bin", "no run");
    asked_look(&asked, folder, path, &changed, &history);
    struct asked_counts tally = asked_counts(&asked, &history);
    assert_int_equal(tally.asked, 2);
    assert_int_equal(tally.failed, 1);
    assert_int_equal(tally.done + tally.running, 0);
    assert_true(isnan(tally.left));
    asked_free(&asked);
    history_free(&history);
}

/* Of two that are being trained one has 10 epochs left, the other 5, of 2 seconds each; 20 epochs
 * wait. */
static void time_left(void **state)
{
    (void)state;
    struct sample point[2] = {{.iteration = 40, .time = 0}, {.iteration = 80, .time = 20}};
    struct run one = {
        .path = "s/a", .stem = "a", .epochs = 30, .iterations = 120, .progress = {point, 2, 2}};
    struct run two = {
        .path = "s/b", .stem = "b", .epochs = 25, .iterations = 100, .progress = {point, 2, 2}};
    struct run *run[2] = {&one, &two};
    struct asked_run wanted[] = {{.name = "a", .folder = "s", .epochs = 30},
                                 {.name = "b", .folder = "s", .epochs = 25},
                                 {.name = "c", .folder = "s", .epochs = 15},
                                 {.name = "d", .folder = "s", .epochs = 8, .reached = 3},
                                 {.name = "e", .folder = "s", .epochs = 8, .reached = 8},
                                 {.name = "f", .folder = "s", .epochs = 8, .reached = UINT64_MAX},
                                 {.name = "g", .folder = "s", .epochs = 8, .failed = 1}};
    struct asked asked = {.run = wanted, .count = 7};
    struct history history = {.run = run, .runs = 2};
    struct asked_counts tally = asked_counts(&asked, &history);
    assert_int_equal(tally.asked, 7);
    assert_int_equal(tally.done, 2);
    assert_int_equal(tally.running, 2);
    assert_int_equal(tally.failed, 1);
    assert_true(fabs(tally.left - (20 + 10 + 2 * 15 + 2 * 5) / 2.0) < 1e-9);
    /* Not before the last one that is at work. */
    asked.count = 2;
    assert_true(fabs(asked_counts(&asked, &history).left - 20) < 1e-9);
    /* Nor is anything known while nobody's speed is. */
    point[1].time = 0;
    assert_true(isnan(asked_counts(&asked, &history).left));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(time_left)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}
