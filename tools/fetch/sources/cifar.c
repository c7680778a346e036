#include "sources/cifar.h"

#include "image.h"

#include <string.h>

const struct cifar cifar[CIFAR_WAYS] = {
    [CIFAR_10] = {"CIFAR-10", "batches.meta.txt", 1, 0},
    [CIFAR_FINE] = {"CIFAR-100", "fine_label_names.txt", 2, 1},
    [CIFAR_COARSE] = {"CIFAR-100", "coarse_label_names.txt", 2, 0},
};

enum cifar_file cifar_file(const char *name, enum cifar_labels *labels, int *split)
{
    const char *slash = strrchr(name, '/'), *file = slash ? slash + 1 : name;
    static const char data[] = "data_batch_";
    for (*labels = CIFAR_10; *labels < CIFAR_WAYS; ++*labels)
        if (strcmp(file, cifar[*labels].names) == 0)
            return CIFAR_NAMES;
    int is_100 = strcmp(file, "train.bin") == 0 || strcmp(file, "test.bin") == 0;
    *labels = is_100 ? CIFAR_FINE : CIFAR_10;
    *split = strncmp(file, "test", 4) == 0 ? SPLIT_TEST : SPLIT_TRAIN;
    if (is_100 || strcmp(file, "test_batch.bin") == 0)
        return CIFAR_BATCH;
    if (strncmp(file, data, sizeof data - 1) != 0)
        return CIFAR_NONE;
    file += sizeof data - 1;
    size_t digits = strspn(file, "0123456789");
    return digits > 0 && strcmp(file + digits, ".bin") == 0 ? CIFAR_BATCH : CIFAR_NONE;
}

const char *cifar_name(const char *names, unsigned label, size_t *size)
{
    for (unsigned line = 0; line < label && *names != '\0'; line++) {
        names += strcspn(names, "\n");
        names += *names == '\n';
    }
    *size = strcspn(names, "\r\n");
    return *size > 0 ? names : NULL;
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
