#include "convert.h"

#include "label.h"
#include "message.h"
#include "tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), wanted = strlen(suffix);
    return length > wanted && strcasecmp(path + length - wanted, suffix) == 0;
}

int convert_is_onnx(const char *path)
{
    return ends_in(path, ".onnx");
}

int convert_check(const char *path)
{
    if (convert_is_onnx(path) || ends_in(path, ".safetensors") || ends_in(path, ".npz"))
        return 0;
    return fail_as(USAGE, "%s does not end in .onnx, .safetensors or .npz, which says the format",
                   path);
}

static int check_weights(const struct model *model)
{
    for (uint32_t i = 0; i < model->net.tensors; i++) {
        const struct tensor *t = &model->net.tensor[i];
        for (size_t e = t->offset; e < t->offset + t->size; e++)
            if (!isfinite(model->parameters[e]))
                return fail("%s cannot be exported: its %s has values that are not finite numbers "
                            "(the training diverged)",
                            model->name, t->name);
    }
    return 0;
}

/* 0, or -1 with errno. */
static int write_all(int fd, const struct bytes *bytes)
{
    for (size_t done = 0; done < bytes->size;) {
        ssize_t put = write(fd, bytes->at + done, bytes->size - done);
        if (put < 0 && errno != EINTR)
            return -1;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* What is no file, /dev/full say, is written as it is. */
static int write_file(const struct bytes *bytes, const char *path)
{
    struct stat status;
    int is_file = stat(path, &status) < 0 || S_ISREG(status.st_mode);
    char *part = is_file ? eformat("%s.part", path) : ecopy(path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int result = fd < 0 ? -1 : write_all(fd, bytes);
    if (fd >= 0 && close(fd) < 0)
        result = -1;
    if (result == 0 && is_file)
        result = rename(part, path);
    if (result < 0) {
        fail("cannot write %s: %s", path, strerror(errno));
        if (fd >= 0 && is_file)
            unlink(part);
    }
    free(part);
    return result;
}

int convert(const struct model *model, const char *path, const struct onnx_options *options)
{
    struct bytes file = {0};
    uint32_t count = model->classes.count;
    char network[NET_TEXT];
    if (convert_check(path) < 0 || check_weights(model) < 0)
        return -1;
    char **classes = ealloc(count, sizeof *classes);
    for (uint32_t i = 0; i < count; i++)
        classes[i] = label_name(model->classes.name[i], strlen(model->classes.name[i]));
    net_text(&model->net, network);
    if (convert_is_onnx(path))
        onnx_make(&file, model, classes, network, options);
    else if (ends_in(path, ".npz"))
        tensors_make_npz(&file, model, classes, network);
    else
        tensors_make_safetensors(&file, model, classes, network);
    int result = write_file(&file, path);
    for (uint32_t i = 0; i < count; i++)
        free(classes[i]);
    free(classes);
    free(file.at);
    return result;
}
