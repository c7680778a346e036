/* What is kept of runs and scores. */
#include "runs/history.h"

#include "message.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stream or channel under construction, in an unlinked file. */
struct input {
    int fd;
    struct writer *writer;
};

static struct input begin(void)
{
    char path[] = "/tmp/history_test_XXXXXX";
    struct input input = {mkstemp(path), NULL};
    assert_true(input.fd >= 0);
    unlink(path);
    input.writer = write_open(input.fd, "test");
    return input;
}

static void put_header(struct input *input, const char *kind, uint64_t depth, uint64_t seed)
{
    char *classes[] = {"cat", "d\033g"};
    write_begin(input->writer, "header");
    pack_uint(input->writer, "version", 1);
    pack_text(input->writer, "kind", kind);
    pack_texts(input->writer, "classes", classes, 2);
    pack_map(input->writer, "options");
    pack_uint(input->writer, "depth", depth);
    pack_uint(input->writer, "seed", seed);
    assert_int_equal(write_end(input->writer), 0);
}

static void put_point(struct input *input, const char *type, uint64_t iteration, uint64_t epoch,
                      double loss, double accuracy)
{
    write_begin(input->writer, type);
    pack_uint(input->writer, "iteration", iteration);
    pack_uint(input->writer, "epoch", epoch);
    pack_real(input->writer, "loss", loss);
    pack_real(input->writer, "accuracy", accuracy);
    assert_int_equal(write_end(input->writer), 0);
}

/* A record of the progress channel. */
static void put_named(struct input *input, const char *name, uint64_t iteration, double time)
{
    write_begin(input->writer, "progress");
    pack_text(input->writer, "name", name);
    pack_uint(input->writer, "iteration", iteration);
    pack_uint(input->writer, "iterations", 100);
    pack_uint(input->writer, "epoch", 1 + iteration / 50);
    pack_uint(input->writer, "epochs", 2);
    pack_real(input->writer, "loss", 1);
    pack_real(input->writer, "accuracy", 0.5);
    pack_real(input->writer, "time", time);
    assert_int_equal(write_end(input->writer), 0);
}

static void put_end(struct input *input)
{
    int copy = dup(input->fd);
    assert_int_equal(write_finish(input->writer), 0);
    write_close(input->writer);
    input->writer = NULL;
    input->fd = copy;
}

/* The time that records are said to come at; NAN: not live. */
static double now = NAN;

/* Reads it all; feed and its runs live until history_free(). The result is that of the last record.
 */
static int take(struct input *input, struct history *history, struct feed *feed, int how)
{
    struct record record;
    int got;
    if (input->writer != NULL)
        assert_int_equal(write_flush(input->writer), 0);
    write_close(input->writer);
    lseek(input->fd, 0, SEEK_SET);
    struct reader *reader = record_open(input->fd, "test", how);
    feed->bare = how == READ_BARE;
    while ((got = record_next(reader, &record)) == RECORD_READ)
        if ((got = history_take(history, feed, reader, &record, now)) < 0)
            break;
    record_close(reader);
    close(input->fd);
    return got;
}

static void a_run(void **state)
{
    (void)state;
    struct history history = {0};
    struct feed *feed = feed_open("runs/net3.bin");
    struct input input = begin();
    put_header(&input, "run", 3, 7);
    for (uint64_t epoch = 1; epoch <= 6; epoch++) {
        put_point(&input, "progress", 2 * epoch - 1, epoch, 1.0 / (double)epoch,
                  0.1 * (double)epoch);
        put_point(&input, "progress", 2 * epoch, epoch, 1.0 / (double)epoch,
                  0.1 * (double)epoch + 0.02);
        put_point(&input, "validation", 2 * epoch, epoch, 1,
                  epoch == 4 ? 0.9 : 0.1 * (double)epoch);
    }
    write_begin(input.writer, "model");
    pack_uint(input.writer, "epoch", 6);
    pack_uint(input.writer, "epochs", 9);
    pack_bool(input.writer, "stopped", 1);
    assert_int_equal(write_end(input.writer), 0);
    put_end(&input);
    assert_int_equal(take(&input, &history, feed, READ_STREAM), RECORD_NONE);

    const struct run *run = history.run[0];
    assert_int_equal(history.runs, 1);
    assert_string_equal(run->stem, "net3");
    assert_string_equal(run->path, "runs/net3.bin");
    assert_int_equal(run->epoch, 6);
    assert_int_equal(run->epochs, 9);
    assert_int_equal(run->depth, 3);
    assert_int_equal(run->seed, 7);
    assert_int_equal(run->progress.count, 12);
    assert_int_equal(run->validation.count, 6);
    assert_int_equal(run->state, RUN_STOPPED);
    assert_true(fabs(points_epoch(&run->progress, 6).accuracy - 0.61) < 1e-12);
    assert_true(fabs(rank_merit(run, RANK_BEST, 0).figure - 0.9) < 1e-12);
    history_free(&history);
    feed_free(feed);
}

/* Trainers share a channel; one that was resumed tells its last iterations again. */
static void a_channel(void **state)
{
    (void)state;
    struct history history = {0};
    struct feed *feed = feed_open("fifo");
    struct input input = begin();
    put_named(&input, "d10", 1, 1000);
    put_named(&input, "d2", 1, 1000);
    for (uint64_t i = 2; i <= 40; i++)
        put_named(&input, "d2", i, 1000 + (double)i / 4);
    put_named(&input, "d2", 31, 1020);
    assert_int_equal(take(&input, &history, feed, READ_BARE), RECORD_NONE);

    assert_int_equal(history.runs, 2);
    assert_string_equal(history.run[0]->given, "d2");
    assert_string_equal(history.run[1]->given, "d10");
    const struct run *run = history.run[0];
    assert_int_equal(run->progress.count, 31);
    assert_int_equal(run->state, RUN_OPEN);
    assert_int_equal(run->iterations, 100);
    assert_true(run->progress.point[30].time == 1020);
    history_free(&history);
    feed_free(feed);
}

static void put_score(struct input *input, uint32_t columns)
{
    write_begin(input->writer, "score");
    pack_text(input->writer, "name", "net1.bin");
    pack_text(input->writer, "split", "test");
    pack_uint(input->writer, "images", 10);
    pack_real(input->writer, "loss", 0.5);
    pack_real(input->writer, "accuracy", 0.7);
    pack_array(input->writer, "confusion");
    for (uint32_t i = 0; i < 2; i++) {
        pack_item_array(input->writer);
        for (uint32_t j = 0; j < columns; j++)
            pack_item_uint(input->writer, 10 * i + j);
        pack_close(input->writer);
    }
    assert_int_equal(write_end(input->writer), 0);
}

static void a_score(void **state)
{
    (void)state;
    struct history history = {0};
    struct feed *feed = feed_open(NULL);
    struct input input = begin();
    put_header(&input, "scores", 0, 0);
    put_score(&input, 2);
    put_end(&input);
    assert_int_equal(take(&input, &history, feed, READ_STREAM), RECORD_NONE);
    assert_int_equal(history.scores, 1);
    assert_string_equal(history.score[0]->name, "net1");
    assert_string_equal(history.score[0]->class_name[1], "d?g");
    assert_int_equal(history.score[0]->confusion[2], 10);

    /* A matrix that does not fit the classes is damage, not a picture. */
    input = begin();
    put_header(&input, "scores", 0, 0);
    put_score(&input, 3);
    put_end(&input);
    assert_int_equal(take(&input, &history, feed, READ_STREAM), -1);
    assert_int_equal(why_status(), DAMAGED);
    history_free(&history);
    feed_free(feed);
}

static void a_wrong_kind(void **state)
{
    (void)state;
    struct history history = {0};
    struct feed *feed = feed_open(NULL);
    struct input input = begin();
    put_header(&input, "images", 0, 0);
    put_end(&input);
    assert_int_equal(take(&input, &history, feed, READ_STREAM), -1);
    assert_non_null(strstr(why(), "images"));
    assert_non_null(strstr(why(), "run or scores"));
    assert_int_equal(why_status(), FAILED);
    history_free(&history);
    feed_free(feed);
}

/* A view that is open for days: old points become fewer, the last and the mean stay. */
static void a_long_live_run(void **state)
{
    (void)state;
    enum { ITERATIONS = 3 * POINTS_MOST_LIVE };
    struct history history = {0};
    struct feed *feed = feed_open("fifo");
    struct input input = begin();
    for (uint64_t i = 1; i <= ITERATIONS; i++) {
        write_begin(input.writer, "progress");
        pack_text(input.writer, "name", "d1");
        pack_uint(input.writer, "iteration", i);
        pack_uint(input.writer, "epoch", 1);
        pack_real(input.writer, "loss", 1);
        pack_real(input.writer, "accuracy", (double)i / ITERATIONS);
        assert_int_equal(write_end(input.writer), 0);
    }
    now = 5;
    take(&input, &history, feed, READ_BARE);
    now = NAN;
    const struct points *points = &history.run[0]->progress;
    assert_in_range(points->count, POINTS_MOST_LIVE / 2, POINTS_MOST_LIVE);
    assert_true(points->point[points->count - 1].iteration == ITERATIONS);
    assert_true(points->point[points->count - 2].iteration == ITERATIONS - 1);
    /* Each stands for those since the one before. */
    double sum = 0, last = 0;
    for (size_t i = 0; i < points->count; i++) {
        assert_true(points->point[i].iteration > last);
        sum += points->point[i].accuracy * (points->point[i].iteration - last);
        last = points->point[i].iteration;
    }
    assert_true(fabs(sum / ITERATIONS - 0.5) < 1e-4);
    history_free(&history);
    feed_free(feed);
}

/* What no record tells of an early version's mini-batches follows from the header. */
static void images_of_a_header(void **state)
{
    (void)state;
    struct history history = {0};
    struct feed *feed = feed_open("net.bin");
    struct input input = begin();
    char *classes[] = {"cat", "dog"};
    write_begin(input.writer, "header");
    pack_uint(input.writer, "version", 1);
    pack_text(input.writer, "kind", "run");
    pack_texts(input.writer, "classes", classes, 2);
    pack_map(input.writer, "options");
    pack_uint(input.writer, "batch-size", 6);
    pack_close(input.writer);
    pack_map(input.writer, "counts");
    pack_uint(input.writer, "train", 14);
    assert_int_equal(write_end(input.writer), 0);
    for (uint64_t i = 1; i <= 6; i++)
        put_point(&input, "progress", i, 1 + (i - 1) / 3, 1, 0.5);
    put_end(&input);
    assert_int_equal(take(&input, &history, feed, READ_STREAM), RECORD_NONE);
    const double wanted[] = {6, 6, 2, 6, 6, 2};
    for (int i = 0; i < 6; i++)
        assert_true(history.run[0]->progress.point[i].images == wanted[i]);
    history_free(&history);
    feed_free(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run),           cmocka_unit_test(a_channel),
        cmocka_unit_test(a_score),         cmocka_unit_test(a_wrong_kind),
        cmocka_unit_test(a_long_live_run), cmocka_unit_test(images_of_a_header),
    };
    return RUN_TESTS(tests);
}
