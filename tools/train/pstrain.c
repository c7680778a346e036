/* pstrain: trains a convolutional network on a stream of images; its output is the run: history,
 * checkpoints and model. */
#include "resume.h"
#include "run.h"

#include "message.h"
#include "meter.h"
#include "nn/model.h"
#include "options.h"
#include "standard.h"
#include "stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t depth = 1, filters = 16, epochs = 30, batch = 128, seed, data_seed, threads;
static uint64_t checkpoint_every = OPTION_UNSET;
static double rate = NAN, momentum = 0.9, weight_decay = 1e-10;
static const char *mean, *deviation, *device = "auto", *isa = "auto", *progress_path, *name;
static const char *precision = "tf32";
static uint64_t gpu;
static int no_cuda_graph, selftest;
static struct option_list earlier;

static const struct option_row rows[] = {
    {'d', "depth", OPTION_UINT, OPTION_IN_HEADER, &depth, 1, NET_MAX_DEPTH, "N",
     "convolutions in each of the three blocks (1)"},
    {0, "filters", OPTION_UINT, OPTION_IN_HEADER, &filters, 1, 4096, "N",
     "the blocks have round(N/sqrt(depth)) x 1, 2, 4 filters (16)"},
    {'e', "epochs", OPTION_UINT, OPTION_LOCAL, &epochs, 1, UINT32_MAX, "N",
     "passes over the training images (30, or what the input has)"},
    {'b', "batch-size", OPTION_UINT, OPTION_IN_HEADER, &batch, 1, 65536, "N",
     "images in a mini-batch (128)"},
    {'r', "learning-rate", OPTION_REAL, OPTION_IN_HEADER, &rate, 0, 1e6, "R",
     "of the descent (0.1 x batch size / 256)"},
    {'m', "momentum", OPTION_REAL, OPTION_IN_HEADER, &momentum, 0, 1, "M", "of the descent (0.9)"},
    {0, "l2", OPTION_REAL, OPTION_IN_HEADER, &weight_decay, 0, 1e6, "L", "weight decay (1e-10)"},
    {'s', "seed", OPTION_UINT, OPTION_IN_HEADER, &seed, 0, 0x1p63, "N",
     "of the initial weights (0)"},
    {0, "data-seed", OPTION_UINT, OPTION_IN_HEADER, &data_seed, 0, 0x1p63, "N",
     "of the order of a set that no psaug shuffles (0)"},
    {0, "mean", OPTION_TEXT, OPTION_LOCAL, &mean, 0, 0, "R,G,B",
     "0 ... 255, subtracted from the channels (of the training set)"},
    {0, "deviation", OPTION_TEXT, OPTION_LOCAL, &deviation, 0, 0, "R,G,B",
     "0 ... 255, that divides them (of the training set)"},
    {0, "checkpoint-every", OPTION_UINT, OPTION_IN_HEADER, &checkpoint_every, 1, UINT32_MAX, "N",
     "epochs (1, or more where those of 30 epochs would take over 64 MB)"},
    {0, "resume", OPTION_LIST, OPTION_LOCAL, &earlier, 0, 0, "FILE",
     "go on from an earlier run; of several, each with --resume, from the furthest"},
    {'t', "threads", OPTION_UINT, OPTION_LOCAL, &threads, 1, 1024, "N", "of the CPU (one a core)"},
    {0, "device", OPTION_CHOICE, OPTION_LOCAL, &device, 0, 0, "auto|cpu|cuda",
     "what computes (auto)"},
    {0, "gpu", OPTION_UINT, OPTION_LOCAL, &gpu, 0, 1023, "N", "which GPU, counted from 0 (0)"},
    {0, "precision", OPTION_CHOICE, OPTION_LOCAL, &precision, 0, 0, "tf32|fp32",
     "of the GPU's convolutions (tf32)"},
    {0, "no-cuda-graph", OPTION_FLAG, OPTION_LOCAL, &no_cuda_graph, 0, 0, NULL,
     "launch every kernel of a step by itself; the result has the same bits"},
    {0, "selftest", OPTION_FLAG, OPTION_LOCAL, &selftest, 0, 0, NULL,
     "hold the GPU to the CPU on a small network, print how they differ, and exit"},
    {0, "isa", OPTION_CHOICE, OPTION_LOCAL, &isa, 0, 0, "auto|c|avx2|avx512|neon",
     "instructions of the CPU; the result has the same bits (auto)"},
    {0, "progress", OPTION_TEXT, OPTION_LOCAL, &progress_path, 0, 0, "PATH",
     "report each iteration to a FIFO, a file or fd:N"},
    {0, "name", OPTION_TEXT, OPTION_LOCAL, &name, 0, 0, "NAME",
     "of the run in these reports (d1-s0)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "pstrain",
    "Trains a network of three blocks of --depth convolutions and writes the run: progress,\n"
    "validation, checkpoints, model. SIGTERM and Ctrl-C save what has been learnt so far.",
    "< EPOCHS > RUN",
    "  psfetch cifar10 --split 0.9 | psaug | pstrain -d 3 > net3.bin\n"
    "  psfetch | psaug | pstrain -d 2 -e 5 -q | psplot\n"
    "  psfetch cifar10 --split 0.9 | psaug | pstrain -d 3 -e 60 --resume net3.bin > longer.bin\n",
    rows,
};

/* Mean or deviation from the command line, in place of the training set's. */
static void override(const char *option, const char *text, double *values, uint32_t channels,
                     double least)
{
    if (text == NULL)
        return;
    int count = options_reals(text, values, IMAGE_MAX_CHANNELS);
    if (count < 0)
        die(USAGE, "--%s: %s", option, why());
    for (int i = 0; i < count; i++)
        if (values[i] < least)
            die(USAGE, "--%s: %g is too small", option, values[i]);
    for (uint32_t c = 1; count == 1 && c < channels; c++)
        values[c] = values[0];
    if (count != 1 && (uint32_t)count != channels)
        die(USAGE, "--%s has %d numbers, the images have %u channels", option, count, channels);
}

/* As often as keeps the checkpoints of 30 epochs, weights and momentum, under 64 MB; not of the
 * epochs asked for, which a resumed run may raise. */
static uint64_t default_interval(const struct net *net)
{
    double all = 30.0 * 2 * sizeof(float) * (double)net->parameters;
    return all <= 64e6 ? 1 : (uint64_t)ceil(all / 64e6);
}

static int write_start(struct writer *writer, const struct images *input,
                       const struct images_about *images, const struct engine *engine,
                       const struct net *net)
{
    write_header(writer, "run", 5 + IMAGES_ABOUT_FIELDS);
    options_pack(writer, rows);
    images_pack_upstream(writer, input);
    pack_texts(writer, "classes", input->classes.name, input->classes.count);
    images_pack_about(writer, images);
    pack_text(writer, "engine", engine_name(engine));
    pack_uint(writer, "parameters", net->parameters);
    return write_end(writer);
}

static struct engine *open_engine(const struct net *net, const struct images_about *images)
{
    struct engine_options options = {
        .batch = (uint32_t)batch,
        .threads = (uint32_t)threads,
        .isa = isa,
        .gpu = (uint32_t)gpu,
        .precision = precision,
        .direct = no_cuda_graph,
        .momentum = momentum,
        .weight_decay = weight_decay,
        .train = 1,
    };
    struct engine *engine;
    memcpy(options.mean, images->mean, sizeof options.mean);
    memcpy(options.deviation, images->deviation, sizeof options.deviation);
    if (engine_open(&engine, device, net, &options) < 0)
        die_why();
    float *parameters = ealloc(net->parameters, sizeof *parameters);
    net_initialise(net, seed, parameters);
    if (engine_write(engine, parameters, NULL) < 0) {
        engine_close(engine);
        die_why();
    }
    free(parameters);
    explain("%s; %zu parameters", engine_detail(engine), net->parameters);
    return engine;
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
    int got = feed_open(&feed, input, (uint32_t)batch, data_seed);
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
    snprintf(default_name, sizeof default_name, "d%llu-s%llu", (unsigned long long)depth,
             (unsigned long long)seed);
    if (progress_open(&progress, progress_path, name ? name : default_name, epochs,
                      run_epoch_iterations(run) * epochs) < 0)
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
    struct engine_options options = {.gpu = (uint32_t)gpu};
    if (engine_selftest(&options, print_line) < 0)
        die_why();
    puts("The GPU does what the CPU does, the same bits each time.");
    exit(fflush(stdout) == 0 ? DONE : FAILED);
}

int main(int argc, char **argv)
{
    if (options_parse(&about, argc, argv) < argc)
        die(USAGE, "%s is too much: the images come on standard input", argv[argc - 1]);
    if (selftest)
        run_selftest();
    if (name && strlen(name) > PROGRESS_MOST_NAME)
        die(USAGE, "--name takes at most %d bytes", PROGRESS_MOST_NAME);
    if (isnan(rate))
        rate = 0.1 * (double)batch / 256;
    estandard_input();
    struct writer *writer = estandard_output();

    struct images input;
    struct feed *feed = open_feed(&input);
    struct images_about images = *feed_about(feed);
    override("mean", mean, images.mean, images.channels, 0);
    override("deviation", deviation, images.deviation, images.channels, 1e-6);
    static struct net net;
    struct net_shape shape = {(uint32_t)depth, (uint32_t)filters, images.height,
                              images.width,    images.channels,   input.classes.count};
    if (net_make(&net, &shape) < 0)
        die_why();
    if (checkpoint_every == OPTION_UNSET)
        checkpoint_every = default_interval(&net);

    struct run run = {
        .net = &net,
        .engine = open_engine(&net, &images),
        .feed = feed,
        .writer = writer,
        .batch = (uint32_t)batch,
        .rate = rate,
        .epochs = epochs,
        .epochs_asked = options_given(rows, "epochs"),
        .checkpoint_every = checkpoint_every,
    };
    run.progress = open_progress(&run);
    int result = write_start(writer, &input, &images, run.engine, &net);
    if (result == 0 && earlier.count > 0)
        result = resume(&run, &earlier);
    end_run(&run, result < 0 ? -1 : run_train(&run));

    progress_close(run.progress);
    feed_close(feed);
    images_close(&input);
    write_close(writer);
    return DONE;
}
