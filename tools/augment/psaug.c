/* psaug: shuffles, shifts or crops, flips, and otherwise changes the training images of a set,
 * epoch after epoch. */
#include "epochs.h"

#include "message.h"
#include "options.h"
#include "standard.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct view_options view = {.shift = {4, 4}, .flip = 0.5, .scale = {1, 1}, .fill = "black"};
static uint64_t cutout, epochs, first = 1, memory = 4ull << 30;
static int views, balance;
static const char *fold;

static const struct option_row rows[] = {
    {'s', "seed", OPTION_UINT, OPTION_IN_HEADER, &view.seed, 0, 0x1p63, "N",
     "seed of the order and of the augmentation (0)"},
    {0, "shift", OPTION_PAIR, OPTION_IN_HEADER, view.shift, 0, 1024, "N or HxW",
     "shift by at most so many pixels each way, H up and down, W left and right (4)"},
    {0, "crop", OPTION_SIZE, OPTION_IN_HEADER, view.crop, 1, IMAGE_MAX_SIDE, "HxW",
     "instead of a shift: a random window; the middle one for validation and test"},
    {0, "flip", OPTION_REAL, OPTION_IN_HEADER, &view.flip, 0, 1, "P",
     "flip left to right with this probability (0.5)"},
    {0, "alternate-flip", OPTION_FLAG, OPTION_IF_GIVEN, &view.alternate, 0, 0, NULL,
     "that is for epoch 1; from then on each image is flipped in every other epoch"},
    {0, "flip-vertical", OPTION_REAL, OPTION_IF_GIVEN, &view.flip_vertical, 0, 1, "P",
     "flip upside down with this probability (0)"},
    {0, "rotate", OPTION_REAL, OPTION_IF_GIVEN, &view.rotate, 0, 180, "DEGREES",
     "turn about the middle, at most so far each way (0)"},
    {0, "scale", OPTION_RANGE, OPTION_IF_GIVEN, view.scale, 0.1, 10, "A..B",
     "scale about the middle by a factor from A to B (1..1)"},
    {0, "shear", OPTION_REAL, OPTION_IF_GIVEN, &view.shear, 0, 80, "DEGREES",
     "lean to a side, at most so far each way (0)"},
    {0, "fill", OPTION_CHOICE, OPTION_IF_GIVEN, &view.fill, 0, 0, "black|grey|mean|edge|reflect",
     "what comes in from beyond the image's edges, and into a cutout (black)"},
    {0, "brightness", OPTION_REAL, OPTION_IF_GIVEN, &view.brightness, 0, 4, "X",
     "times a factor from 1-X to 1+X (0)"},
    {0, "contrast", OPTION_REAL, OPTION_IF_GIVEN, &view.contrast, 0, 4, "X",
     "the same about the mean grey of the training images (0)"},
    {0, "saturation", OPTION_REAL, OPTION_IF_GIVEN, &view.saturation, 0, 4, "X",
     "the same about the grey of each pixel (0)"},
    {0, "hue", OPTION_REAL, OPTION_IF_GIVEN, &view.hue, 0, 0.5, "TURNS",
     "turn the circle of colours, at most so far each way; 0.5 is all (0)"},
    {0, "cutout", OPTION_UINT, OPTION_IF_GIVEN, &cutout, 0, IMAGE_MAX_SIDE, "N",
     "paint a square of N pixels over, somewhere (0)"},
    {0, "balance", OPTION_FLAG, OPTION_IF_GIVEN, &balance, 0, 0, NULL,
     "as many training images of each class in an epoch: of small ones some again, in other views"},
    {0, "fold", OPTION_TEXT, OPTION_IF_GIVEN, &fold, 0, 0, "K/N",
     "deal the images but test ones into N folds anew; those of fold K are validation"},
    {0, "views", OPTION_FLAG, OPTION_IN_HEADER, &views, 0, 0, NULL,
     "send every image once, then only what becomes of it in each epoch"},
    {'e', "epochs", OPTION_UINT, OPTION_LOCAL, &epochs, 1, UINT32_MAX, "N",
     "end after N epochs (go on until the consumer has enough)"},
    {0, "first-epoch", OPTION_UINT, OPTION_LOCAL, &first, 1, UINT32_MAX, "K",
     "leave out the epochs before; for a trainer that goes on from there (1)"},
    {0, "memory", OPTION_BYTES, OPTION_LOCAL, &memory, 0, 0x1p46, "BYTES",
     "keep so much of the set in memory, the rest in a file (4G)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static const struct program about = {
    "psaug",
    "Reads a set of images and writes it epoch after epoch: training images in a fresh order,\n"
    "each shifted or cropped, flipped and so on at random; validation and test images once,\n"
    "before.",
    "< IMAGES > EPOCHS",
    "  psfetch cifar10 --split 0.9 | psaug | pstrain -d 3 > net3.bin\n"
    "  psfetch photos --as train | psaug --crop 64x64 -e 1 > epoch.ps\n"
    "  psfetch synth:shapes --limit 8 | psaug -e 8 --rotate 15 | psplot -k images -o sheet.png\n",
    rows,
    NULL,
};

static int write_start(struct writer *writer, const struct images *input,
                       const struct collection *collection)
{
    write_header(writer, "epochs");
    options_pack(writer, rows);
    images_pack_upstream(writer, input);
    pack_texts(writer, "classes", input->classes.name, input->classes.count);
    images_pack_about(writer, &collection->about);
    pack_bool(writer, "views", views);
    if (views && !view_options_plain(&view))
        pack_bool(writer, "drawing", 1);
    pack_uint(writer, "digest", images_digest(input));
    return write_end(writer);
}

/* A pipe's reader closes it when it has enough; a file takes epochs until the disk is full. */
static int is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Some training images would be of one colour, and teach nothing. */
static void note_reach(const struct images_about *set)
{
    uint32_t height = set->height, width = set->width;
    if (set->counts[SPLIT_TRAIN] == 0)
        return;
    if (options_given(rows, "shift") && (view.shift[0] >= height || view.shift[1] >= width) &&
        strcmp(view.fill, "reflect") != 0)
        note("--shift %ux%u moves some images, which are %ux%u, out of sight", view.shift[0],
             view.shift[1], height, width);
    if (cutout >= height && cutout >= width)
        note("--cutout %u paints some images, which are %ux%u, over entirely", view.cutout, height,
             width);
}

int main(int argc, char **argv)
{
    if (options_parse(&about, argc, argv) < argc)
        die(USAGE, "unexpected argument %s: the images come on standard input", argv[argc - 1]);
    if (view.crop[0] > 0 && options_given(rows, "shift") &&
        (view.shift[0] > 0 || view.shift[1] > 0))
        die(USAGE,
            "--crop and --shift cannot be used together: the window of a crop moves already");
    if (view.crop[0] > 0)
        view.shift[0] = view.shift[1] = 0;
    view.cutout = (uint32_t)cutout;
    struct fold folds = {0};
    if (fold && fold_parse(&folds, "--fold", fold) < 0)
        die_why();

    estandard_input();
    struct writer *writer = estandard_output();
    struct images input;
    struct collection collection;
    if (images_open(&input, STDIN_FILENO, "input", "images") < 0 ||
        collect(&input, STDIN_FILENO, memory, &view, folds, balance, &collection) < 0 ||
        view_options_settle(&view, &collection.about) < 0)
        die_why();
    note_reach(&collection.about);

    int trains = collection.about.counts[SPLIT_TRAIN] > 0;
    if (trains && epochs == 0 && is_file(STDOUT_FILENO))
        die(USAGE,
            "the output is a file, which would fill the disk: --epochs N ends after N epochs");
    if (write_start(writer, &input, &collection) < 0 || write_once(writer, &collection, views) < 0)
        end_after_write(writer);
    if (trains && first > 1 && write_mark(writer, (uint32_t)first - 1, 0) < 0)
        end_after_write(writer);
    for (uint64_t epoch = first; trains && (epochs == 0 || epoch <= epochs); epoch++)
        if (write_epoch(writer, &collection, &view, (uint32_t)epoch, views) < 0)
            end_after_write(writer);

    if (write_finish(writer) < 0)
        end_after_write(writer);
    collection_free(&collection);
    images_close(&input);
    write_close(writer);
    return DONE;
}
