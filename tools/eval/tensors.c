#include "tensors.h"

#include "label.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PyTorch's name of a tensor. */
static void name_for_torch(const struct tensor *t, char name[64])
{
    static const char *const words[][2] = {
        {"weights", "weight"}, {"bias", "bias"},         {"scale", "weight"},
        {"offset", "bias"},    {"mean", "running_mean"}, {"variance", "running_var"},
    };
    const char *dot = strrchr(t->name, '.');
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(dot + 1, words[i][0]) == 0)
            snprintf(name, 64, "%.*s.%s", (int)(dot - t->name), t->name, words[i][1]);
}

/* A tensor's entry in the header, and its values behind those before it. */
static void add_safe(struct bytes *header, struct bytes *values, const char *name,
                     uint32_t dimensions, const uint32_t *extent, const float *value, size_t size)
{
    bytes_print(header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", name);
    for (uint32_t d = 0; d < dimensions; d++)
        bytes_print(header, "%s%u", d > 0 ? "," : "", extent[d]);
    bytes_print(header, "],\"data_offsets\":[%zu,%zu]}", values->size,
                values->size + size * sizeof *value);
    bytes_add(values, value, size * sizeof *value);
}

void tensors_make_safetensors(struct bytes *file, const struct model *model, char *const *classes,
                              const char *network)
{
    struct bytes header = {0}, values = {0}, names = {0};
    uint32_t channels = model->about.channels;
    float mean[NET_MAX_CHANNELS], deviation[NET_MAX_CHANNELS];
    bytes_json_list(&names, classes, model->classes.count);
    bytes_number(&names, 0, 1);
    bytes_print(&header,
                "{\"__metadata__\":{\"format\":\"pt\",\"network\":\"%s\",\"classes\":", network);
    bytes_json(&header, (const char *)names.at);
    bytes_print(&header, "}");
    for (uint32_t c = 0; c < channels; c++) {
        mean[c] = (float)model->about.mean[c];
        deviation[c] = (float)model->about.deviation[c];
    }
    add_safe(&header, &values, "mean", 1, &channels, mean, channels);
    add_safe(&header, &values, "deviation", 1, &channels, deviation, channels);
    for (uint32_t i = 0; i < model->net.tensors; i++) {
        const struct tensor *t = &model->net.tensor[i];
        char name[64];
        name_for_torch(t, name);
        add_safe(&header, &values, name, t->dimensions, t->extent, model->parameters + t->offset,
                 t->size);
    }
    bytes_print(&header, "}");
    while (header.size % 8 > 0) /* so that the values can be used where they lie */
        bytes_print(&header, " ");
    bytes_number(file, header.size, 8);
    bytes_add(file, header.at, header.size);
    bytes_add(file, values.at, values.size);
    free(header.at);
    free(values.at);
    free(names.at);
}

/* CRC-32 of zip files: the polynomial 0xedb88320, the lowest bit first. */
static uint32_t sum_of(const struct bytes *bytes)
{
    uint32_t row[256], sum = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        row[i] = i;
        for (int bit = 0; bit < 8; bit++)
            row[i] = row[i] >> 1 ^ (row[i] & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < bytes->size; i++)
        sum = sum >> 8 ^ row[(sum ^ bytes->at[i]) & 0xff];
    return ~sum;
}

/* A zip file (PKWARE's APPNOTE) that is being made. */
struct zip {
    struct bytes *file, directory;
    uint16_t members;
};

/* What the two headers of a member have in common. A file that has no date is of January 1, 1980.
 */
static void add_member_header(struct bytes *to, const struct bytes *member, const char *name)
{
    enum { VERSION = 20, DATE = 1 << 5 | 1 };
    bytes_number(to, VERSION, 2);
    bytes_number(to, 0, 2); /* flags */
    bytes_number(to, 0, 2); /* not compressed */
    bytes_number(to, 0, 2); /* time */
    bytes_number(to, DATE, 2);
    bytes_number(to, sum_of(member), 4);
    bytes_number(to, member->size, 4);
    bytes_number(to, member->size, 4);
    bytes_number(to, strlen(name), 2);
    bytes_number(to, 0, 2); /* more fields */
}

/* Adds an array, whose file ends with that. */
static void add_member(struct zip *zip, const char *array, struct bytes *member)
{
    struct bytes *directory = &zip->directory;
    size_t begin = zip->file->size;
    char name[64];
    snprintf(name, sizeof name, "%s.npy", array);
    bytes_print(zip->file, "PK\3\4");
    add_member_header(zip->file, member, name);
    bytes_print(zip->file, "%s", name);
    bytes_add(zip->file, member->at, member->size);

    bytes_print(directory, "PK\1\2");
    bytes_number(directory, 20, 2); /* the version that made it */
    add_member_header(directory, member, name);
    bytes_number(directory, 0, 2); /* comment */
    bytes_number(directory, 0, 2); /* disk */
    bytes_number(directory, 0, 6); /* attributes */
    bytes_number(directory, begin, 4);
    bytes_print(directory, "%s", name);
    zip->members++;
    free(member->at);
    *member = (struct bytes){0};
}

static void end_zip(struct zip *zip)
{
    size_t begin = zip->file->size;
    bytes_add(zip->file, zip->directory.at, zip->directory.size);
    bytes_print(zip->file, "PK\5\6");
    bytes_number(zip->file, 0, 4); /* disks */
    bytes_number(zip->file, zip->members, 2);
    bytes_number(zip->file, zip->members, 2);
    bytes_number(zip->file, zip->directory.size, 4);
    bytes_number(zip->file, begin, 4);
    bytes_number(zip->file, 0, 2); /* comment */
    free(zip->directory.at);
}

/* The head of a .npy file (numpy.lib.format, version 1.0), which takes a multiple of 64 bytes. */
static void begin_array(struct bytes *member, const char *type, uint32_t dimensions,
                        const uint32_t *extent)
{
    struct bytes head = {0};
    bytes_print(&head, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (uint32_t d = 0; d < dimensions; d++)
        bytes_print(&head, "%u, ", extent[d]);
    bytes_print(&head, "), }");
    while ((head.size + 11) % 64 > 0)
        bytes_print(&head, " ");
    bytes_print(&head, "\n");
    bytes_print(member, "\x93NUMPY\1");
    bytes_number(member, 0, 1);
    bytes_number(member, head.size, 2);
    bytes_add(member, head.at, head.size);
    free(head.at);
}

/* An array of texts: each is as long as the longest, LABEL_MOST at most, in UTF-32. dimensions 0:
 * of one text. */
static void add_texts(struct zip *zip, const char *array, uint32_t dimensions, uint32_t count,
                      const char *const *texts)
{
    struct bytes member = {0};
    uint32_t code, longest = 1, length;
    char type[16];
    int columns;
    for (uint32_t i = 0; i < count; i++) {
        const char *at = texts[i];
        for (length = 0; label_next(&at, &code, &columns); length++)
            ;
        longest = length > longest ? length : longest;
    }
    snprintf(type, sizeof type, "<U%u", longest);
    begin_array(&member, type, dimensions, &count);
    for (uint32_t i = 0; i < count; i++) {
        const char *at = texts[i];
        for (length = 0; label_next(&at, &code, &columns); length++)
            bytes_number(&member, code, 4);
        for (; length < longest; length++)
            bytes_number(&member, 0, 4);
    }
    add_member(zip, array, &member);
}

void tensors_make_npz(struct bytes *file, const struct model *model, char *const *classes,
                      const char *network)
{
    struct zip zip = {.file = file};
    struct bytes member = {0};
    const struct images_about *about = &model->about;
    add_texts(&zip, "network", 0, 1, &network);
    add_texts(&zip, "classes", 1, model->classes.count, (const char *const *)classes);
    begin_array(&member, "<f8", 1, &about->channels);
    bytes_add(&member, about->mean, about->channels * sizeof *about->mean);
    add_member(&zip, "mean", &member);
    begin_array(&member, "<f8", 1, &about->channels);
    bytes_add(&member, about->deviation, about->channels * sizeof *about->deviation);
    add_member(&zip, "deviation", &member);
    for (uint32_t i = 0; i < model->net.tensors; i++) {
        const struct tensor *t = &model->net.tensor[i];
        begin_array(&member, "<f4", t->dimensions, t->extent);
        bytes_add(&member, model->parameters + t->offset, t->size * sizeof *model->parameters);
        add_member(&zip, t->name, &member);
    }
    end_zip(&zip);
}
