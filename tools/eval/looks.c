#include "looks.h"

#include "view.h"

#include <string.h>

struct looks looks_of(const char *name)
{
    static const struct look none[] = {{0, 0, 0, 1}}, flip[] = {{0, 0, 0, 0.5}, {0, 0, 1, 0.5}},
                             shifts[LOOKS_MOST] = {{0, 0, 0, 0.25},    {0, 0, 1, 0.25},
                                                   {1, 1, 0, 0.125},   {1, 1, 1, 0.125},
                                                   {-1, -1, 0, 0.125}, {-1, -1, 1, 0.125}};
    if (name == NULL)
        return (struct looks){NULL, 1, none};
    if (strcmp(name, "flip") == 0)
        return (struct looks){name, 2, flip};
    return (struct looks){name, LOOKS_MOST, shifts};
}

/* The nearest place that an image of this side has. */
static uint32_t inside(int64_t place, uint32_t side)
{
    return place < 0 ? 0 : place >= side ? side - 1 : (uint32_t)place;
}

void look_draw(const struct look *look, const struct image *image, uint32_t height, uint32_t width,
               uint8_t *pixels)
{
    struct view middle = view_middle(image, height, width);
    uint32_t channels = image->channels;
    middle.flip = look->flip;
    if (look->down == 0 && look->right == 0) {
        view_draw(&middle, image, pixels);
        return;
    }
    for (uint32_t y = 0; y < height; y++) {
        int64_t row = (int64_t)y + middle.row + look->down;
        const uint8_t *from =
            image->pixels + (size_t)inside(row, image->height) * image->width * channels;
        for (uint32_t x = 0; x < width; x++, pixels += channels) {
            int64_t column =
                (int64_t)(look->flip ? width - 1 - x : x) + middle.column + look->right;
            memcpy(pixels, from + (size_t)inside(column, image->width) * channels, channels);
        }
    }
}

void looks_mean(const struct looks *looks, float *probability, size_t values)
{
    for (size_t i = 0; i < values; i++) {
        double mean = 0;
        for (uint32_t l = 0; l < looks->count; l++)
            mean += looks->look[l].weight * (double)probability[l * values + i];
        probability[i] = (float)mean;
    }
}
