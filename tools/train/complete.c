#include "complete.h"

#include "message.h"
#include "nn/whiten.h"
#include "training_options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int given(const char *name)
{
    return options_given(training_program.rows, name);
}

static void fill(const char *name)
{
    options_fill(training_program.rows, name);
}

/* Mean or deviation from the command line, in place of the training set's. */
static int override(const char *option, const char *text, double *values, uint32_t channels,
                    double least)
{
    if (text == NULL)
        return 0;
    int count = options_reals(text, values, IMAGE_MAX_CHANNELS);
    if (count < 0)
        return fail_as(USAGE, "--%s: %s", option, why());
    for (int i = 0; i < count; i++)
        if (values[i] < least)
            return fail_as(USAGE, "--%s: %g is too small", option, values[i]);
    for (uint32_t c = 1; count == 1 && c < channels; c++)
        values[c] = values[0];
    if (count != 1 && (uint32_t)count != channels)
        return fail("--%s has %d numbers, but the images have %u channel%s", option, count,
                    channels, plural(channels));
    return 0;
}

/* As often as keeps the checkpoints of 30 epochs, weights, momentum and what else they have, under
 * 64 MB; not of the epochs asked for, which a resumed run may raise. */
static uint64_t default_interval(const struct net *net)
{
    int more = (options.engine.optimizer == OPTIMIZER_ADAM) + (options.average != NULL) +
               options.keeps_best;
    double all = 30.0 * (2 + more) * sizeof(float) * (double)net->parameters;
    return all <= 64e6 ? 1 : (uint64_t)ceil(all / 64e6);
}

/* The stages of a text leave no meaning to depth and filters. */
static int complete_network(uint32_t classes, const struct images_about *images, struct net *net)
{
    struct net_shape shape = {
        .depth = (uint32_t)options.depth,
        .filters = (uint32_t)options.filters,
        .height = images->height,
        .width = images->width,
        .channels = images->channels,
        .classes = classes,
    };
    if (options.network == NULL)
        return net_make(net, &shape);
    if (given("depth") || given("filters"))
        return fail_as(USAGE, "--network names every stage, so it goes without --%s",
                       given("depth") ? "depth" : "filters");
    if (options.network[0] == '\0')
        return fail_as(USAGE, "--network names the stages of the network, and this names none");
    if (strlen(options.network) >= sizeof shape.stages)
        return fail_as(USAGE, "--network takes at most %d letters", NET_TEXT - 1);
    strcpy(shape.stages, options.network);
    shape.depth = shape.filters = 0;
    options.depth = options.filters = OPTION_UNSET;
    if (net_make(net, &shape) < 0 || whiten_check(net) < 0)
        return fail_as(why_status(), "--network: %s", why());
    return 0;
}

static enum initial initial_of(const char *word)
{
    return strcmp(word, "he") == 0      ? INITIAL_HE
           : strcmp(word, "dirac") == 0 ? INITIAL_DIRAC
                                        : INITIAL_GLOROT;
}

/* What moves the weights, and makes them decay. */
static int complete_step(void)
{
    static const char *const of_adam[] = {"beta2", "epsilon"};
    struct engine_options *engine = &options.engine;
    int adam = strncmp(options.optimizer, "adam", 4) == 0;
    int decoupled = strcmp(options.optimizer, "adamw") == 0 || given("weight-decay");
    engine->optimizer = adam ? OPTIMIZER_ADAM : OPTIMIZER_SGD;
    if (adam && engine->nesterov)
        return fail_as(USAGE, "--nesterov is for sgd, not for --optimizer %s", options.optimizer);
    if (engine->nesterov && engine->momentum == 0)
        return fail_as(USAGE, "--nesterov needs a --momentum above 0");
    if (adam && engine->momentum >= 1)
        return fail_as(USAGE, "--momentum must be below 1 with --optimizer %s", options.optimizer);
    for (int i = 0; i < 2; i++) {
        if (!adam && given(of_adam[i]))
            return fail_as(USAGE, "--%s is for --optimizer adam and adamw", of_adam[i]);
        if (adam)
            fill(of_adam[i]);
    }
    if (decoupled && given("l2"))
        return fail_as(USAGE,
                       "%s, where the weights themselves decay, and --l2, where that is a part of "
                       "the gradient, exclude each other",
                       given("weight-decay") ? "--weight-decay" : "--optimizer adamw");
    if (decoupled) {
        fill("weight-decay");
        options.weight_decay = isnan(options.weight_decay) ? 0.01 : options.weight_decay;
        options.l2 = 0;
    }
    engine->decoupled = decoupled;
    engine->weight_decay = decoupled ? options.weight_decay : options.l2;
    if (isnan(options.rate))
        options.rate = adam ? 0.001 : 0.1 * (double)engine->batch / 256;
    engine->seed = options.seed;
    return 0;
}

/* "5" or "0.5" epochs, or "20%" of the horizon, in iterations. */
static int read_warm_up(const char *text, double *iterations)
{
    char *end;
    double value = strtod(text, &end);
    int percent = *end == '%';
    if (end == text || end[percent] || !(value >= 0) || value > (percent ? 100 : UINT32_MAX))
        return fail_as(USAGE,
                       "--warm-up takes a number of epochs, or percent of the horizon such "
                       "as 20%%, not %s",
                       text);
    *iterations = percent ? value / 100 * (double)options.course.horizon
                          : value * (double)options.epoch_iterations;
    return 0;
}

static enum schedule_kind schedule_of(const char *word)
{
    static const char *const words[] = {"constant", "step",   "exponential",
                                        "cosine",   "linear", "one-cycle"};
    int kind = 0;
    while (strcmp(words[kind], word) != 0)
        kind++;
    return (enum schedule_kind)kind;
}

/* Whether what the options ask for ends at the horizon. */
static int has_horizon(enum schedule_kind kind)
{
    return schedule_ends(kind) || (options.warm_up && strchr(options.warm_up, '%')) ||
           options.averaging.power > 0;
}

/* The rate over time. */
static int complete_course(void)
{
    static const char *const of_drops[] = {"drop-period", "drop-factor"};
    struct schedule *course = &options.course;
    enum schedule_kind kind = schedule_of(options.schedule);
    int drops = kind == SCHEDULE_STEP || kind == SCHEDULE_EXPONENTIAL;
    for (int i = 0; i < 2; i++) {
        if (!drops && given(of_drops[i]))
            return fail_as(USAGE, "--%s is for --schedule step and exponential", of_drops[i]);
        if (drops)
            fill(of_drops[i]);
    }
    if (!has_horizon(kind) && given("horizon"))
        return fail_as(USAGE, "--horizon has no meaning with these options: neither does the "
                              "schedule end there (cosine, linear, one-cycle), nor is --warm-up a "
                              "share of it, nor has --average an R");
    if (has_horizon(kind) && !given("horizon") && !given("epochs"))
        return fail_as(USAGE,
                       "%s%s goes by the length of training, so it needs --epochs or --horizon",
                       schedule_ends(kind) ? "--schedule " : "",
                       schedule_ends(kind)           ? options.schedule
                       : options.averaging.power > 0 ? "--average with an R"
                                                     : "--warm-up in percent");
    if (has_horizon(kind))
        fill("horizon");
    if (options.horizon == OPTION_UNSET)
        options.horizon = options.epochs;
    options.averaging.horizon = options.horizon * options.epoch_iterations;
    *course = (struct schedule){
        .kind = kind,
        .rate = options.rate,
        .period = (double)options.drop_period * (double)options.epoch_iterations,
        .factor = options.drop_factor,
        .horizon = options.horizon * options.epoch_iterations,
    };
    options.has_course = given("schedule") || options.warm_up;
    if (options.warm_up && read_warm_up(options.warm_up, &course->warm_up) < 0)
        return -1;
    if (course->warm_up > 0 && kind == SCHEDULE_ONE_CYCLE)
        return fail_as(USAGE, "--schedule one-cycle rises by itself, without --warm-up");
    if (has_horizon(kind) && course->warm_up >= (double)course->horizon)
        return fail_as(USAGE,
                       "--warm-up %s lasts up to the horizon, %llu epoch%s, where nothing is "
                       "left of the schedule",
                       options.warm_up, (unsigned long long)options.horizon,
                       plural(options.horizon));
    return 0;
}

static int complete_epoch(const struct images_about *images)
{
    uint64_t batch = options.engine.batch, train = images->counts[SPLIT_TRAIN]; /* ≥ 1 */
    int drops = strcmp(options.last_batch, "drop") == 0;
    options.epoch_iterations = train / batch + (!drops && train % batch > 0);
    options.epoch_images = drops ? options.epoch_iterations * batch : train;
    /* Names of points may be asked for with a few of the images. */
    if (options.epoch_iterations == 0 && options.points)
        options.epoch_iterations = 1;
    if (options.epoch_iterations == 0)
        return fail("--last-batch drop leaves nothing: there are %llu training images, and a "
                    "mini-batch has %llu",
                    (unsigned long long)train, (unsigned long long)batch);
    return 0;
}

/* "2" epochs or "50i" iterations, in iterations. */
static int read_interval(const char *text, uint64_t *iterations)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    int are_iterations = *end == 'i';
    if (*text < '0' || *text > '9' || errno || end[are_iterations] || value < 1 ||
        value > UINT32_MAX)
        return fail_as(USAGE,
                       "--validate-every takes a number of epochs such as 2, or of "
                       "iterations such as 50i, not %s",
                       text);
    *iterations = are_iterations ? value : value * options.epoch_iterations;
    return 0;
}

/* When there is a validation, and what comes of it. */
static int complete_validation(const struct images_about *images)
{
    static const char *const watching[][2] = {{"patience", "--patience watches the loss of"},
                                              {"validate-every", "--validate-every is about"},
                                              {"keep", "--keep best looks at"}};
    int patient = options.patience != OPTION_UNSET;
    options.keeps_best = strcmp(options.keep, "best") == 0;
    options.by_accuracy = strcmp(options.metric, "accuracy") == 0;
    options.validate_iterations = options.epoch_iterations;
    if (options.validate_every &&
        read_interval(options.validate_every, &options.validate_iterations) < 0)
        return -1;
    if (given("metric") && !patient && !options.keeps_best)
        return fail_as(USAGE, "--metric is for --patience and --keep best");
    for (int i = 0; i < 3 && images->counts[SPLIT_VALIDATION] == 0; i++)
        if ((i < 2 || options.keeps_best) && given(watching[i][0]))
            return fail("%s validation images, and there are none (psfetch --split sets some "
                        "aside)",
                        watching[i][1]);
    if (options.keeps_best)
        fill("metric");
    return 0;
}

int training_complete(uint32_t classes, struct images_about *images, struct net *net)
{
    options.initial = initial_of(options.initializer);
    if (options.average && average_read(options.average, &options.averaging) < 0)
        return fail_as(USAGE, "--average takes %s", why());
    if (override("mean", options.mean, images->mean, images->channels, 0) < 0 ||
        override("deviation", options.deviation, images->deviation, images->channels, 1e-6) < 0 ||
        complete_network(classes, images, net) < 0 || complete_step() < 0 ||
        complete_epoch(images) < 0 || complete_course() < 0 || complete_validation(images) < 0)
        return -1;
    memcpy(options.engine.mean, images->mean, sizeof images->mean);
    memcpy(options.engine.deviation, images->deviation, sizeof images->deviation);
    if (options.checkpoint_every == OPTION_UNSET)
        options.checkpoint_every = default_interval(net);
    return 0;
}
