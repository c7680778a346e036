#include "training.h"

#include "message.h"
#include "meter.h"
#include "nn/model.h"
#include "stop.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

uint64_t training_epoch_iterations(const struct training *training)
{
    return training->options->epoch_iterations;
}

uint64_t training_images(const struct training *training, uint64_t iterations)
{
    uint64_t in_epoch = training_epoch_iterations(training);
    return iterations / in_epoch * training->options->epoch_images +
           iterations % in_epoch * training->options->engine.batch;
}

int training_is_out_of_patience(const struct training *training)
{
    return training->validations.in_vain >= training->options->patience;
}

int training_saves_at(const struct training *training, uint64_t epoch)
{
    return epoch % training->options->checkpoint_every == 0 || epoch == training->epochs ||
           training_is_out_of_patience(training);
}

int training_go_on(struct training *training, uint64_t epoch, uint64_t iteration)
{
    uint64_t before = training->loader->before;
    if (epoch < before)
        return fail("the input begins with epoch %llu; this run goes on from epoch %llu",
                    (unsigned long long)before + 1, (unsigned long long)epoch + 1);
    training->epoch = epoch;
    training->iteration = training->begun = iteration;
    training->skip_epochs = epoch - before;
    training->skip_iterations = iteration - before * training_epoch_iterations(training);
    return 0;
}

int training_best_is_past(const struct training *training)
{
    const struct validation *best = &training->validations.best;
    return best->iteration > 0 && best->iteration < training->iteration;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int training_write_progress(struct writer *writer, uint64_t iteration, uint64_t epoch,
                            uint64_t images, double loss, double accuracy, double rate)
{
    write_begin(writer, "progress");
    pack_uint(writer, "iteration", iteration);
    pack_uint(writer, "epoch", epoch);
    pack_uint(writer, "images", images);
    pack_real(writer, "loss", loss);
    pack_real(writer, "accuracy", accuracy);
    if (!isnan(rate))
        pack_real(writer, "rate", rate);
    return write_end(writer);
}

static double rate_of(const struct training *training, uint64_t iteration)
{
    return schedule_rate(&training->options->course, iteration);
}

/* A step's outcome has come in: tells it to who watches, and records it. */
static int tell_step(struct training *training, const struct outcome *outcome)
{
    double loss = outcome->loss / outcome->count;
    double accuracy = (double)outcome->correct / outcome->count;
    training->iteration++;
    training->images += outcome->count;
    if (!isfinite(loss) && !training->diverged++) {
        meter_clear();
        note("the loss is no longer a number in iteration %llu: the network has diverged; a lower "
             "--learning-rate may help",
             (unsigned long long)training->iteration);
    }
    double pace = (double)training->images / (seconds() - training->first_step + 1e-9);
    uint64_t all =
        training_images(training, training_epoch_iterations(training) * training->epochs);
    double left = (double)(all - training_images(training, training->iteration)) / pace;
    meter("epoch %llu of %llu: loss %s, accuracy %.1f %%, %.0f images/s, %.0f:%02.0f left",
          (unsigned long long)training->epoch + 1, (unsigned long long)training->epochs,
          loss_text(loss, 3), 100 * accuracy, pace, floor(left / 60), floor(fmod(left, 60)));
    double rate = training->options->has_course ? rate_of(training, training->iteration) : NAN;
    progress_send(training->progress, "progress", training->epoch + 1, training->iteration,
                  outcome->count, loss, accuracy, rate);
    return training_write_progress(training->writer, training->iteration, training->epoch + 1,
                                   outcome->count, loss, accuracy, rate);
}

/* Records what the steps gave so far: of those that the engine is done with, or of all. */
static int tell_steps(struct training *training, int all)
{
    struct outcome outcome;
    uint64_t before = training->iteration;
    int got;
    while ((got = engine_outcome(training->engine, all, &outcome)) > 0)
        if (tell_step(training, &outcome) < 0)
            return -1;
    if (got < 0)
        return -1;
    /* At once, not when the buffer is full: a step takes milliseconds, and somebody may be
     * watching. */
    return training->iteration > before ? write_flush(training->writer) : 0;
}

/* Sums of loss and right answers over all validation images. */
static int test(struct training *training, double *loss, double *correct)
{
    struct batch batch;
    struct outcome outcome;
    size_t place = 0;
    int more, got = 0;
    do {
        more = loader_next_validation(training->loader, &place, &batch);
        if (more && engine_begin_test(training->engine, &batch) < 0)
            return -1;
        /* Of the tests that the engine is done with, or at the end of all. */
        while ((got = engine_outcome(training->engine, !more, &outcome)) > 0) {
            *loss += outcome.loss;
            *correct += outcome.correct;
        }
    } while (more && got == 0);
    return got;
}

/* Tells a validation to people: after an epoch, or in the middle of one. */
static void note_validation(const struct training *training, const struct validation *validation)
{
    uint64_t in_epoch = training_epoch_iterations(training);
    int middle = validation->iteration % in_epoch != 0;
    meter_clear();
    note("%s %llu of %llu: validation accuracy %.2f %%, loss %s", middle ? "iteration" : "epoch",
         (unsigned long long)(middle ? validation->iteration : validation->epoch),
         (unsigned long long)(training->epochs * (middle ? in_epoch : 1)),
         100 * validation->accuracy, loss_text(validation->loss, 4));
}

/* Loss and accuracy on all validation images, as a record; nothing where there are none. */
static int validate(struct training *training)
{
    struct writer *writer = training->writer;
    uint64_t images = training->loader->about.counts[SPLIT_VALIDATION];
    struct validation now = {.epoch = training->epoch, .iteration = training->iteration};
    if (images == 0)
        return 0;
    if (state_begin_test(&training->state) < 0 || test(training, &now.loss, &now.accuracy) < 0 ||
        state_end_test(&training->state) < 0)
        return -1;
    now.loss /= (double)images;
    now.accuracy /= (double)images;
    if (validations_add(&training->validations, &now, training->options->by_accuracy) &&
        state_keep_best(&training->state) < 0)
        return -1;
    write_begin(writer, "validation");
    pack_uint(writer, "epoch", now.epoch);
    pack_uint(writer, "iteration", now.iteration);
    pack_uint(writer, "images", images);
    pack_real(writer, "loss", now.loss);
    pack_real(writer, "accuracy", now.accuracy);
    progress_send(training->progress, "validation", now.epoch, now.iteration, images, now.loss,
                  now.accuracy, NAN);
    note_validation(training, &now);
    return write_end(writer);
}

static int step(struct training *training, const struct batch *batch)
{
    const struct training_options *chosen = training->options;
    if (training->first_step == 0)
        training->first_step = seconds();
    struct step step = {rate_of(training, training->begun + 1), training->begun + 1};
    if (engine_begin_step(training->engine, batch, &step) < 0)
        return -1;
    uint64_t number = ++training->begun;
    int averages = average_is_due(&chosen->averaging, number);
    int validates = number % chosen->validate_iterations == 0 &&
                    number % chosen->epoch_iterations != 0; /* else with the epoch's end */
    if (tell_steps(training, averages || validates) < 0 ||
        (averages && state_average(&training->state, number) < 0))
        return -1;
    return validates ? validate(training) : 0;
}

static int checkpoint(struct training *training)
{
    struct writer *writer = training->writer;
    if (training->iteration == training->saved)
        return 0;
    training->saved = training->iteration;
    if (state_fetch(&training->state) < 0)
        return -1;
    struct position position = write_position(writer);
    write_begin(writer, "checkpoint");
    pack_uint(writer, "epoch", training->epoch);
    pack_uint(writer, "iteration", training->iteration);
    state_pack(&training->state, writer, training_best_is_past(training));
    pack_position(writer, position);
    pack_seal(writer);
    return write_end(writer) < 0 ? -1 : write_flush(writer);
}

static int end_epoch(struct training *training)
{
    if (tell_steps(training, 1) < 0)
        return -1;
    training->epoch++;
    if (training->iteration % training->options->validate_iterations == 0 && validate(training) < 0)
        return -1;
    return training_saves_at(training, training->epoch) ? checkpoint(training) : 0;
}

/* reason: why training ended. */
static int write_model(struct training *training, const char *reason)
{
    struct writer *writer = training->writer;
    const struct net_shape *shape = &training->net->shape;
    const struct validation *best = &training->validations.best;
    int the_best = training->options->keeps_best && best->iteration > 0;
    const float *values = state_model(&training->state, the_best);
    if (values == NULL)
        return -1;
    write_begin(writer, "model");
    pack_uint(writer, "epoch", training->epoch);
    pack_uint(writer, "epochs", training->epochs);
    pack_uint(writer, "iteration", training->iteration);
    pack_bool(writer, "stopped",
              training->epoch < training->epochs && !training_is_out_of_patience(training));
    pack_text(writer, "reason", reason);
    pack_map(writer, "network");
    if (*shape->stages) {
        pack_text(writer, "stages", shape->stages);
    } else {
        pack_uint(writer, "depth", shape->depth);
        pack_uint(writer, "filters", shape->filters);
    }
    pack_close(writer);
    if (the_best) {
        pack_map(writer, "kept");
        pack_uint(writer, "epoch", best->epoch);
        pack_uint(writer, "iteration", best->iteration);
        pack_close(writer);
    }
    model_pack_tensors(writer, "tensors", training->net, values, 0);
    return write_end(writer) < 0 ? -1 : write_finish(writer);
}

/* All epochs are done; the last one has a validation, whatever their interval. A longer run has
 * none there, so it stands behind the last checkpoint, where a run is gone on from. */
static int finish(struct training *training)
{
    if (training->validations.last != training->iteration && validate(training) < 0)
        return -1;
    return write_model(training, "epochs");
}

static int stop(struct training *training)
{
    if (tell_steps(training, 1) < 0 || checkpoint(training) < 0 ||
        write_model(training, "signal") < 0)
        return -1;
    meter_clear();
    note("stopped by signal %d in epoch %llu of %llu; what was learnt so far is saved",
         (int)stop_signal, (unsigned long long)training->epoch + 1,
         (unsigned long long)training->epochs);
    return STOPPED;
}

/* The input ended, whole, before the epochs were done: a failure where the user named their number.
 */
static int end_short(struct training *training)
{
    unsigned long long have = training->epoch, want = training->epochs;
    if (tell_steps(training, 1) < 0)
        return -1;
    if (training->skip_iterations > 0)
        return fail("the input ends before the point that the resumed run had reached");
    if (!options_given(training_program.rows, "epochs") && have > 0) {
        training->epochs = training->epoch;
        progress_expect(training->progress, training->epochs, training->iteration);
    }
    int is_short = training->epoch < training->epochs;
    if (checkpoint(training) < 0 ||
        (is_short ? write_model(training, "input") : finish(training)) < 0)
        return -1;
    if (is_short)
        return fail("the input has %llu epoch%s, but %llu were asked for", have, plural(have),
                    want);
    note("the input ended after %llu epoch%s of %llu, and so does the run", have, plural(have),
         want);
    return 0;
}

static int end_of_patience(struct training *training)
{
    const struct validation *best = &training->validations.best;
    int by_accuracy = training->options->by_accuracy;
    char what[64] = "not a number";
    if (best->iteration > 0 && by_accuracy)
        snprintf(what, sizeof what, "not above %.2f %%", 100 * best->accuracy);
    else if (best->iteration > 0)
        snprintf(what, sizeof what, "not smaller than %s", loss_text(best->loss, 4));
    uint64_t times = training->validations.in_vain;
    note("the validation %s was %s for %llu %s%s%s: training ends after epoch %llu of %llu",
         by_accuracy && best->iteration > 0 ? "accuracy" : "loss", what, (unsigned long long)times,
         training->options->validate_every ? "validation" : "epoch", plural(times),
         times > 1 ? " in a row" : "", (unsigned long long)training->epoch,
         (unsigned long long)training->epochs);
    return checkpoint(training) < 0 ? -1 : write_model(training, "patience");
}

int training_run(struct training *training)
{
    while (training->epoch < training->epochs && !training_is_out_of_patience(training)) {
        struct batch batch;
        int got = stop_signal ? LOADER_WAIT : loader_next(training->loader, &batch);
        if (got == LOADER_WAIT || (got < 0 && stop_is_coming()))
            return stop(training);
        if (got < 0)
            return -1;
        if (got == LOADER_END)
            return end_short(training);
        uint64_t *skip = got == LOADER_BATCH ? &training->skip_iterations : &training->skip_epochs;
        if (*skip > 0)
            --*skip;
        else if ((got == LOADER_BATCH ? step(training, &batch) : end_epoch(training)) < 0)
            return -1;
    }
    return training_is_out_of_patience(training) ? end_of_patience(training) : finish(training);
}
