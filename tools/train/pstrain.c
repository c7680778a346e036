/* pstrain: trains a convolutional network on a stream of images; its output is the run: history,
 * checkpoints and model. */
#include "complete.h"
#include "header.h"
#include "points.h"
#include "resume.h"
#include "training.h"
#include "training_options.h"

#include "message.h"
#include "meter.h"
#include "nn/device.h"
#include "nn/whiten.h"
#include "standard.h"
#include "stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void end_before_training(void)
{
    note("stopped by signal %d before training began", (int)stop_signal);
    stop_end();
}

/* The network's initial values; filters that whiten are made for the first mini-batch, which an
 * input for a run that goes on may leave out: then there are others to come. */
static float *initial_parameters(const struct net *net, struct loader *loader)
{
    float *parameters = ealloc(net->parameters, sizeof *parameters);
    struct batch batch;
    net_initialise(net, options.initial, options.seed, parameters);
    if (!whiten_wanted(net) || loader->before > 0)
        return parameters;
    int got = loader_look_ahead(loader, &batch);
    if (got == LOADER_WAIT || (got < 0 && stop_is_coming()))
        end_before_training();
    if (got < 0)
        die_why();
    if (got == LOADER_BATCH)
        whiten(net, batch.pixels, batch.count, options.engine.deviation, parameters);
    return parameters;
}

/* Opens the engine with a network's initial values; what is stored is handed to one that draws
 * views by itself. Ends the program when it fails. */
static struct engine *open_engine(const struct net *net, struct loader *loader)
{
    float *parameters = initial_parameters(net, loader);
    const struct store *store = &loader->store;
    struct kept_images images = {store->pixels, store->bytes, store->image, store->count};
    struct engine *engine;
    if (engine_open(&engine, options.device, net, &options.engine) < 0)
        die_why();
    int kept = engine_write(engine, &(struct learnt){parameters, NULL, NULL});
    free(parameters);
    if (kept == 0) {
        explain("%s; %zu parameters", engine_detail(engine), net->parameters);
        if (loader->input->drawing)
            fail("the views are more than windows and flips, which is all that an engine draws");
        else if (images.count > 0)
            kept = engine_keep(engine, &images);
    }
    if (kept < 0) {
        engine_close(engine);
        die_why();
    }
    if (kept) {
        loader_by_views(loader);
        explain("the engine keeps %zu images, %zu bytes", images.count, images.bytes);
    } else if (images.count > 0) {
        explain("each batch is sent to the engine: %s", why());
    }
    return engine;
}

/* Opens the input and reads it up to the first training image. Signals end the program as they
 * always do until there is something to save: from the header on they are asked to wait. */
static void open_loader(struct loader *loader, struct images *input)
{
    if (images_open(input, STDIN_FILENO, "input", "images epochs") < 0)
        die_why();
    stop_on_signals();
    record_stop_on(input->reader, &stop_signal);
    int got = loader_open(loader, input, (uint32_t)options.engine.batch, options.data_seed);
    if (got == LOADER_WAIT || (got < 0 && stop_is_coming()))
        end_before_training();
    if (got < 0)
        die_why();
}

static struct progress *open_progress(const struct training *training)
{
    struct progress *progress;
    char default_name[NAME_ROOM];
    training_name(training->net, default_name);
    if (progress_open(&progress, options.progress_path, options.name ? options.name : default_name,
                      options.epochs, training_epoch_iterations(training) * options.epochs) < 0)
        die_why();
    return progress;
}

/* Gives the engine back and tells those who watch how the run ended; returns only when it is done.
 */
static void end_run(const struct training *training, int result)
{
    char reason[1024];
    enum status status = why_status();
    snprintf(reason, sizeof reason, "%s", why());
    engine_close(training->engine);
    meter_clear();
    progress_done(training->progress, training->epoch, training->iteration,
                  result == DONE      ? "done"
                  : result == STOPPED ? "stopped"
                                      : "failed");
    if (result == STOPPED)
        stop_end();
    if (result == DONE)
        return;
    if (training->iteration > 0)
        (void)write_flush(training->writer); /* what was learnt; why it failed is known already */
    die(status, "%s", reason);
}

static void print_line(const char *line)
{
    puts(line);
}

static _Noreturn void run_selftest(void)
{
    estandard_text();
    if (engine_selftest(&options.engine, print_line) < 0)
        die_why();
    puts("The GPU does what the CPU does, the same bits each time.");
    end_after_text();
}

/* Of a stream with epochs the header tells all that is to be known; where it is a file, the end of
 * the first epoch proves that. */
static _Noreturn void print_points(void)
{
    struct images input;
    struct loader loader = {0};
    estandard_text();
    if (images_open(&input, STDIN_FILENO, "input", "images epochs") < 0 ||
        (input.epochs ? images_prove(&input) : loader_open(&loader, &input, 1, 0)) < 0)
        die_why();
    if (input.epochs && input.about.counts[SPLIT_TRAIN] == 0)
        die(FAILED, "%s holds no training images", record_name(input.reader));
    if (points_print(options.points, &input, input.epochs ? &input.about : &loader.about) < 0)
        die_why();
    loader_close(&loader);
    images_close(&input);
    exit(DONE);
}

/* What a rate that falls to its end does in the epochs behind that. */
static void note_horizon(void)
{
    const struct schedule *course = &options.course;
    uint64_t horizon = course->horizon / options.epoch_iterations;
    if (horizon < options.epochs && schedule_ends(course->kind))
        note("from epoch %llu on the learning rate stays %.3g, where --horizon %llu has left it",
             (unsigned long long)horizon + 1, schedule_rate(course, course->horizon + 1),
             (unsigned long long)horizon);
}

int main(int argc, char **argv)
{
    if (options_parse(&training_program, argc, argv) < argc)
        die(USAGE, "unexpected argument %s: the images come on standard input", argv[argc - 1]);
    if (options.selftest)
        run_selftest();
    if (options.name && strlen(options.name) > PROGRESS_MOST_NAME)
        die(USAGE, "--name takes at most %d bytes", PROGRESS_MOST_NAME);
    estandard_input();
    if (options.points)
        print_points();
    struct writer *writer = estandard_output();

    struct images input;
    struct loader loader;
    static struct net net;
    open_loader(&loader, &input);
    struct images_about images = loader.about;
    if (training_complete(input.classes.count, &images, &net) < 0)
        die_why();
    loader.only_whole = options.epoch_images < images.counts[SPLIT_TRAIN];
    note_horizon();

    struct training training = {
        .options = &options,
        .net = &net,
        .engine = open_engine(&net, &loader),
        .loader = &loader,
        .writer = writer,
        .epochs = options.epochs,
    };
    if (state_open(&training.state, training.engine, &net, &options.averaging, options.keeps_best) <
        0)
        die_why();
    training.progress = open_progress(&training);
    int result = training_write_header(writer, &input, &images, engine_name(training.engine), &net);
    if (result == 0)
        result = options.earlier.count > 0 ? resume(&training, &options.earlier)
                                           : training_go_on(&training, 0, 0);
    end_run(&training, result < 0 ? -1 : training_run(&training));

    state_close(&training.state);
    progress_close(training.progress);
    loader_close(&loader);
    images_close(&input);
    write_close(writer);
    return DONE;
}
