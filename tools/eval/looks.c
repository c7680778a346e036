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

void look_draw(const struct look *look, const struct image *image, uint32_t height, uint32_t width,
               uint8_t *pixels)
{
    struct view view = view_middle(image, height, width);
    view.row += look->down;
    view.column += look->right;
    view.flip = look->flip;
    view.fill = FILL_EDGE;
    view_draw(&view, image, pixels);
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
