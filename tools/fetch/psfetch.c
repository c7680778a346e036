/* psfetch: images of folders, S3 buckets, archives or the built-in generator, labelled by their
 * folders or by what lies beside them. */
#include "archives/blob.h"
#include "archives/tar.h"
#include "brace.h"
#include "deliver.h"
#include "name.h"
#include "sources/open.h"

#include "message.h"
#include "options.h"
#include "standard.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct selection_options selecting = {
    .split = NAN, .seed = OPTION_UNSET, .as = -1, .limit = OPTION_UNSET};
static struct deliver_options delivering;
static struct access_options s3_access;
static struct source_options opening = {.access = &s3_access,
                                        .layout = {.class_level = OPTION_UNSET}};
static const char *as, *shard_path, *fit, *labels, *fold;
static double default_split = NAN;
static int unlabelled;
static uint64_t channels = OPTION_UNSET, threads, connections = 64;

static const struct option_row rows[] = {
    {0, "split", OPTION_REAL, OPTION_IN_HEADER, &selecting.split, 0, 1, "SHARE",
     "mark the first SHARE of each class train, the rest validation"},
    {0, "default-split", OPTION_REAL, OPTION_LOCAL, &default_split, 0, 1, "SHARE",
     "the same, unless there are images that their source marks validation"},
    {0, "fold", OPTION_TEXT, OPTION_IF_GIVEN, &fold, 0, 0, "K/N",
     "deal the images into N folds, alike in their classes; those of fold K are validation"},
    {'s', "seed", OPTION_UINT, OPTION_IN_HEADER, &selecting.seed, 0, 0x1p63, "N",
     "choose that share, or deal the folds, at random, by this seed"},
    {0, "as", OPTION_CHOICE, OPTION_IN_HEADER, &as, 0, 0, "train|validation|test",
     "mark all images so (train)"},
    {'n', "limit", OPTION_UINT, OPTION_IN_HEADER, &selecting.limit, 1, 0x1p63, "N",
     "take N images, spread evenly over the classes"},
    {0, "include", OPTION_TEXT, OPTION_IN_HEADER, &opening.include, 0, 0, "GLOBS",
     "take only images whose key fits one of these, separated by commas"},
    {0, "exclude", OPTION_TEXT, OPTION_IN_HEADER, &opening.exclude, 0, 0, "GLOBS",
     "leave out images whose key fits one of these"},
    {0, "class-level", OPTION_UINT, OPTION_IF_GIVEN, &opening.layout.class_level, 0, 1000, "N",
     "the class is the Nth folder below the source; 0: the source itself (the last folder)"},
    {0, "split-folders", OPTION_FLAG, OPTION_IF_GIVEN, &opening.layout.split_folders, 0, 0, NULL,
     "folders train, validation (val, valid) and test are splits and no classes"},
    {0, "classes", OPTION_TEXT, OPTION_LOCAL, &selecting.classes, 0, 0, "FILE",
     "the names of the classes, one a line, from label 0 on"},
    {0, "label-member", OPTION_TEXT, OPTION_IF_GIVEN, &opening.label_member, 0, 0, "NAME",
     "in an archive, the label is this member of the .json beside an image"},
    {0, "labels", OPTION_CHOICE, OPTION_IF_GIVEN, &labels, 0, 0, "fine|coarse",
     "of CIFAR-100, one of 100 classes, or of 20 that take five of these together (fine)"},
    {0, "unlabelled", OPTION_FLAG, OPTION_IF_GIVEN, &unlabelled, 0, 0, NULL,
     "without labels, wherever they lie: for pseval --predict"},
    {0, "resize", OPTION_SIZE, OPTION_IN_HEADER, delivering.resize, 1, IMAGE_MAX_SIDE, "HxW",
     "resize every image"},
    {0, "fit", OPTION_CHOICE, OPTION_IF_GIVEN, &fit, 0, 0, "stretch|pad|crop",
     "how: out of proportion, with black on two sides, or the middle only (stretch)"},
    {0, "channels", OPTION_UINT, OPTION_IN_HEADER, &channels, 1, 3, "N",
     "1: make all images grey; 3: make all colour"},
    {0, "no-orientation", OPTION_FLAG, OPTION_IF_GIVEN, &delivering.no_orientation, 0, 0, NULL,
     "leave images as their files have them, however the camera was held"},
    {0, "skip-bad", OPTION_FLAG, OPTION_IN_HEADER, &opening.skip_bad, 0, 0, NULL,
     "leave out images that cannot be read, naming them"},
    {0, "write-shard", OPTION_TEXT, OPTION_LOCAL, &shard_path, 0, 0, "FILE.tar",
     "write the images' files into a tar archive instead (.tar.gz .tar.zst; -: stdout)"},
    {'t', "threads", OPTION_UINT, OPTION_LOCAL, &threads, 1, 1024, "N",
     "decode with N threads (one a core)"},
    {0, "connections", OPTION_UINT, OPTION_LOCAL, &connections, 1, 512, "N", "to S3, at most (64)"},
    {0, "profile", OPTION_TEXT, OPTION_LOCAL, &s3_access.profile, 0, 0, "NAME",
     "S3: credentials of this profile"},
    {0, "region", OPTION_TEXT, OPTION_LOCAL, &s3_access.region, 0, 0, "NAME", "S3: region"},
    {0, "endpoint-url", OPTION_TEXT, OPTION_LOCAL, &s3_access.endpoint_url, 0, 0, "URL",
     "S3: a server other than Amazon's"},
    {0, "no-sign-request", OPTION_FLAG, OPTION_LOCAL, &s3_access.no_sign_request, 0, 0, NULL,
     "S3: ask without credentials (public buckets)"},
    {0, NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static void tell_formats(void)
{
    printf("reads %s images\n", decode_formats(" and "));
}

static const struct program about = {
    "psfetch",
    "Writes the images of all sources as a stream of records. A source is a folder,\n"
    "s3://bucket/prefix, a tar archive (a file, s3://… or https://… that ends in .tar, .tar.gz,\n"
    ".tgz or .tar.zst; several as shard-{000..009}.tar), a list of images (.csv, with columns\n"
    "path, label, split), idx files as MNIST has them (their folder, or …-images-idx3-ubyte.gz),\n"
    "a stream of images (a file, or - for standard input), or synth:shapes (drawn here). Labels "
    "are\n"
    "the names of the folders that the images lie in, or what the list, the idx file or, in an\n"
    "archive, .cls, .json or .txt beside them tells. Without a source it takes $PSFETCH_SOURCE,\n"
    "else synth:shapes.",
    "[SOURCE...] > IMAGES",
    "  psfetch s3://bucket/train --split 0.9 | psaug | pstrain -d 3 > net3.bin\n"
    "  psfetch s3://bucket/test --as test | pseval net*.bin > scores\n"
    "  psfetch photos --resize 64x64 --channels 3 --skip-bad > photos.ps\n"
    "  psfetch photos --write-shard photos.tar\n"
    "  psfetch photos --unlabelled --resize 32x32 | pseval --predict net3.bin | psdump -k csv\n"
    "  psfetch dataset --split-folders | psaug | pstrain -d 3 > net3.bin\n"
    "  psfetch 's3://bucket/train-{000000..000146}.tar' --classes names.txt > train.ps\n",
    rows,
    tell_formats,
};

static void check_options(void)
{
    struct stat status;
    int shares = !isnan(selecting.split) || !isnan(default_split), divides = shares || fold != NULL;
    if (as && divides)
        die(USAGE, "--as and --%s exclude each other: one marks all images, the other divides them",
            shares ? "split" : "fold");
    if (fold && shares)
        die(USAGE, "--fold and --split exclude each other: both divide the images");
    if (fold && fold_parse(&selecting.fold, "--fold", fold) < 0)
        die_why();
    if (selecting.seed != OPTION_UNSET && !divides && !as)
        die(USAGE, "--seed is for a random --split or --fold, which is not asked for");
    if (shard_path && (as || divides || delivering.resize[0] || channels != OPTION_UNSET ||
                       delivering.no_orientation))
        die(USAGE, "--write-shard writes the images' files as they are: --split, --as, --resize, "
                   "--channels and --no-orientation are for those who read it");
    if (shard_path && blob_is_url(shard_path))
        die(USAGE,
            "--write-shard writes files: to send one elsewhere, write it to stdout (-) and pipe "
            "it into aws s3 cp, say");
    /* Not stdout, a FIFO or /dev/null. */
    if (shard_path && tar_suffix(shard_path) == 0 && strcmp(shard_path, "-") != 0 &&
        (stat(shard_path, &status) < 0 || S_ISREG(status.st_mode)))
        die(USAGE,
            "--write-shard takes a name that ends in .tar, .tar.gz, .tgz or .tar.zst, or - for "
            "stdout, not %s",
            shard_path);
    if (unlabelled &&
        (selecting.classes || labels || opening.label_member || opening.layout.split_folders ||
         opening.layout.class_level != OPTION_UNSET || shard_path))
        die(USAGE, "--unlabelled writes images without labels: --classes, --class-level, --labels, "
                   "--label-member, --split-folders and --write-shard are for those with them");
    opening.layout.unlabelled = selecting.unlabelled = unlabelled;
    if (fit && !delivering.resize[0])
        die(USAGE, "--fit says how images become the size of --resize, which is not given");
    if (fit)
        delivering.fit = *fit == 'p' ? FIT_PAD : *fit == 'c' ? FIT_CROP : FIT_STRETCH;
    opening.coarse_labels = labels && strcmp(labels, "coarse") == 0;
    if (channels == 2)
        die(USAGE, "--channels takes 1 (grey) or 3 (colour), not 2");
    if (as) {
        /* Training and test sets are fetched with the same options; a seed decides nothing here,
         * and what decides nothing is not in the header. */
        selecting.as = split_parse(as);
        selecting.seed = OPTION_UNSET;
    }
    selecting.random = selecting.seed != OPTION_UNSET;
    delivering.channels = channels == OPTION_UNSET ? 0 : (uint32_t)channels;
    delivering.connections = (unsigned)connections;
    cpu_set_t cores;
    delivering.threads = threads ? (unsigned)threads
                         : sched_getaffinity(0, sizeof cores, &cores) == 0
                             ? (unsigned)CPU_COUNT(&cores)
                             : 1;
}

/* While a network is waited for: the reader may have enough. */
static int ask_reader(void *writer)
{
    return writer ? write_look(writer) : 0;
}

static int write_start(struct writer *writer, const struct source *source, size_t sources,
                       const struct selection *selection)
{
    write_header(writer, "images");
    options_pack(writer, rows);
    pack_array(writer, "upstream");
    for (size_t s = 0; s < sources; s++)
        if (source[s].stream != NULL)
            pack_raw(writer, source[s].stream->header, source[s].stream->header_size,
                     source[s].stream->headers);
    pack_close(writer);
    pack_array(writer, "source");
    for (size_t s = 0; s < sources; s++)
        pack_text(writer, NULL, source[s].described);
    pack_close(writer);
    pack_texts(writer, "classes", selection->classes.name, selection->classes.count);
    return write_end(writer);
}

/* Writes what is selected of each source, one source after the other. */
static int write_images(struct writer *writer, struct source *source,
                        const struct selection *selection)
{
    for (size_t from = 0, to; from < selection->count; from = to) {
        uint32_t s = selection->image[from].source;
        for (to = from; to < selection->count && selection->image[to].source == s;)
            to++;
        if (deliver(writer, &source[s], selection->image + from, to - from, &delivering) < 0)
            return -1;
    }
    return 0;
}

/* A class becomes a folder, and one that begins with a dot would be hidden or lead out of the
 * archive; and of two members of one name in an archive, readers keep one. */
static int check_names(const struct source *source, const struct selection *selection)
{
    const struct classes *classes = &selection->classes;
    for (uint32_t c = 0; c < classes->count; c++)
        if (classes->name[c][0] == '.' || strchr(classes->name[c], '/') != NULL)
            return fail("the class %s cannot be a folder in an archive: its name has a / or begins "
                        "with a dot",
                        classes->name[c]);
    char **name = ealloc(selection->count, sizeof *name);
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *image = &selection->image[i];
        const struct source_item *item = &source[image->source].item[image->item];
        name[i] = layout_member(item->key, classes->name[image->label], item->has_file);
    }
    qsort(name, selection->count, sizeof *name, name_order);
    int result = 0;
    for (size_t i = 1; i < selection->count && result == 0; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            result = fail("two images would be called %s in the archive", name[i]);
    for (size_t i = 0; i < selection->count; i++)
        free(name[i]);
    free(name);
    return result;
}

/* All images into an archive instead of a stream. */
static void write_shard(struct source *source, const struct selection *selection)
{
    if (strcmp(shard_path, "-") == 0 && isatty(STDOUT_FILENO))
        die(USAGE, "the archive is not text: send it to a pipe or a file");
    if (check_names(source, selection) < 0)
        die_why();
    struct shard *shard = delivering.shard = shard_open(shard_path);
    if (shard == NULL)
        die_why();
    int done = write_images(NULL, source, selection);
    if (done == 0)
        done = shard_finish(shard);
    int enough = shard_reader_gone(shard);
    shard_close(shard);
    if (enough)
        exit(DONE);
    if (done < 0)
        die_why();
}

static void name_sources(struct names *names, int count, char **argument)
{
    const char *usual = getenv("PSFETCH_SOURCE");
    int done = 0;
    if (count == 0 && (usual == NULL || *usual == '\0')) {
        usual = "synth:shapes";
        note("no source is named: taking synth:shapes, drawn here");
    }
    if (count == 0)
        done = brace_expand(names, usual);
    for (int i = 0; i < count && done == 0; i++)
        done = brace_expand(names, argument[i]);
    if (done < 0)
        die_why();
}

/* Opens all sources, count of them: names of files may share one. How many images are bad. The
 * first few that leave something out say what: a set in a thousand shards leaves out the same of
 * each. */
static size_t open_sources(struct source *source, const struct names *names, struct writer *writer,
                           size_t *count)
{
    enum { TELL = 3 };
    size_t bad = 0, telling = 0, files = 0, s = 0;
    ptrdiff_t named = 0;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        /* An archive stays open until its images are written, and a set may have a thousand. */
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (size_t n = 0; n < names->count; n += (size_t)named, s++) {
        named = source_open_next(&source[s], names->name + n, names->count - n, &opening);
        if (named < 0) {
            if (writer)
                end_after_write(writer);
            die_why();
        }
        const struct omitted *omitted = &source[s].omitted;
        size_t left_out = omitted->files + omitted->stray.count + omitted->hidden_folders;
        if (left_out > 0 && telling++ < TELL)
            omitted_tell(&source[s]);
        else
            files += left_out;
        if (source[s].unwanted)
            explain("%s: %zu key%s left out by %s", source[s].name, source[s].unwanted,
                    plural(source[s].unwanted), source_globs(&source[s]));
        bad += source[s].bad;
    }
    if (!as && !unlabelled)
        layout_remark(source, s, &opening.layout);
    if (telling > TELL)
        note("%zu file%s of %zu more source%s left out", files, plural(files), telling - TELL,
             plural(telling - TELL));
    *count = s;
    return bad;
}

/* --default-split is --split where no source has images for validation. */
static void take_default_split(const struct source *source, size_t count)
{
    int validates = 0;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < source[s].count && !validates; i++)
            validates = source[s].item[i].split == SPLIT_VALIDATION;
    if (!validates && isnan(selecting.split))
        selecting.split = default_split;
    if (isnan(selecting.split) && !fold) /* then a seed decides nothing */
        selecting.seed = OPTION_UNSET;
}

int main(int argc, char **argv)
{
    int first = options_parse(&about, argc, argv);
    check_options();
    struct writer *writer = shard_path ? NULL : estandard_output();
    struct names names = {0};
    name_sources(&names, argc - first, argv + first);
    size_t sources;
    struct source *source = ealloc(names.count, sizeof *source);
    struct selection selection;
    struct tally tally;
    opening.cancellation = (struct cancellation){ask_reader, writer};
    size_t total = open_sources(source, &names, writer, &sources);
    take_default_split(source, sources);
    if (selection_make(&selection, source, sources, &selecting) < 0)
        die_why();
    total += selection.count; /* bad images are among them, and are not written */
    tally_open(&tally, &selection);
    delivering.tally = &tally;

    if (shard_path)
        write_shard(source, &selection);
    else if (write_start(writer, source, sources, &selection) < 0 ||
             write_images(writer, source, &selection) < 0 || write_finish(writer) < 0)
        end_after_write(writer);
    if (tally.images < total)
        note("left out %zu bad image%s of %zu", total - tally.images, plural(total - tally.images),
             total);
    tally_tell(&tally);

    tally_close(&tally);
    selection_free(&selection);
    for (size_t s = 0; s < sources; s++)
        source_close(&source[s]);
    free(source);
    names_free(&names);
    write_close(writer);
    return DONE;
}
