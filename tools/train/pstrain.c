/* pstrain: trains a convolutional network on a stream of images; its output is the run: history,
 * checkpoints and model. */
#include "points.h"
#include "resume.h"
#include "run.h"
#include "settings.h"

#include "message.h"
#include "meter.h"
#include "nn/model.h"
#include "standard.h"
#include "stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct engine *open_engine(const struct net *net, const struct images_about *images)
{
    struct engine_options options = settings_engine(images);
    struct engine *engine;
    if (engine_open(&engine, settings.device, net, &options) < 0)
        die_why();
    float *parameters = ealloc(net->parameters, sizeof *parameters);
    net_initialise(net, settings.seed, parameters);
    if (engine_write(engine, parameters, NULL) < 0) {
        engine_close(engine);
        die_why();
    }
    free(parameters);
    explain("%s; %zu parameters", engine_detail(engine), net->parameters);
    return engine;
}

/* Hands the images that are kept to an engine that draws views by itself. */
static void hand_over(struct engine *engine, struct feed *feed)
{
    struct kept_images images = feed_images(feed);
    if (images.count == 0)
        return;
    int kept = engine_keep(engine, &images);
    if (kept < 0) {
        engine_close(engine);
        die_why();
    }
    if (kept)
        feed_by_views(feed);
    if (kept)
        explain("the engine keeps %zu images, %zu bytes", images.count, images.bytes);
    else
        explain("each batch is sent to the engine: %s", why());
}

/* Opens the input and reads it up to the first training image. Signals end the program as they
 * always do until there is something to save: from the header on they are asked to wait. */
static struct feed *open_feed(struct images *input)
{
    struct feed *feed;
    if (images_open(input, STDIN_FILENO, "input", "images epochs") < 0)
        die_why();
    stop_on_signals();
    record_stop_on(input->reader, &stop_signal);
    int got = feed_open(&feed, input, (uint32_t)settings.batch, settings.data_seed);
    if (got == FEED_WAIT || (got < 0 && stop_is_coming())) {
        note("stopped by signal %d before training began", (int)stop_signal);
        stop_end();
    }
    if (got < 0)
        die_why();
    return feed;
}

static struct progress *open_progress(const struct run *run)
{
    struct progress *progress;
    char default_name[64];
    snprintf(default_name, sizeof default_name, "d%llu-s%llu", (unsigned long long)settings.depth,
             (unsigned long long)settings.seed);
    if (progress_open(&progress, settings.progress_path,
                      settings.name ? settings.name : default_name, settings.epochs,
                      run_epoch_iterations(run) * settings.epochs) < 0)
        die_why();
    return progress;
}

/* Gives the engine back and tells those who watch how the run ended; returns only when it is done.
 */
static void end_run(const struct run *run, int result)
{
    char reason[1024];
    enum status status = why_status();
    snprintf(reason, sizeof reason, "%s", why());
    engine_close(run->engine);
    meter_clear();
    progress_done(run->progress, run->epoch, run->iteration,
                  result == DONE      ? "done"
                  : result == STOPPED ? "stopped"
                                      : "failed");
    if (result == STOPPED)
        stop_end();
    if (result == DONE)
        return;
    if (run->iteration > 0)
        (void)write_flush(run->writer); /* what was learnt; why it failed is known already */
    die(status, "%s", reason);
}

static void print_line(const char *line)
{
    puts(line);
}

static _Noreturn void run_selftest(void)
{
    struct engine_options options = {.gpu = (uint32_t)settings.gpu,
                                     .precision = settings.precision};
    estandard_text();
    if (engine_selftest(&options, print_line) < 0)
        die_why();
    puts("The GPU does what the CPU does, the same bits each time.");
    end_after_text();
}

/* Of a stream with epochs the header tells all that is to be known; where it is a file, the end of
 * the first epoch proves that. */
static _Noreturn void print_points(void)
{
    struct images input;
    struct feed *feed = NULL;
    estandard_text();
    if (images_open(&input, STDIN_FILENO, "input", "images epochs") < 0 ||
        (input.epochs ? images_prove(&input) : feed_open(&feed, &input, 1, 0)) < 0 ||
        points_print(settings.points, &input, feed ? feed_about(feed) : &input.about) < 0)
        die_why();
    feed_close(feed);
    images_close(&input);
    exit(DONE);
}

int main(int argc, char **argv)
{
    if (options_parse(&settings_about, argc, argv) < argc)
        die(USAGE, "unexpected argument %s: the images come on standard input", argv[argc - 1]);
    if (settings.selftest)
        run_selftest();
    if (settings.name && strlen(settings.name) > PROGRESS_MOST_NAME)
        die(USAGE, "--name takes at most %d bytes", PROGRESS_MOST_NAME);
    estandard_input();
    if (settings.points)
        print_points();
    struct writer *writer = estandard_output();

    struct images input;
    struct feed *feed = open_feed(&input);
    struct images_about images = *feed_about(feed);
    static struct net net;
    if (settings_complete(input.classes.count, &images, &net) < 0)
        die_why();

    struct run run = {
        .net = &net,
        .engine = open_engine(&net, &images),
        .feed = feed,
        .writer = writer,
        .batch = (uint32_t)settings.batch,
        .rate = settings.rate,
        .epochs = settings.epochs,
        .epochs_asked = options_given(settings_about.rows, "epochs"),
        .checkpoint_every = settings.checkpoint_every,
        .patience = settings.patience,
        .least = INFINITY,
    };
    hand_over(run.engine, feed);
    run.progress = open_progress(&run);
    int result = settings_write(writer, &input, &images, engine_name(run.engine), &net);
    if (result == 0)
        result =
            settings.earlier.count > 0 ? resume(&run, &settings.earlier) : run_go_on(&run, 0, 0);
    end_run(&run, result < 0 ? -1 : run_train(&run));

    progress_close(run.progress);
    feed_close(feed);
    images_close(&input);
    write_close(writer);
    return DONE;
}
