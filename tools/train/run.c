#include "run.h"

#include "message.h"
#include "meter.h"
#include "nn/model.h"
#include "stop.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

uint64_t run_epoch_iterations(const struct run *run)
{
    uint64_t images = feed_about(run->feed)->counts[SPLIT_TRAIN]; /* ≥ 1, and as it was told */
    return images / run->batch + (images % run->batch > 0);
}

uint64_t run_images(const struct run *run, uint64_t iterations)
{
    uint64_t in_epoch = run_epoch_iterations(run);
    return iterations / in_epoch * feed_about(run->feed)->counts[SPLIT_TRAIN] +
           iterations % in_epoch * run->batch;
}

int run_saves_at(const struct run *run, uint64_t epoch)
{
    return epoch % run->checkpoint_every == 0 || epoch == run->epochs ||
           run_is_out_of_patience(run);
}

int run_go_on(struct run *run, uint64_t epoch, uint64_t iteration)
{
    uint64_t before = feed_before(run->feed);
    if (epoch < before)
        return fail("the input begins with epoch %llu; this run goes on from epoch %llu",
                    (unsigned long long)before + 1, (unsigned long long)epoch + 1);
    run->epoch = epoch;
    run->iteration = iteration;
    run->skip_epochs = epoch - before;
    run->skip_iterations = iteration - before * run_epoch_iterations(run);
    return 0;
}

void run_validated(struct run *run, double loss)
{
    if (loss < run->least) {
        run->least = loss;
        run->in_vain = 0;
    } else {
        run->in_vain++; /* also where the loss is no number */
    }
}

int run_is_out_of_patience(const struct run *run)
{
    return run->in_vain >= run->patience;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void show_pace(const struct run *run, double loss, double accuracy)
{
    double pace = (double)run->images / (seconds() - run->first_step + 1e-9);
    uint64_t all = run_images(run, run_epoch_iterations(run) * run->epochs);
    double left = (double)(all - run_images(run, run->iteration)) / pace;
    meter("epoch %llu of %llu: loss %s, accuracy %.1f %%, %.0f images/s, %.0f:%02.0f left",
          (unsigned long long)run->epoch + 1, (unsigned long long)run->epochs, loss_text(loss, 3),
          100 * accuracy, pace, floor(left / 60), floor(fmod(left, 60)));
}

int run_write_progress(struct writer *writer, uint64_t iteration, uint64_t epoch, uint64_t images,
                       double loss, double accuracy)
{
    write_begin(writer, "progress");
    pack_uint(writer, "iteration", iteration);
    pack_uint(writer, "epoch", epoch);
    pack_uint(writer, "images", images);
    pack_real(writer, "loss", loss);
    pack_real(writer, "accuracy", accuracy);
    return write_end(writer);
}

/* A step's outcome has come in. */
static int tell_step(struct run *run, const struct outcome *outcome)
{
    double loss = outcome->loss / outcome->count;
    double accuracy = (double)outcome->correct / outcome->count;
    run->iteration++;
    run->images += outcome->count;
    if (!isfinite(loss) && !run->diverged++) {
        meter_clear();
        note("the loss is no longer a number in iteration %llu: the network has diverged; a lower "
             "--learning-rate may help",
             (unsigned long long)run->iteration);
    }
    show_pace(run, loss, accuracy);
    progress_step(run->progress, run->epoch + 1, run->iteration, outcome->count, loss, accuracy);
    return run_write_progress(run->writer, run->iteration, run->epoch + 1, outcome->count, loss,
                              accuracy);
}

/* Records what the steps gave so far: of those that the engine is done with, or of all. */
static int tell_steps(struct run *run, int all)
{
    struct outcome outcome;
    uint64_t before = run->iteration;
    int got;
    while ((got = engine_outcome(run->engine, all, &outcome)) > 0)
        if (tell_step(run, &outcome) < 0)
            return -1;
    if (got < 0)
        return -1;
    /* At once, not when the buffer is full: a step takes milliseconds, and somebody may be
     * watching. */
    return run->iteration > before ? write_flush(run->writer) : 0;
}

static int step(struct run *run, const struct batch *batch)
{
    if (run->first_step == 0)
        run->first_step = seconds();
    if (engine_begin_step(run->engine, batch, run->rate) < 0)
        return -1;
    return tell_steps(run, 0);
}

/* Adds up the outcomes of tests: of those that the engine is done with, or of all. */
static int add_tests(struct run *run, int all, double *loss, double *correct)
{
    struct outcome outcome;
    int got;
    while ((got = engine_outcome(run->engine, all, &outcome)) > 0) {
        *loss += outcome.loss;
        *correct += outcome.correct;
    }
    return got;
}

/* Sums of loss and right answers over all validation images. */
static int test(struct run *run, const struct batch *all, double *loss, double *correct)
{
    const struct images_about *about = feed_about(run->feed);
    size_t image_size = (size_t)about->height * about->width * about->channels;
    *loss = *correct = 0;
    for (size_t i = 0; i < all->count; i += run->batch) {
        struct batch some = {.label = all->label + i, .count = all->count - i};
        if (some.count > run->batch)
            some.count = run->batch;
        if (all->pixels)
            some.pixels = all->pixels + i * image_size;
        else
            some.view = all->view + i;
        if (engine_begin_test(run->engine, &some) < 0 || add_tests(run, 0, loss, correct) < 0)
            return -1;
    }
    return add_tests(run, 1, loss, correct);
}

/* Loss and accuracy on all validation images, as a record; nothing where there are none. */
static int validate(struct run *run)
{
    struct batch all = feed_validation(run->feed);
    double loss, correct;
    if (all.count == 0)
        return 0;
    if (test(run, &all, &loss, &correct) < 0)
        return -1;
    loss /= (double)all.count;
    correct /= (double)all.count;
    run_validated(run, loss);
    write_begin(run->writer, "validation");
    pack_uint(run->writer, "epoch", run->epoch);
    pack_uint(run->writer, "iteration", run->iteration);
    pack_uint(run->writer, "images", all.count);
    pack_real(run->writer, "loss", loss);
    pack_real(run->writer, "accuracy", correct);
    progress_validation(run->progress, run->epoch, run->iteration, all.count, loss, correct);
    meter_clear();
    note("epoch %llu of %llu: validation accuracy %.2f %%, loss %s", (unsigned long long)run->epoch,
         (unsigned long long)run->epochs, 100 * correct, loss_text(loss, 4));
    return write_end(run->writer);
}

static int checkpoint(struct run *run)
{
    if (run->iteration == run->saved)
        return 0;
    run->saved = run->iteration;
    if (engine_read(run->engine, run->parameters, run->momentum) < 0)
        return -1;
    struct position position = write_position(run->writer);
    write_begin(run->writer, "checkpoint");
    pack_uint(run->writer, "epoch", run->epoch);
    pack_uint(run->writer, "iteration", run->iteration);
    model_pack_tensors(run->writer, "tensors", run->net, run->parameters, 0);
    model_pack_tensors(run->writer, "momentum", run->net, run->momentum, 1);
    pack_position(run->writer, position);
    pack_seal(run->writer);
    return write_end(run->writer) < 0 ? -1 : write_flush(run->writer);
}

static int end_epoch(struct run *run)
{
    if (tell_steps(run, 1) < 0)
        return -1;
    run->epoch++;
    if (validate(run) < 0)
        return -1;
    return run_saves_at(run, run->epoch) ? checkpoint(run) : 0;
}

/* reason: why training ended. */
static int write_model(struct run *run, const char *reason)
{
    if (engine_read(run->engine, run->parameters, NULL) < 0)
        return -1;
    write_begin(run->writer, "model");
    pack_uint(run->writer, "epoch", run->epoch);
    pack_uint(run->writer, "epochs", run->epochs);
    pack_uint(run->writer, "iteration", run->iteration);
    pack_bool(run->writer, "stopped", run->epoch < run->epochs && !run_is_out_of_patience(run));
    pack_text(run->writer, "reason", reason);
    pack_map(run->writer, "network");
    pack_uint(run->writer, "depth", run->net->shape.depth);
    pack_uint(run->writer, "filters", run->net->shape.filters);
    pack_close(run->writer);
    model_pack_tensors(run->writer, "tensors", run->net, run->parameters, 0);
    if (write_end(run->writer) < 0)
        return -1;
    return write_finish(run->writer);
}

static int stop(struct run *run)
{
    if (tell_steps(run, 1) < 0 || checkpoint(run) < 0 || write_model(run, "signal") < 0)
        return -1;
    meter_clear();
    note("stopped by signal %d in epoch %llu of %llu; what was learnt so far is saved",
         (int)stop_signal, (unsigned long long)run->epoch + 1, (unsigned long long)run->epochs);
    return STOPPED;
}

/* The input ended, whole, before the epochs were done. */
static int run_short(struct run *run)
{
    unsigned long long have = run->epoch, want = run->epochs;
    if (tell_steps(run, 1) < 0)
        return -1;
    if (run->skip_iterations > 0)
        return fail("the input ends before the point that the resumed run had reached");
    if (!run->epochs_asked && have > 0) {
        run->epochs = run->epoch;
        progress_expect(run->progress, run->epochs, run->iteration);
    }
    int is_short = run->epoch < run->epochs;
    int result = checkpoint(run) < 0 ? -1 : write_model(run, is_short ? "input" : "epochs");
    if (result == 0 && is_short)
        return fail("the input has %llu epoch%s, but %llu were asked for", have, plural(have),
                    want);
    if (result == 0)
        note("the input ended after %llu epoch%s of %llu, and so does the run", have, plural(have),
             want);
    return result;
}

static void tell_patience(const struct run *run)
{
    char what[64] = "not a number";
    if (isfinite(run->least))
        snprintf(what, sizeof what, "not smaller than %s", loss_text(run->least, 4));
    note("the validation loss was %s for %llu epoch%s%s: training ends after epoch %llu of %llu",
         what, (unsigned long long)run->in_vain, plural(run->in_vain),
         run->in_vain > 1 ? " in a row" : "", (unsigned long long)run->epoch,
         (unsigned long long)run->epochs);
}

static int train(struct run *run)
{
    while (run->epoch < run->epochs && !run_is_out_of_patience(run)) {
        struct batch batch;
        int got = stop_signal ? FEED_WAIT : feed_next(run->feed, &batch);
        if (got == FEED_WAIT || (got < 0 && stop_is_coming()))
            return stop(run);
        if (got < 0)
            return -1;
        if (got == FEED_END)
            return run_short(run);
        uint64_t *skip = got == FEED_BATCH ? &run->skip_iterations : &run->skip_epochs;
        if (*skip > 0)
            --*skip;
        else if ((got == FEED_BATCH ? step(run, &batch) : end_epoch(run)) < 0)
            return -1;
    }
    if (!run_is_out_of_patience(run))
        return write_model(run, "epochs");
    tell_patience(run);
    return write_model(run, "patience");
}

int run_train(struct run *run)
{
    run->parameters = ealloc(run->net->parameters, sizeof *run->parameters);
    run->momentum = ealloc(run->net->parameters, sizeof *run->momentum);
    int result = train(run);
    free(run->parameters);
    free(run->momentum);
    return result;
}
