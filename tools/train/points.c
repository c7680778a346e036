#include "points.h"

#include "complete.h"
#include "header.h"
#include "lines.h"
#include "message.h"
#include "nn/device.h"
#include "training_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an engine calls itself depends on these alone, and asking it means to open it. */
struct device {
    char *device, *isa, *precision;
    uint64_t gpu;
    int despite_selftest;
    char *engine;
};

struct points {
    const struct images *input;
    const struct images_about *images;
    struct device *device; /* [devices]: those that were asked already */
    size_t devices;
    struct writer *writer; /* headers are written to memory, to have their bytes */
    char *names;           /* [size] lines, all or none of which are printed */
    size_t size;
};

/* The name of the engine that the options choose: of one that is opened for the smallest network,
 * once for all points that choose it. NULL with a sentence. */
static const char *engine_of(struct points *points)
{
    static struct net net;
    struct engine_options wanted = options.engine;
    for (size_t i = 0; i < points->devices; i++) {
        const struct device *asked = &points->device[i];
        if (asked->gpu == wanted.gpu && asked->despite_selftest == wanted.despite_selftest &&
            strcmp(asked->device, options.device) == 0 && strcmp(asked->isa, wanted.isa) == 0 &&
            strcmp(asked->precision, wanted.precision) == 0)
            return asked->engine;
    }
    struct net_shape shape = {
        .depth = 1,
        .filters = 1,
        .height = points->images->height,
        .width = points->images->width,
        .channels = points->images->channels,
        .classes = points->input->classes.count,
    };
    struct engine *engine;
    wanted.batch = 1;
    if (net_make(&net, &shape) < 0 || engine_open(&engine, options.device, &net, &wanted) < 0)
        return NULL;
    points->device = egrow(points->device, points->devices + 1, sizeof *points->device);
    struct device *device = &points->device[points->devices++];
    *device = (struct device){ecopy(options.device),   ecopy(wanted.isa),
                              ecopy(wanted.precision), wanted.gpu,
                              wanted.despite_selftest, ecopy(engine_name(engine))};
    engine_close(engine);
    return device->engine;
}

/* What fails because the line asks for what there cannot be is wrong usage; always -1. */
static int blame_line(void)
{
    return why_status() == FAILED ? fail_as(USAGE, "%s", why()) : -1;
}

/* Adds the name of the run that the options make. */
static int name_point(struct points *points)
{
    static struct net net;
    char name[NAME_ROOM];
    struct images_about images = *points->images;
    uint64_t digest;
    size_t size;
    if (training_complete(points->input->classes.count, &images, &net) < 0)
        return blame_line();
    const char *engine = engine_of(points);
    if (engine == NULL)
        return strcmp(options.device, "cuda") == 0 ? blame_line() : -1;
    if (training_write_header(points->writer, points->input, &images, engine, &net) < 0)
        return -1;
    const uint8_t *header = write_last(points->writer, &size);
    if (training_identity(header, size, &digest) < 0)
        return -1;
    enum { MOST_LINE = NAME_ROOM + 40 };
    training_name(&net, name);
    points->names = egrow(points->names, points->size + MOST_LINE, 1);
    points->size += (size_t)snprintf(points->names + points->size, MOST_LINE, "%s-%012llx\t%llu\n",
                                     name, (unsigned long long)digest >> 16,
                                     (unsigned long long)net_gpu_bytes(&net, options.engine.batch));
    return 0;
}

static void name_line(struct points *points, const char *where, char *line, size_t length)
{
    const struct training_options common = options;
    const char *first = line + strspn(line, " \t\r\n");
    if (strlen(line) < length)
        die(USAGE, "%s: there is a zero byte in it", where);
    if (*first == 0 || *first == '#')
        return;
    options_parse_line(&training_program, where, line);
    if (name_point(points) < 0)
        die(why_status(), "%s: %s", where, why());
    struct option_list earlier = options.earlier; /* it may have been moved */
    earlier.count = common.earlier.count;
    options = common;
    options.earlier = earlier;
}

int points_print(const char *path, const struct images *input, const struct images_about *images)
{
    if (strcmp(path, "-") == 0)
        return fail_as(USAGE, "--points takes a file: on standard input come the images");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fail("cannot open %s: %s", path, strerror(errno));
    struct points points = {.input = input, .images = images};
    points.writer = write_open(-1, "a header");
    struct lines lines = {.file = file, .name = path, .most = 64 << 20};
    char *where;
    ssize_t length;
    for (unsigned long long number = 1; (length = lines_next(&lines)) > 0; number++) {
        if (asprintf(&where, "%s:%llu", path, number) < 0)
            die(FAILED, "out of memory: a line of %s", path);
        name_line(&points, where, lines.line, (size_t)length);
        free(where);
    }
    free(lines.line);
    fclose(file);
    int result = (int)length;
    if (result == 0 &&
        ((points.size > 0 && fwrite(points.names, 1, points.size, stdout) < points.size) ||
         fflush(stdout) != 0))
        result = fail("cannot write output: %s", strerror(errno));
    free(points.names);
    for (size_t i = 0; i < points.devices; i++) {
        struct device *device = &points.device[i];
        free(device->device);
        free(device->isa);
        free(device->precision);
        free(device->engine);
    }
    free(points.device);
    write_close(points.writer);
    return result;
}
