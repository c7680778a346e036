/* pseval: scores models on a set of images, all in one pass over it, or asks them what they see. */
#include "candidate.h"
#include "convert.h"
#include "predict.h"
#include "require.h"
#include "wrong.h"

#include "message.h"
#include "runs/run.h"
#include "meter.h"
#include "options.h"
#include "standard.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct engine_options engine = {.batch = 128, .isa = "auto", .precision = "tf32"};
static uint64_t most_wrong = OPTION_UNSET, top = 1;
static int predicts;
static struct option_list required;
static const char *only, *tta, *device = "auto";
static struct {
    const char *path, *input, *batch_norm;
} export = {NULL, "uint8", "fold"};

static const struct option_row rows[] = {
    {0, "only", OPTION_CHOICE, OPTION_IN_HEADER, &only, 0, 0, "train|validation|test",
     "score this split (each that there is)"},
    {0, "wrong", OPTION_UINT, OPTION_IN_HEADER, &most_wrong, 1, 1000000, "N",
     "write the N images that the model is wrong about and most sure of"},
    {0, "predict", OPTION_FLAG, OPTION_IF_GIVEN, &predicts, 0, 0, NULL,
     "write all images, which need no labels, each with the class it is taken for"},
    {0, "top", OPTION_UINT, OPTION_IF_GIVEN, &top, 1, IMAGE_MAX_GUESSES, "N",
     "predict: with the N likeliest classes (1)"},
    {0, "require", OPTION_LIST, OPTION_LOCAL, &required, 0, 0, "FIGURE=N",
     "fail where a score has less: accuracy=0.75, recall:CLASS=0.6; or a greater loss=0.8"},
    {0, "tta", OPTION_CHOICE, OPTION_IF_GIVEN, &tta, 0, 0, "flip|shifts",
     "mean over an image and its mirror image, or these and moved by a pixel"},
    {'b', "batch-size", OPTION_UINT, OPTION_LOCAL, &engine.batch, 1, 65536, "N",
     "images at a time (128)"},
    {'t', "threads", OPTION_UINT, OPTION_LOCAL, &engine.threads, 1, 1024, "N",
     "of the CPU (one a core)"},
    {0, "device", OPTION_CHOICE, OPTION_LOCAL, &device, 0, 0, "auto|cpu|cuda",
     "what computes (auto)"},
    {0, "gpu", OPTION_UINT, OPTION_LOCAL, &engine.gpu, 0, 1023, "N",
     "which GPU, counted from 0 (0)"},
    {0, "precision", OPTION_CHOICE, OPTION_LOCAL, &engine.precision, 0, 0, "tf32|fp32|bf16",
     "of the GPU's convolutions (tf32)"},
    {0, "isa", OPTION_CHOICE, OPTION_LOCAL, &engine.isa, 0, 0, "auto|c|avx2|avx512|neon",
     "instructions of the CPU; the result has the same bits (auto)"},
    {0, "export", OPTION_TEXT, OPTION_LOCAL, &export.path, 0, 0, "FILE",
     "instead write the model as FILE.onnx, .safetensors or .npz"},
    {0, "input", OPTION_CHOICE, OPTION_LOCAL, &export.input, 0, 0, "uint8|float",
     "images that the .onnx takes: HWC of 0 to 255, or CHW of 0 to 1 (uint8)"},
    {0, "batch-norm", OPTION_CHOICE, OPTION_LOCAL, &export.batch_norm, 0, 0, "fold|keep",
     "in the .onnx: a part of the convolutions, or by itself (fold)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "pseval",
    "Scores models on images: loss, accuracy, confusion matrix, precision and recall. One record\n"
    "on stdout and one sentence on stderr for each model and split. With --predict or --wrong "
    "images\n"
    "on stdout: all, with what the models take them for, or those that the model gets wrong.",
    "MODEL... < IMAGES > SCORES",
    "  psfetch s3://bucket/test --as test | pseval net*.bin > scores\n"
    "  psfetch cifar10/test --as test | pseval net3.bin | psplot -k confusion -o confusion.png\n"
    "  pseval --wrong 40 net3.bin < test.ps | psplot -k images -o wrong.png\n"
    "  psfetch photos --unlabelled --resize 32x32 | pseval --predict net3.bin | psdump -k csv\n"
    "  pseval --export net3.onnx net3.bin\n",
    rows,
    NULL,
};

/* Images of one split that wait until there are enough for a mini-batch. */
struct queue {
    uint32_t *label;
    uint32_t count;
};

/* The pixels of those that wait, as networks of one shape see them. */
struct waiting {
    uint32_t height, width, channels;
    uint8_t *of[SPLITS]; /* [looks][batch][height][width][channels] */
};

struct examination {
    struct images input;
    struct candidate *candidate;
    uint32_t candidates;
    struct looks looks; /* at each image */
    struct queue queue[SPLITS];
    struct waiting *pixels; /* [shapes] */
    uint32_t shapes;
    struct classes classes; /* that the models know */
    uint32_t *label;        /* [labels] the places in it of the classes of the input */
    uint32_t labels;
    struct wrong *wrong;     /* NULL without --wrong */
    struct predict *predict; /* NULL without --predict */
    uint32_t predicted;      /* sets of the input whose header the output has */
    struct writer *writer;
    struct requirements requirements;
    uint64_t done;
};

static struct waiting *pixels_for(const struct examination *exam, const struct net_shape *shape)
{
    for (uint32_t i = 0; i < exam->shapes; i++)
        if (exam->pixels[i].height == shape->height && exam->pixels[i].width == shape->width &&
            exam->pixels[i].channels == shape->channels)
            return &exam->pixels[i];
    return NULL;
}

/* Scores the images of a queue; with --wrong looks which the only candidate got wrong. With
 * --predict asks for them, and writes them. */
static int examine(struct examination *exam, enum split split)
{
    struct queue *queue = &exam->queue[split];
    for (uint32_t c = 0; c < exam->candidates && queue->count > 0; c++) {
        struct candidate *candidate = &exam->candidate[c];
        struct waiting *pixels = pixels_for(exam, &candidate->model.net.shape);
        int done = exam->predict ? candidate_ask(candidate, pixels->of[split], queue->count)
                                 : candidate_examine(candidate, split, pixels->of[split],
                                                     queue->label, queue->count);
        if (done < 0)
            return -1;
    }
    /* Who reads it need not wait for the rest. */
    if (exam->predict && queue->count > 0 &&
        (predict_write(exam->writer, exam->predict, exam->candidate, exam->candidates,
                       queue->count) < 0 ||
         write_flush(exam->writer) < 0))
        return -1;
    for (uint32_t i = 0; exam->wrong && i < queue->count; i++) {
        double probability;
        uint32_t guess = candidate_guess(&exam->candidate[0], i, &probability);
        if (guess != queue->label[i])
            wrong_keep(exam->wrong, split, i, guess, probability);
    }
    exam->done += queue->count;
    queue->count = 0;
    meter("%llu images", (unsigned long long)exam->done);
    return 0;
}

/* Room for the images that wait, and for what is counted of them. The classes that the models know
 * are as the first one has them, or where a later one has others, sorted. */
static void begin(struct examination *exam)
{
    exam->pixels = ealloc(exam->candidates, sizeof *exam->pixels);
    for (uint32_t c = 0; c < exam->candidates; c++) {
        const struct model *model = &exam->candidate[c].model;
        const struct net_shape *shape = &model->net.shape;
        uint32_t *place = ealloc(model->classes.count, sizeof *place);
        classes_join(&exam->classes, &model->classes, place);
        free(place);
        if (pixels_for(exam, shape))
            continue;
        struct waiting *pixels = &exam->pixels[exam->shapes++];
        *pixels = (struct waiting){shape->height, shape->width, shape->channels, {0}};
        for (int split = 0; split < SPLITS; split++)
            pixels->of[split] = ealloc(
                exam->looks.count * engine.batch * shape->height * shape->width, shape->channels);
    }
    if (exam->classes.count > exam->candidate[0].model.classes.count) {
        uint32_t *place = ealloc(exam->classes.count, sizeof *place);
        classes_sort(&exam->classes, place);
        free(place);
    }
    for (uint32_t c = 0; c < exam->candidates; c++)
        candidate_begin(&exam->candidate[c], (uint32_t)engine.batch, &exam->looks, &exam->classes);
    for (int split = 0; split < SPLITS; split++)
        exam->queue[split].label = ealloc(engine.batch, sizeof(uint32_t));
}

/* Finds the classes of the input among those of the models; more may come with a set that is
 * joined. With --predict those that no model knows stand behind them. */
static int find_classes(struct examination *exam)
{
    const struct classes *input = &exam->input.classes;
    exam->label = egrow(exam->label, input->count, sizeof *exam->label);
    if (exam->predict)
        classes_join(&exam->classes, input, exam->label);
    for (uint32_t i = exam->labels; i < input->count && !exam->predict; i++) {
        exam->label[i] = NO_CLASS;
        (void)classes_find(&exam->classes, input->name[i], &exam->label[i]);
        for (uint32_t c = 0; c < exam->candidates; c++)
            if (candidate_knows(&exam->candidate[c], input->name[i], exam->label[i]) < 0)
                return -1;
    }
    exam->labels = input->count;
    return 0;
}

/* The header of what is written, of the input's headers from that byte on. */
static int write_start(const struct examination *exam, const char *kind, size_t from,
                       uint32_t headers)
{
    struct writer *writer = exam->writer;
    write_header(writer, kind);
    options_pack(writer, rows);
    pack_array(writer, "upstream");
    pack_raw(writer, exam->input.header + from, exam->input.header_size - from, headers);
    for (uint32_t c = 0; c < exam->candidates; c++)
        pack_raw(writer, exam->candidate[c].model.run->header,
                 exam->candidate[c].model.run->header_size, 1);
    pack_close(writer);
    pack_texts(writer, "classes", exam->classes.name, exam->classes.count);
    pack_text(writer, "engine", engine_name(exam->candidate[0].engine));
    return write_end(writer);
}

/* The first image of a set, for --predict: it is written as a set of its own, joined as the input
 * was, for nobody knows yet what comes behind it. */
static int begin_set(struct examination *exam)
{
    const struct images *input = &exam->input;
    if (exam->predicted > 0 && (examine(exam, SPLIT_TRAIN) < 0 || write_join(exam->writer) < 0))
        return -1;
    exam->predicted = input->parts;
    return write_start(exam, "images", input->part[input->parts - 1].header, 1);
}

static int add_image(struct examination *exam, const struct image *image,
                     const struct record *record)
{
    /* What is written must stay in its order. */
    enum split split = exam->predict ? SPLIT_TRAIN : image->split;
    struct queue *queue = &exam->queue[split];
    if (exam->input.classes.count > exam->labels && find_classes(exam) < 0)
        return -1;
    if (exam->predict && exam->predicted < exam->input.parts && begin_set(exam) < 0)
        return -1;
    uint32_t label = image->label == NO_CLASS ? NO_CLASS : exam->label[image->label];
    for (uint32_t c = 0; c < exam->candidates; c++)
        if (model_fits(&exam->candidate[c].model, image) < 0)
            return -1;
    for (uint32_t i = 0; i < exam->shapes; i++) {
        const struct waiting *pixels = &exam->pixels[i];
        size_t size = (size_t)pixels->height * pixels->width * pixels->channels;
        uint8_t *place = pixels->of[split] + queue->count * size;
        for (uint32_t l = 0; l < exam->looks.count; l++, place += engine.batch * size)
            look_draw(&exam->looks.look[l], image, pixels->height, pixels->width, place);
    }
    if (exam->wrong)
        wrong_wait(exam->wrong, split, queue->count, image->id, label, record);
    if (exam->predict)
        predict_wait(exam->predict, queue->count,
                     image->id - exam->input.part[exam->input.parts - 1].shift, label, record);
    queue->label[queue->count++] = label;
    return queue->count == engine.batch ? examine(exam, split) : 0;
}

/* Reads all images; of a stream with epochs the first epoch, whose mark proves what came before it.
 * --only, or everything; but the training images of a stream with epochs are not what was
 * photographed. */
static int read_images(struct examination *exam)
{
    struct image image;
    struct record record;
    int item;
    begin(exam);
    if (require_find(&exam->requirements, &exam->classes) < 0)
        return -1;
    while ((item = images_next(&exam->input, &image, &record)) > 0 && item != IMAGES_EPOCH) {
        if (item != IMAGES_IMAGE || (only ? strcmp(split_name[image.split], only) != 0
                                          : image.split == SPLIT_TRAIN && exam->input.epochs))
            continue;
        if (add_image(exam, &image, &record) < 0)
            return -1;
    }
    for (int split = 0; item >= 0 && split < SPLITS; split++)
        if (examine(exam, (enum split)split) < 0)
            return -1;
    if (item >= 0 && exam->done == 0 && exam->input.epochs && !only)
        return fail("the input has only training images, as psaug changed them: score those of "
                    "psfetch, or say --only train");
    if (item >= 0 && exam->done == 0)
        return fail("the input has no %s%simages%s", only ? only : "", only ? " " : "",
                    predicts ? "" : " to score");
    return item < 0 ? -1 : 0;
}

/* Tells the scores to people, and writes them, or the images that --wrong asks for. */
static int write_results(struct examination *exam)
{
    struct writer *writer = exam->writer;
    for (uint32_t c = 0; c < exam->candidates; c++)
        for (int split = 0; split < SPLITS; split++)
            if (exam->candidate[c].score[split].images > 0)
                candidate_tell(&exam->candidate[c], (enum split)split);
    if (!exam->wrong && exam->classes.count > MOST_CONFUSION)
        note("no confusion matrix is made of more than %d classes", MOST_CONFUSION);
    if (write_start(exam, exam->wrong ? "images" : "scores", 0, exam->input.headers) < 0 ||
        (exam->wrong && wrong_write(writer, exam->wrong) < 0))
        return -1;
    for (uint32_t c = 0; !exam->wrong && c < exam->candidates; c++)
        for (int split = 0; split < SPLITS; split++)
            if (exam->candidate[c].score[split].images > 0 &&
                candidate_write(writer, &exam->candidate[c], c + 1, (enum split)split) < 0)
                return -1;
    return 0;
}

static void finish(struct examination *exam)
{
    for (uint32_t c = 0; c < exam->candidates; c++)
        candidate_close(&exam->candidate[c]);
    for (int split = 0; split < SPLITS; split++) {
        for (uint32_t i = 0; i < exam->shapes; i++)
            free(exam->pixels[i].of[split]);
        free(exam->queue[split].label);
    }
    free(exam->pixels);
    free(exam->label);
    classes_free(&exam->classes);
    wrong_close(exam->wrong);
    predict_close(exam->predict);
    require_free(&exam->requirements);
    free(exam->candidate);
    images_close(&exam->input);
}

/* Ends the program with the sentence of what failed, engines given back. */
static _Noreturn void give_up(struct examination *exam)
{
    finish(exam);
    die_why();
}

/* --export: neither images nor scores. */
static _Noreturn void export_model(char *const *paths, int count)
{
    static const char *const scoring[] = {"only", "wrong", "predict", "require", "tta"};
    struct onnx_options options = {.floats = strcmp(export.input, "float") == 0,
                                   .keep_normalise = strcmp(export.batch_norm, "keep") == 0};
    struct model model;
    if (count > 1)
        die(USAGE, "--export takes one model, not %d", count);
    for (size_t i = 0; i < sizeof scoring / sizeof *scoring; i++)
        if (options_given(rows, scoring[i]))
            die(USAGE, "--%s is about images, and --export reads none", scoring[i]);
    if (convert_check(export.path) < 0)
        die_why();
    if (!convert_is_onnx(export.path) &&
        (options_given(rows, "input") || options_given(rows, "batch-norm")))
        die(USAGE, "--input and --batch-norm go with .onnx: %s has the tensors as they are",
            export.path);
    if (model_read(&model, paths[0]) < 0)
        die_why();
    int result = convert(&model, export.path, &options);
    model_free(&model);
    if (result < 0)
        die_why();
    exit(DONE);
}

static void check_options(int models)
{
    if (models == 0)
        die(USAGE, "no model is named (see pseval --help)");
    if (most_wrong != OPTION_UNSET && models > 1)
        die(USAGE, "--wrong takes one model: the images would not say whose mistakes they are");
    if (most_wrong != OPTION_UNSET && predicts)
        die(USAGE, "--predict writes all images and --wrong some of them: say one");
    if (required.count > 0 && predicts)
        die(USAGE, "--require is about scores, and --predict makes none");
    if (options_given(rows, "top") && !predicts)
        die(USAGE, "--top says how many classes --predict tells, which is not given");
    if (!export.path && (options_given(rows, "input") || options_given(rows, "batch-norm")))
        die(USAGE, "--input and --batch-norm go with --export FILE.onnx");
}

int main(int argc, char **argv)
{
    int first = options_parse(&about, argc, argv);
    check_options(argc - first);
    if (export.path)
        export_model(argv + first, argc - first);
    estandard_input();
    struct writer *writer = estandard_output();

    struct examination exam = {
        .candidates = (uint32_t)(argc - first), .looks = looks_of(tta), .writer = writer};
    exam.candidate = ealloc(exam.candidates, sizeof *exam.candidate);
    if (most_wrong != OPTION_UNSET)
        exam.wrong = wrong_open(most_wrong, (uint32_t)engine.batch);
    if (predicts)
        exam.predict = predict_open((uint32_t)top, (uint32_t)engine.batch);
    if (require_parse(&exam.requirements, &required) < 0)
        give_up(&exam);
    for (uint32_t c = 0; c < exam.candidates; c++)
        if (candidate_open(&exam.candidate[c], argv[first + (int)c], device, &engine) < 0)
            give_up(&exam);

    if (images_open(&exam.input, STDIN_FILENO, "input", "images epochs") < 0)
        give_up(&exam);
    exam.input.unlabelled = predicts;
    int done = read_images(&exam);
    meter_clear();
    if (done == 0 && !predicts)
        done = write_results(&exam);
    if (done == 0)
        done = write_finish(writer);

    if (done < 0 && write_reader_gone(writer) && (exam.wrong || predicts))
        done = 0; /* who reads images may have enough of them; scores would be lost */
    if (done == 0)
        done = require_check(&exam.requirements, exam.candidate, exam.candidates);
    if (done < 0)
        give_up(&exam);
    finish(&exam);
    write_close(writer);
    return DONE;
}
