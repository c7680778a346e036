#include "sources/cifar.h"

#include "image.h"
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cifar_file cifar_file(const char *name)
{
    const char *slash = strrchr(name, '/'), *file = slash ? slash + 1 : name;
    static const char data[] = "data_batch_";
    if (strcmp(file, "batches.meta.txt") == 0)
        return CIFAR_NAMES;
    if (strcmp(file, "test_batch.bin") == 0)
        return CIFAR_TEST;
    if (strncmp(file, data, sizeof data - 1) != 0)
        return CIFAR_NONE;
    file += sizeof data - 1;
    size_t digits = strspn(file, "0123456789");
    return digits > 0 && strcmp(file + digits, ".bin") == 0 ? CIFAR_TRAIN : CIFAR_NONE;
}

/* The line of that number, counted from 0; its size is 0 when there is none. */
static const char *line(const char *names, unsigned number, size_t *size)
{
    while (number > 0 && *names != '\0') {
        names += strcspn(names, "\n");
        names += *names == '\n';
        number--;
    }
    *size = strcspn(names, "\r\n");
    return names;
}

int cifar_add(struct source *source, const char *batch, uint32_t number, uint8_t label,
              const char *names)
{
    size_t size, length = strlen(batch) - strlen(".bin");
    const char *name = line(names, label, &size);
    if (size == 0)
        return fail("an image is of class %u, which has no name in batches.meta.txt", label);
    char *key = ealloc(length + 16, 1);
    snprintf(key, length + 16, "%.*s/%05" PRIu32, (int)length, batch, number);
    int wanted = source_wants(source, key);
    if (wanted) {
        struct source_item *item = source_add(source, key, name, size, CIFAR_RECORD);
        item->split = cifar_file(batch) == CIFAR_TEST ? SPLIT_TEST : SPLIT_TRAIN;
    }
    free(key);
    return wanted;
}

int cifar_pixels(const uint8_t planes[CIFAR_PIXELS], struct pixels *pixels)
{
    enum { PLANE = CIFAR_SIDE * CIFAR_SIDE };
    if (pixels_shape(pixels, CIFAR_SIDE, CIFAR_SIDE, 3) < 0)
        return -1;
    for (int i = 0; i < PLANE; i++)
        for (int channel = 0; channel < 3; channel++)
            pixels->data[3 * i + channel] = planes[channel * PLANE + i];
    return 0;
}
