/* What is kept of runs and scores. */
#include "runs/input.h"

#include "message.h"
#include "write.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stream or channel under construction, in an unlinked file. */
struct stream {
    int fd;
    struct writer *writer;
};

static struct stream begin(void)
{
    char path[] = "/tmp/history_test_XXXXXX";
    struct stream stream = {mkstemp(path), NULL};
    assert_true(stream.fd >= 0);
    unlink(path);
    stream.writer = write_open(stream.fd, "test");
    return stream;
}

static void put_header(struct stream *stream, const char *kind, uint64_t depth, uint64_t seed)
{
    char *classes[] = {"cat", "d\033g"};
    write_begin(stream->writer, "header");
    pack_uint(stream->writer, "version", 1);
    pack_text(stream->writer, "kind", kind);
    pack_texts(stream->writer, "classes", classes, 2);
    pack_map(stream->writer, "options");
    pack_uint(stream->writer, "depth", depth);
    pack_uint(stream->writer, "seed", seed);
    assert_int_equal(write_end(stream->writer), 0);
}

static void put_point(struct stream *stream, const char *type, uint64_t iteration, uint64_t epoch,
                      double loss, double accuracy)
{
    write_begin(stream->writer, type);
    pack_uint(stream->writer, "iteration", iteration);
    pack_uint(stream->writer, "epoch", epoch);
    pack_real(stream->writer, "loss", loss);
    pack_real(stream->writer, "accuracy", accuracy);
    assert_int_equal(write_end(stream->writer), 0);
}

/* A record of the progress channel. */
static void put_named(struct stream *stream, const char *name, uint64_t iteration, double time)
{
    write_begin(stream->writer, "progress");
    pack_text(stream->writer, "name", name);
    pack_uint(stream->writer, "iteration", iteration);
    pack_uint(stream->writer, "iterations", 100);
    pack_uint(stream->writer, "epoch", 1 + iteration / 50);
    pack_uint(stream->writer, "epochs", 2);
    pack_real(stream->writer, "loss", 1);
    pack_real(stream->writer, "accuracy", 0.5);
    pack_real(stream->writer, "time", time);
    assert_int_equal(write_end(stream->writer), 0);
}

static void put_end(struct stream *stream)
{
    int copy = dup(stream->fd);
    assert_int_equal(write_finish(stream->writer), 0);
    write_close(stream->writer);
    stream->writer = NULL;
    stream->fd = copy;
}

/* The time that records are said to come at; NAN: not live. */
static double now = NAN;

/* Reads it all; input and its runs live until history_free(). The result is that of the last
 * record.
 */
static int take(struct stream *stream, struct history *history, struct input *input, int how)
{
    struct record record;
    int got;
    if (stream->writer != NULL)
        assert_int_equal(write_flush(stream->writer), 0);
    write_close(stream->writer);
    lseek(stream->fd, 0, SEEK_SET);
    input->reader = record_open(stream->fd, "test", how);
    input->bare = how == READ_BARE;
    while ((got = record_next(input->reader, &record)) == RECORD_READ)
        if ((got = input_take(input, history, &record, now)) < 0)
            break;
    input_shut(input);
    close(stream->fd);
    return got;
}

static void a_run(void **state)
{
    (void)state;
    struct history history = {0};
    struct input input = input_of("runs/net3.bin");
    struct stream stream = begin();
    put_header(&stream, "run", 3, 7);
    for (uint64_t epoch = 1; epoch <= 6; epoch++) {
        put_point(&stream, "progress", 2 * epoch - 1, epoch, 1.0 / (double)epoch,
                  0.1 * (double)epoch);
        put_point(&stream, "progress", 2 * epoch, epoch, 1.0 / (double)epoch,
                  0.1 * (double)epoch + 0.02);
        put_point(&stream, "validation", 2 * epoch, epoch, 1,
                  epoch == 4 ? 0.9 : 0.1 * (double)epoch);
    }
    write_begin(stream.writer, "model");
    pack_uint(stream.writer, "epoch", 6);
    pack_uint(stream.writer, "epochs", 9);
    pack_bool(stream.writer, "stopped", 1);
    assert_int_equal(write_end(stream.writer), 0);
    put_end(&stream);
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), RECORD_NONE);

    const struct run *run = history.run[0];
    assert_int_equal(history.runs, 1);
    assert_string_equal(run->stem, "net3");
    assert_string_equal(run->path, "runs/net3.bin");
    assert_int_equal(run->epoch, 6);
    assert_int_equal(run->epochs, 9);
    assert_string_equal(run->network, "depth 3");
    assert_int_equal(run->seed, 7);
    assert_int_equal(run->progress.count, 12);
    assert_int_equal(run->validation.count, 6);
    assert_int_equal(run->state, RUN_STOPPED);
    assert_true(fabs(samples_epoch(&run->progress, 6).accuracy - 0.61) < 1e-12);
    assert_true(fabs(rank_merit(run, RANK_BEST, 0).figure - 0.9) < 1e-12);
    history_free(&history);
    input_close(&input);
}

/* Trainers share a channel; one that was resumed tells its last iterations again. */
static void a_channel(void **state)
{
    (void)state;
    struct history history = {0};
    struct input input = input_of("fifo");
    struct stream stream = begin();
    put_named(&stream, "d10", 1, 1000);
    put_named(&stream, "d2", 1, 1000);
    for (uint64_t i = 2; i <= 40; i++)
        put_named(&stream, "d2", i, 1000 + (double)i / 4);
    put_named(&stream, "d2", 31, 1020);
    assert_int_equal(take(&stream, &history, &input, READ_BARE), RECORD_NONE);

    assert_int_equal(history.runs, 2);
    assert_string_equal(history.run[0]->given, "d2");
    assert_string_equal(history.run[1]->given, "d10");
    const struct run *run = history.run[0];
    assert_int_equal(run->progress.count, 31);
    assert_int_equal(run->state, RUN_OPEN);
    assert_int_equal(run->iterations, 100);
    assert_true(run->progress.sample[30].time == 1020);
    history_free(&history);
    input_close(&input);
}

static void put_score(struct stream *stream, uint32_t columns)
{
    write_begin(stream->writer, "score");
    pack_text(stream->writer, "name", "net1.bin");
    pack_text(stream->writer, "split", "test");
    pack_uint(stream->writer, "images", 10);
    pack_real(stream->writer, "loss", 0.5);
    pack_real(stream->writer, "accuracy", 0.7);
    pack_array(stream->writer, "confusion");
    for (uint32_t i = 0; i < 2; i++) {
        pack_array(stream->writer, NULL);
        for (uint32_t j = 0; j < columns; j++)
            pack_uint(stream->writer, NULL, 10 * i + j);
        pack_close(stream->writer);
    }
    assert_int_equal(write_end(stream->writer), 0);
}

static void a_score(void **state)
{
    (void)state;
    struct history history = {0};
    struct input input = input_of(NULL);
    struct stream stream = begin();
    put_header(&stream, "scores", 0, 0);
    put_score(&stream, 2);
    put_end(&stream);
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), RECORD_NONE);
    assert_int_equal(history.scores, 1);
    assert_string_equal(history.score[0]->name, "net1");
    assert_string_equal(history.score[0]->class_name[1], "d?g");
    assert_int_equal(history.score[0]->confusion[2], 10);

    /* A matrix that does not fit the classes is damage, not a picture. */
    stream = begin();
    put_header(&stream, "scores", 0, 0);
    put_score(&stream, 3);
    put_end(&stream);
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), -1);
    assert_int_equal(why_status(), DAMAGED);
    history_free(&history);
    input_close(&input);
}

/* Of two headers neither is lost: the second is of another run. */
static void a_second_header(void **state)
{
    (void)state;
    struct run *run = run_new();
    struct record record;
    struct stream stream = begin();
    put_header(&stream, "run", 3, 7);
    put_end(&stream);
    lseek(stream.fd, 0, SEEK_SET);
    struct reader *reader = record_open(stream.fd, "test", READ_STREAM);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(run_take(run, &record, NAN), 0);
    assert_int_equal(run_take(run, &record, NAN), -1);
    assert_int_equal(settings_find(&run->settings, "depth")->number, 3);
    record_close(reader);
    close(stream.fd);
    run_free(run);
}

static void a_wrong_kind(void **state)
{
    (void)state;
    struct history history = {0};
    struct input input = input_of(NULL);
    struct stream stream = begin();
    put_header(&stream, "images", 0, 0);
    put_end(&stream);
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), -1);
    assert_non_null(strstr(why(), "images"));
    assert_non_null(strstr(why(), "run or scores"));
    assert_int_equal(why_status(), FAILED);
    history_free(&history);
    input_close(&input);
}

/* A view that is open for days: old points become fewer, the last and the mean stay. */
static void a_long_live_run(void **state)
{
    (void)state;
    enum { ITERATIONS = 3 * SAMPLES_MOST_LIVE };
    struct history history = {0};
    struct input input = input_of("fifo");
    struct stream stream = begin();
    for (uint64_t i = 1; i <= ITERATIONS; i++) {
        write_begin(stream.writer, "progress");
        pack_text(stream.writer, "name", "d1");
        pack_uint(stream.writer, "iteration", i);
        pack_uint(stream.writer, "epoch", 1);
        pack_real(stream.writer, "loss", 1);
        pack_real(stream.writer, "accuracy", (double)i / ITERATIONS);
        assert_int_equal(write_end(stream.writer), 0);
    }
    now = 5;
    take(&stream, &history, &input, READ_BARE);
    now = NAN;
    const struct samples *points = &history.run[0]->progress;
    assert_in_range(points->count, SAMPLES_MOST_LIVE / 2, SAMPLES_MOST_LIVE);
    assert_true(points->sample[points->count - 1].iteration == ITERATIONS);
    assert_true(points->sample[points->count - 2].iteration == ITERATIONS - 1);
    /* Each stands for those since the one before. */
    double sum = 0, last = 0;
    for (size_t i = 0; i < points->count; i++) {
        assert_true(points->sample[i].iteration > last);
        sum += points->sample[i].accuracy * (points->sample[i].iteration - last);
        last = points->sample[i].iteration;
    }
    assert_true(fabs(sum / ITERATIONS - 0.5) < 1e-4);
    history_free(&history);
    input_close(&input);
}

/* What no record tells of an early version's mini-batches follows from the header. */
static void images_of_a_header(void **state)
{
    (void)state;
    struct history history = {0};
    struct input input = input_of("net.bin");
    struct stream stream = begin();
    char *classes[] = {"cat", "dog"};
    write_begin(stream.writer, "header");
    pack_uint(stream.writer, "version", 1);
    pack_text(stream.writer, "kind", "run");
    pack_texts(stream.writer, "classes", classes, 2);
    pack_map(stream.writer, "options");
    pack_uint(stream.writer, "batch-size", 6);
    pack_close(stream.writer);
    pack_map(stream.writer, "counts");
    pack_uint(stream.writer, "train", 14);
    assert_int_equal(write_end(stream.writer), 0);
    for (uint64_t i = 1; i <= 6; i++)
        put_point(&stream, "progress", i, 1 + (i - 1) / 3, 1, 0.5);
    put_end(&stream);
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), RECORD_NONE);
    const double wanted[] = {6, 6, 2, 6, 6, 2};
    for (int i = 0; i < 6; i++)
        assert_true(history.run[0]->progress.sample[i].images == wanted[i]);
    history_free(&history);
    input_close(&input);
}

/* Validations tell how many epochs are finished: one in the middle of an epoch lies in the next. */
static void validations_inside(void **state)
{
    (void)state;
    struct history history = {.epochs = 2};
    struct input input = input_of("net.bin");
    struct stream stream = begin();
    put_header(&stream, "run", 1, 0);
    for (uint64_t i = 1; i <= 8; i++) {
        put_point(&stream, "progress", i, 1 + (i - 1) / 4, 1, 0.5);
        if (i % 3 == 0)
            put_point(&stream, "validation", i, i / 4, 1, 0.5);
    }
    assert_int_equal(take(&stream, &history, &input, READ_STREAM), -1);
    struct run *run = history.run[0];
    const struct sample *validation = run->validation.sample;
    assert_int_equal(run->validation.count, 2);
    assert_int_equal(validation[0].epoch, 1);
    assert_int_equal(validation[1].epoch, 2);
    assert_true(validation[0].inside && validation[1].inside);
    assert_int_equal(run->epoch, 2);
    assert_int_equal(run_finished_epochs(run), 1);
    assert_true(run_epochs_at(run, &validation[0]) == 0.5);
    run->batch = 8;
    run->train = 30;
    assert_true(run_epochs_at(run, &validation[0]) == 0.75);
    assert_true(run_epochs_at(run, &validation[1]) == 1.5);
    history_free(&history);
    input_close(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run),
        cmocka_unit_test(a_channel),
        cmocka_unit_test(a_score),
        cmocka_unit_test(a_wrong_kind),
        cmocka_unit_test(a_second_header),
        cmocka_unit_test(a_long_live_run),
        cmocka_unit_test(images_of_a_header),
        cmocka_unit_test(validations_inside),
    };
    return RUN_TESTS(tests);
}
