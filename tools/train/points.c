#include "points.h"

#include "essence.h"
#include "lines.h"
#include "message.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What an engine calls itself depends on these alone, and asking it means to open it. */
struct device {
    char *device, *isa, *precision;
    uint64_t gpu;
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

static int same_device(const struct device *device)
{
    return device->gpu == settings.gpu && strcmp(device->device, settings.device) == 0 &&
           strcmp(device->isa, settings.isa) == 0 &&
           strcmp(device->precision, settings.precision) == 0;
}

/* The name of the engine that the settings choose: of one that is opened for the smallest network,
 * once for all points that choose it. NULL with a sentence. */
static const char *engine_of(struct points *points)
{
    static struct net net;
    struct net_shape shape = {
        .depth = 1,
        .filters = 1,
        .height = points->images->height,
        .width = points->images->width,
        .channels = points->images->channels,
        .classes = points->input->classes.count,
    };
    for (size_t i = 0; i < points->devices; i++)
        if (same_device(&points->device[i]))
            return points->device[i].engine;
    struct engine_options options = settings_engine(points->images);
    struct engine *engine;
    options.batch = 1;
    if (net_make(&net, &shape) < 0 || engine_open(&engine, settings.device, &net, &options) < 0)
        return NULL;
    points->device = egrow(points->device, points->devices + 1, sizeof *points->device);
    struct device *device = &points->device[points->devices++];
    *device = (struct device){ecopy(settings.device), ecopy(settings.isa),
                              ecopy(settings.precision), settings.gpu, ecopy(engine_name(engine))};
    engine_close(engine);
    return device->engine;
}

/* What fails because the line asks for what there cannot be is wrong usage; always -1. */
static int blame_line(void)
{
    return why_status() == FAILED ? fail_as(USAGE, "%s", why()) : -1;
}

/* Adds the name of the run that the settings make. */
static int name_point(struct points *points)
{
    static struct net net;
    struct images_about images = *points->images;
    uint64_t digest;
    size_t size;
    if (settings_complete(points->input->classes.count, &images, &net) < 0)
        return blame_line();
    const char *engine = engine_of(points);
    if (engine == NULL)
        return strcmp(settings.device, "cuda") == 0 ? blame_line() : -1;
    if (settings_write(points->writer, points->input, &images, engine, &net) < 0)
        return -1;
    const uint8_t *header = write_last(points->writer, &size);
    if (essence_digest(header, size, &digest) < 0)
        return -1;
    enum { MOST_NAME = 80 };
    points->names = egrow(points->names, points->size + MOST_NAME, 1);
    points->size +=
        (size_t)snprintf(points->names + points->size, MOST_NAME, "d%llu-s%llu-%012llx\n",
                         (unsigned long long)settings.depth, (unsigned long long)settings.seed,
                         (unsigned long long)digest >> 16);
    return 0;
}

static void take_line(struct points *points, const char *where, char *line, size_t length)
{
    const struct settings common = settings;
    const char *first = line + strspn(line, " \t\r\n");
    if (strlen(line) < length)
        die(USAGE, "%s: there is a zero byte in it", where);
    if (*first == 0 || *first == '#')
        return;
    options_parse_line(&settings_about, where, line);
    if (name_point(points) < 0)
        die(why_status(), "%s: %s", where, why());
    struct option_list earlier = settings.earlier; /* it may have been moved */
    earlier.count = common.earlier.count;
    settings = common;
    settings.earlier = earlier;
}

static int take_lines(struct points *points, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fail("cannot open %s: %s", path, strerror(errno));
    struct lines lines = {.file = file, .name = path, .most = 64 << 20};
    char *where;
    ssize_t length;
    for (unsigned long long number = 1; (length = lines_next(&lines)) > 0; number++) {
        if (asprintf(&where, "%s:%llu", path, number) < 0)
            die(FAILED, "out of memory: a line of %s", path);
        take_line(points, where, lines.line, (size_t)length);
        free(where);
    }
    free(lines.line);
    fclose(file);
    return (int)length;
}

static int print(const struct points *points)
{
    if ((points->size > 0 && fwrite(points->names, 1, points->size, stdout) < points->size) ||
        fflush(stdout) != 0)
        return fail("cannot write output: %s", strerror(errno));
    return 0;
}

int points_print(const char *path, const struct images *input, const struct images_about *images)
{
    if (strcmp(path, "-") == 0)
        return fail_as(USAGE, "--points takes a file: on standard input come the images");
    struct points points = {.input = input, .images = images};
    points.writer = write_open_memory("a header");
    int result = take_lines(&points, path);
    if (result == 0)
        result = print(&points);
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
