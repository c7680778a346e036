#include "training_options.h"

#include "message.h"
#include "random.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

struct training_options options = {
    .engine = {.batch = 128,
               .isa = "auto",
               .precision = "tf32",
               .momentum = 0.9,
               .weight_decay = 1e-10,
               .train = 1},
    .depth = 1,
    .filters = 16,
    .epochs = 30,
    .checkpoint_every = OPTION_UNSET,
    .patience = OPTION_UNSET,
    .rate = NAN,
    .device = "auto",
};

static const struct option_row rows[] = {
    {'d', "depth", OPTION_UINT, OPTION_IN_HEADER, &options.depth, 1, NET_MAX_DEPTH, "N",
     "convolutions in each of the three blocks (1)"},
    {0, "filters", OPTION_UINT, OPTION_IN_HEADER, &options.filters, 1, 4096, "N",
     "the blocks have round(N/sqrt(depth)) x 1, 2, 4 filters (16)"},
    {'e', "epochs", OPTION_UINT, OPTION_LOCAL, &options.epochs, 1, UINT32_MAX, "N",
     "passes over the training images (30, or what the input has)"},
    {'b', "batch-size", OPTION_UINT, OPTION_IN_HEADER, &options.engine.batch, 1, 65536, "N",
     "images in a mini-batch (128)"},
    {'r', "learning-rate", OPTION_REAL, OPTION_IN_HEADER, &options.rate, 0, 1e6, "R",
     "of the descent (0.1 x batch size / 256)"},
    {'m', "momentum", OPTION_REAL, OPTION_IN_HEADER, &options.engine.momentum, 0, 1, "M",
     "of the descent (0.9)"},
    {0, "l2", OPTION_REAL, OPTION_IN_HEADER, &options.engine.weight_decay, 0, 1e6, "L",
     "weight decay (1e-10)"},
    {'s', "seed", OPTION_UINT, OPTION_IN_HEADER, &options.seed, 0, 0x1p63, "N",
     "of the initial weights (0)"},
    {0, "data-seed", OPTION_UINT, OPTION_IN_HEADER, &options.data_seed, 0, 0x1p63, "N",
     "of the order of a set that no psaug shuffles (0)"},
    {0, "mean", OPTION_TEXT, OPTION_LOCAL, &options.mean, 0, 0, "R,G,B",
     "0 ... 255, subtracted from the channels (of the training set)"},
    {0, "deviation", OPTION_TEXT, OPTION_LOCAL, &options.deviation, 0, 0, "R,G,B",
     "0 ... 255, that divides them (of the training set)"},
    {0, "checkpoint-every", OPTION_UINT, OPTION_IN_HEADER, &options.checkpoint_every, 1, UINT32_MAX,
     "N", "epochs (1, or more where those of 30 epochs would take over 64 MB)"},
    {0, "patience", OPTION_UINT, OPTION_IN_HEADER, &options.patience, 1, UINT32_MAX, "N",
     "end when the validation loss was not smaller than its smallest N times in a row"},
    {0, "resume", OPTION_LIST, OPTION_LOCAL, &options.earlier, 0, 0, "FILE",
     "go on from an earlier run; of several, each with --resume, from the furthest"},
    {'t', "threads", OPTION_UINT, OPTION_LOCAL, &options.engine.threads, 1, 1024, "N",
     "of the CPU (one a core)"},
    {0, "device", OPTION_CHOICE, OPTION_LOCAL, &options.device, 0, 0, "auto|cpu|cuda",
     "what computes (auto)"},
    {0, "gpu", OPTION_UINT, OPTION_LOCAL, &options.engine.gpu, 0, 1023, "N",
     "which GPU, counted from 0 (0)"},
    {0, "precision", OPTION_CHOICE, OPTION_LOCAL, &options.engine.precision, 0, 0, "tf32|fp32|bf16",
     "of the GPU's convolutions (tf32)"},
    {0, "no-cuda-graph", OPTION_FLAG, OPTION_LOCAL, &options.engine.direct, 0, 0, NULL,
     "launch every kernel of a step by itself; the result has the same bits"},
    {0, "selftest", OPTION_FLAG, OPTION_LOCAL, &options.selftest, 0, 0, NULL,
     "compare the GPU with the CPU on a small network, print how they differ, and exit"},
    {0, "isa", OPTION_CHOICE, OPTION_LOCAL, &options.engine.isa, 0, 0, "auto|c|avx2|avx512|neon",
     "instructions of the CPU; the result has the same bits (auto)"},
    {0, "progress", OPTION_TEXT, OPTION_LOCAL, &options.progress_path, 0, 0, "PATH",
     "report each iteration to a FIFO, a file or fd:N"},
    {0, "points", OPTION_TEXT, OPTION_LOCAL, &options.points, 0, 0, "FILE",
     "train nothing: print the name of the run that each line of options there would make"},
    {0, "name", OPTION_TEXT, OPTION_LOCAL, &options.name, 0, 0, "NAME",
     "of the run in these reports (d1-s0)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

const struct program training_program = {
    "pstrain",
    "Trains a network of three blocks of --depth convolutions and writes the run: progress,\n"
    "validation, checkpoints, model. SIGTERM and Ctrl-C save what has been learnt so far.",
    "< EPOCHS > RUN",
    "  psfetch cifar10 --split 0.9 | psaug | pstrain -d 3 > net3.bin\n"
    "  psfetch | psaug | pstrain -d 2 -e 5 -q | psplot\n"
    "  psfetch cifar10 --split 0.9 | psaug | pstrain -d 3 -e 60 --resume net3.bin > longer.bin\n",
    rows,
    NULL,
};

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
        return fail_as(USAGE, "--%s has %d numbers, but the images have %u channel%s", option,
                       count, channels, plural(channels));
    return 0;
}

/* As often as keeps the checkpoints of 30 epochs, weights and momentum, under 64 MB; not of the
 * epochs asked for, which a resumed run may raise. */
static uint64_t default_interval(const struct net *net)
{
    double all = 30.0 * 2 * sizeof(float) * (double)net->parameters;
    return all <= 64e6 ? 1 : (uint64_t)ceil(all / 64e6);
}

int training_complete(uint32_t classes, struct images_about *images, struct net *net)
{
    struct net_shape shape = {
        .depth = (uint32_t)options.depth,
        .filters = (uint32_t)options.filters,
        .height = images->height,
        .width = images->width,
        .channels = images->channels,
        .classes = classes,
    };
    if (override("mean", options.mean, images->mean, images->channels, 0) < 0 ||
        override("deviation", options.deviation, images->deviation, images->channels, 1e-6) < 0 ||
        net_make(net, &shape) < 0)
        return -1;
    if (options.patience != OPTION_UNSET && images->counts[SPLIT_VALIDATION] == 0)
        return fail_as(USAGE, "--patience watches the loss of validation images, and there are "
                              "none (psfetch --split sets some aside)");
    memcpy(options.engine.mean, images->mean, sizeof images->mean);
    memcpy(options.engine.deviation, images->deviation, sizeof images->deviation);
    if (isnan(options.rate))
        options.rate = 0.1 * (double)options.engine.batch / 256;
    if (options.checkpoint_every == OPTION_UNSET)
        options.checkpoint_every = default_interval(net);
    return 0;
}

int training_write_header(struct writer *writer, const struct images *input,
                          const struct images_about *images, const char *engine,
                          const struct net *net)
{
    write_header(writer, "run");
    options_pack(writer, rows);
    images_pack_upstream(writer, input);
    pack_texts(writer, "classes", input->classes.name, input->classes.count);
    images_pack_about(writer, images);
    if (!input->epochs) /* else its header has the digest */
        pack_uint(writer, "digest", images_digest(input));
    pack_text(writer, "engine", engine);
    pack_uint(writer, "numerics", NUMERICS);
    pack_uint(writer, "parameters", net->parameters);
    return write_end(writer);
}

/* "psaug 0.1.0" becomes "psaug". */
static void leave_out_version(msgpack_object *tool)
{
    const char *space = memchr(tool->via.str.ptr, ' ', tool->via.str.size);
    if (space)
        tool->via.str.size = (uint32_t)(space - tool->via.str.ptr);
}

/* Leaves out of a header, and of those that it holds, what does not count. */
static void reduce(msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < object->via.array.size; i++)
            reduce(&object->via.array.ptr[i]);
    if (object->type != MSGPACK_OBJECT_MAP)
        return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        msgpack_object_kv pair = object->via.map.ptr[i];
        if (pair.val.type == MSGPACK_OBJECT_NIL)
            continue;
        if (object_is(&pair.key, "tool") && pair.val.type == MSGPACK_OBJECT_STR)
            leave_out_version(&pair.val);
        reduce(&pair.val);
        object->via.map.ptr[kept++] = pair;
    }
    object->via.map.size = kept;
}

int training_identity(const uint8_t *header, size_t size, uint64_t *digest)
{
    struct record record;
    msgpack_zone *zone = msgpack_zone_new(8192);
    if (zone == NULL)
        die(FAILED, "out of memory: a header");
    int result = record_parse(header, size, zone, &record);
    if (result == 0) {
        struct writer *left = write_open(-1, "a header");
        reduce(&record.map);
        write_object(left, &record.map);
        const uint8_t *bytes = write_last(left, &size);
        *digest = XXH3_64bits(bytes, size);
        write_close(left);
    }
    msgpack_zone_free(zone);
    return result;
}
